"""Speaks GitSlotPark's dialect: a signature in the body, and result codes with status 200.

Facts: https://skysoft-e628c952.mintlify.app/guides/callback-service, its pages about each call, and
.../concepts/data-sign with a signature to compare with.

The callbacks name no session, no game and no currency. So these come from a session of the player:
if the round exists, from the newest session of the round's game, else from the player's newest one.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, TypeVar

import msgspec
from msgspec import Meta

from consumer.ledger.answers import LedgerRefusal, OrderRefused
from consumer.ledger.orders import Bet, BetWin, Rollback, Win
from consumer.ledger.reads import LedgerReads
from consumer.wallet.bodies import read_json
from consumer.wallet.dialects.base import Desk, Dialect, DialectCall, Refused, Told, told
from consumer.wallet.dialects.money import exact_units
from consumer.wallet.dialects.options import DialectOptions, shared_secret
from consumer.wallet.signature import BadSignature

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from consumer.http.answer import Answer
    from consumer.http.request import Request
    from consumer.ledger.amounts import Amounts
    from consumer.ledger.answers import Booked, Funds
    from consumer.ledger.sessions import SeatedPlayer

RESULTS: Final[Mapping[str, int]] = {
    "OK": 0,
    "FAILED": 1,
    "BAD_SIGNATURE": 3,
    "PLAYER_NOT_FOUND": 5,
    "INSUFFICIENT_FUNDS": 6,
    "NOT_KNOWN": 8,
    "REVERSED": 9,
    "REPEATED": 11,
}
"""GitSlotPark's result codes. What has none of its own is `FAILED`, the general error."""
TOO_EARLY: Final = "TOO_EARLY"
"""Our code of what is refused now and will be taken once another call has come."""
AGAIN: Final = frozenset(("UNAVAILABLE", TOO_EARLY))
"""The codes that are answered with 503: GitSlotPark repeats a call only after another status than
200, and what is owed must not get lost."""
SlotUser = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        pattern=r"^(?!.*[0-9]\.[0-9]{2}$)[^\x00-\x1f\x7f-\x9f]+$(?!\n)",
    ),
]
"""A player, whose id must not end like an amount: see `SlotId`."""
SlotAmount = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,15})\.[0-9]{2}$(?!\n)")]
SlotId = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=r"^[^.\x00-\x1f\x7f-\x9f]+$(?!\n)")
]
"""An id of a transaction or a round. It must not contain a dot, because nothing separates the
signed fields. With a dot, the signature of a `BetWin` would also be that of a `Deposit` whose id
begins with an amount, and whoever has seen the first could send the second."""
SlotSentT = TypeVar("SlotSentT", bound="SlotRound")


class SlotBody(msgspec.Struct, frozen=True, kw_only=True):
    """What every call has, and the body of `GetBalance`."""

    agent_id: str = msgspec.field(name="agentID")
    user_id: SlotUser = msgspec.field(name="userID")
    sign: str

    def signed(self) -> tuple[str, ...]:
        """Return the fields that are signed, in their order."""
        return (self.agent_id, self.user_id, *self.amounts(), *self.ids())

    def amounts(self) -> tuple[str, ...]:
        """Return the amounts."""
        return ()

    def ids(self) -> tuple[str, ...]:
        """Return the ids that GitSlotPark has made."""
        return ()


class SlotRollback(SlotBody, frozen=True, kw_only=True):
    """The body of `RollbackTransaction`. It has no id of its own."""

    transaction_id: SlotId = msgspec.field(name="transactionID")

    def ids(self) -> tuple[str, ...]:
        """See `SlotBody.ids`."""
        return (self.transaction_id,)


class SlotRound(SlotBody, frozen=True, kw_only=True):
    """What the calls of a round have."""

    transaction_id: SlotId = msgspec.field(name="transactionID")
    round_id: SlotId = msgspec.field(name="roundID")

    def ids(self) -> tuple[str, ...]:
        """See `SlotBody.ids`."""
        return (self.transaction_id, self.round_id)


class SlotMove(SlotRound, frozen=True, kw_only=True):
    """The body of `Withdraw` and of `Deposit`."""

    amount: SlotAmount

    def amounts(self) -> tuple[str, ...]:
        """See `SlotBody.amounts`."""
        return (self.amount,)


class SlotBetWin(SlotRound, frozen=True, kw_only=True):
    """The body of `BetWin`."""

    bet_amount: SlotAmount = msgspec.field(name="betAmount")
    win_amount: SlotAmount = msgspec.field(name="winAmount")

    def amounts(self) -> tuple[str, ...]:
        """See `SlotBody.amounts`."""
        return (self.bet_amount, self.win_amount)


class GitSlotPark(Dialect):
    """See `Dialect`."""

    needs_agent: ClassVar[bool] = True
    rules: ClassVar[str] = (
        "`sign` is the HMAC-SHA256 of the named fields without anything between them, in upper "
        "case hex. Amounts have two digits behind the point. The player needs a session with the "
        "provider: its game and its currency count, because the call names neither. The answer has "
        "status 200 and a `result`. In two cases it has status 503, after which GitSlotPark sends "
        "the call again: nobody knows what became of the call, or another call has to come first. "
        "No call says when a round ends, so rounds stay open."
    )

    answers: ClassVar[Mapping[int, Mapping[str, object]]] = {
        200: {"result": 0, "transactionID": "42", "balance": 87.7},
        503: {"result": 1, "message": "UNAVAILABLE: the ledger did not answer in time"},
    }

    def __init__(self, options: DialectOptions) -> None:
        """See `Dialect`."""
        self._secret = shared_secret(options)
        self._agent_id = options.agent_id
        self._id_characters = options.id_characters

    @classmethod
    def calls(cls) -> tuple[DialectCall, ...]:
        """See `Dialect.calls`."""
        who = {"agentID": "Partner01", "userID": "p-1", "sign": "0" * 64}
        tail = {"transactionID": "txn_abc123", "roundID": "round_789"}
        return (
            DialectCall(
                verb="balance",
                path="GetBalance",
                summary="Show a balance",
                body=SlotBody,
                example=who,
                carry=_balance,
            ),
            DialectCall(
                verb="bet",
                path="Withdraw",
                summary="Take a stake",
                body=SlotMove,
                example={**who, "amount": "10.00", **tail},
                carry=_withdraw,
            ),
            DialectCall(
                verb="win",
                path="Deposit",
                summary="Pay out a win",
                body=SlotMove,
                example={**who, "amount": "22.50", **tail},
                carry=_deposit,
            ),
            DialectCall(
                verb="bet-win",
                path="BetWin",
                summary="Take a stake and pay its win",
                body=SlotBetWin,
                example={**who, "betAmount": "10.00", "winAmount": "5.00", **tail},
                carry=_bet_win,
            ),
            DialectCall(
                verb="rollback",
                path="RollbackTransaction",
                summary="Give a bet back",
                body=SlotRollback,
                example={**who, "transactionID": "txn_abc123"},
                carry=_roll_back,
            ),
        )

    def check(self, request: Request, body: bytes) -> None:
        """See `Dialect.check`."""
        path = request.path.rpartition("/")[2]
        sent = read_json(body, _BODIES[path])
        expected = sign(self._secret, sent.signed())
        if not hmac.compare_digest(expected.encode(), sent.sign.encode("utf-8", "replace")):
            raise BadSignature("expected sign: the upper-case hex HMAC-SHA256 of the fields")
        if sent.agent_id != self._agent_id:
            raise BadSignature("agentID is not that of this path")
        if self._id_characters is not None and any(
            len(each) != self._id_characters for each in sent.ids()
        ):
            raise BadSignature(f"expected ids of {self._id_characters} characters")

    @classmethod
    def refuse(cls, refused: Refused, call: DialectCall, body: bytes, amounts: Amounts) -> Answer:
        """See `Dialect.refuse`. No session means no such player: it has no other result."""
        del call, body
        code = refused.code
        if code == "SESSION_NOT_FOUND":
            code = "PLAYER_NOT_FOUND"
        result = RESULTS.get(code, RESULTS["FAILED"])
        document: dict[str, object] = {"result": result}
        if refused.now is not None:
            document["balance"] = _number(amounts, refused.now)
        document["message"] = f"{code}: {refused.detail}"
        return told(document, again=code in AGAIN)


_BODIES: Final[Mapping[str, type[SlotBody]]] = {
    "GetBalance": SlotBody,
    "Withdraw": SlotMove,
    "Deposit": SlotMove,
    "BetWin": SlotBetWin,
    "RollbackTransaction": SlotRollback,
}


def sign(secret: bytes, fields: tuple[str, ...]) -> str:
    """Return the signature of fields."""
    return hmac.new(secret, "".join(fields).encode(), hashlib.sha256).hexdigest().upper()


async def _balance(desk: Desk, sent: SlotBody) -> Told:
    seat = await _newest(desk, sent)
    funds = await desk.ledger.funds(desk.caller, seat.session)
    return Told({"result": RESULTS["OK"], "balance": _number(desk.amounts, funds)})


async def _withdraw(desk: Desk, sent: SlotMove) -> Told:
    return await _on_its_seat(desk, sent, _withdraw_from)


async def _withdraw_from(desk: Desk, sent: SlotMove, seat: SeatedPlayer) -> Told:
    order = Bet(
        transaction_id=sent.transaction_id,
        session=seat.session,
        round_id=sent.round_id,
        game_id=seat.game_id,
        amount_units=exact_units(desk.amounts, sent.amount, seat.currency),
        currency=seat.currency,
        facts=desk.facts,
    )
    return _booked(desk, await desk.book(order))


async def _deposit(desk: Desk, sent: SlotMove) -> Told:
    seat = await _seat(desk, sent)
    order = Win(
        transaction_id=sent.transaction_id,
        session=seat.session,
        round_id=sent.round_id,
        game_id=seat.game_id,
        amount_units=exact_units(desk.amounts, sent.amount, seat.currency),
        currency=seat.currency,
        facts=desk.facts,
    )
    try:
        return _booked(desk, await desk.book(order))
    except OrderRefused as refused:
        if refused.refusal is LedgerRefusal.BET_NOT_FOUND:
            raise Refused(TOO_EARLY, "no stake of this round has come yet") from refused
        raise


async def _bet_win(desk: Desk, sent: SlotBetWin) -> Told:
    """Take a stake and pay its win. The two have one id, and the ledger wants two."""
    return await _on_its_seat(desk, sent, _bet_win_from)


async def _bet_win_from(desk: Desk, sent: SlotBetWin, seat: SeatedPlayer) -> Told:
    order = BetWin(
        bet_transaction_id=sent.transaction_id,
        win_transaction_id=f"{sent.transaction_id}.win",
        bet_units=exact_units(desk.amounts, sent.bet_amount, seat.currency),
        win_units=exact_units(desk.amounts, sent.win_amount, seat.currency),
        session=seat.session,
        round_id=sent.round_id,
        game_id=seat.game_id,
        currency=seat.currency,
        facts=desk.facts,
    )
    _, win = await desk.ledger.call_back(desk.caller, order)
    return _booked(desk, win)


async def _roll_back(desk: Desk, sent: SlotRollback) -> Told:
    """Give back what has the id. What is not known is remembered, and never charged later."""
    caller = desk.caller
    reads = LedgerReads(desk.ledger)
    stored = await reads.transaction(caller.brand, caller.provider, sent.transaction_id)
    if stored is not None and stored.player_id not in (None, sent.user_id):
        raise OrderRefused(LedgerRefusal.TRANSACTION_CONFLICT)
    order = Rollback(
        transaction_id=f"{sent.transaction_id}.rollback",
        reference_transaction_id=sent.transaction_id,
        facts=desk.facts,
    )
    try:
        booked = await desk.book(order)
    except OrderRefused as refused:
        if refused.refusal is LedgerRefusal.BET_SETTLED and caller.reverses_wins:
            raise Refused(TOO_EARLY, "the win of this bet has to go back first") from refused
        raise
    if booked.now is None:
        document: dict[str, object] = {
            "result": RESULTS["NOT_KNOWN"],
            "message": "there is no such transaction",
        }
        return Told(document, booked.replayed)
    result = RESULTS["REVERSED" if booked.replayed else "OK"]
    balance = _number(desk.amounts, booked.now)
    return Told({"result": result, "balance": balance}, booked.replayed)


async def _on_its_seat(
    desk: Desk,
    sent: SlotSentT,
    carry: Callable[[Desk, SlotSentT, SeatedPlayer], Awaitable[Told]],
) -> Told:
    """Carry out a bet with the session of its round.

    A copy of a bet may come while the player opens another game. The first copy is then in the game
    that was open before, and this copy finds it there at the second look.

    Raises:
        OrderRefused: No money has moved.
    """
    try:
        return await carry(desk, sent, await _seat(desk, sent))
    except OrderRefused as refused:
        if refused.refusal is not LedgerRefusal.TRANSACTION_CONFLICT:
            raise
        return await carry(desk, sent, await _seat(desk, sent))


async def _newest(desk: Desk, sent: SlotBody) -> SeatedPlayer:
    """Return the session of a player that began last.

    Raises:
        OrderRefused: The player has none with this provider.
    """
    caller = desk.caller
    seat = await desk.sessions.newest(caller.brand, caller.provider, sent.user_id, desk.now_s)
    if seat is None:
        raise OrderRefused(LedgerRefusal.SESSION_NOT_FOUND)
    return seat


async def _seat(desk: Desk, sent: SlotRound) -> SeatedPlayer:
    """Return the session in whose game a round is. Of a new round, it is the newest session.

    Raises:
        OrderRefused: The player has none with this provider.
    """
    caller = desk.caller
    place = (caller.brand, caller.provider, sent.user_id, sent.round_id)
    return await desk.sessions.of_round(*place, desk.now_s) or await _newest(desk, sent)


def _booked(desk: Desk, booked: Booked) -> Told:
    document: dict[str, object] = {
        "result": RESULTS["REPEATED" if booked.replayed else "OK"],
        "transactionID": str(booked.ledger_id),
    }
    if booked.now is not None:
        document["balance"] = _number(desk.amounts, booked.now)
    return Told(document, booked.replayed)


def _number(amounts: Amounts, now: Funds) -> msgspec.Raw:
    """Write a balance as a JSON number, digit by digit. A float would not be exact."""
    return msgspec.Raw(amounts.write(now.total_units, now.currency).encode())
