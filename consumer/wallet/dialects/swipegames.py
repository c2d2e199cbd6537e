"""Speaks SwipeGames' dialect: JSON signed with a shared secret, and amounts as texts.

Facts: https://swipegames.github.io/public-api/swipegames-integration and the OpenAPI file in
https://github.com/SwipeGames/public-api, version 1.7.5.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from consumer.http.answer import Answer
from consumer.ledger.amounts import BadAmount
from consumer.ledger.answers import LedgerRefusal, OrderRefused
from consumer.ledger.orders import Bet, Rollback, Win, WinKind
from consumer.ledger.reads import LedgerReads
from consumer.wallet.bodies import SentName
from consumer.wallet.dialects.base import (
    Desk,
    Dialect,
    DialectCall,
    Refused,
    Told,
)
from consumer.wallet.dialects.money import exact_units
from consumer.wallet.dialects.options import DialectOptions, shared_secret
from consumer.wallet.signature import BadSignature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.http.request import Request
    from consumer.ledger.amounts import Amounts
    from consumer.ledger.answers import Booked, Funds
    from consumer.ledger.sessions import SeatedPlayer

UNKNOWN_BALANCE: Final = "0"
"""SwipeGames allows it in the answer to a refund of a bet that nobody knows."""
STATUSES: Final[Mapping[str, int]] = {
    "UNAVAILABLE": 500,
    "BAD_SIGNATURE": 401,
    "SESSION_NOT_FOUND": 404,
    "NO_SUCH_PARTNER": 404,
}
"""The status of each code; 400 for the others. SwipeGames refunds a bet only after 500 or silence.
So an answer of which nobody knows what became of the bet has to be 500, and no other may be."""
CODES: Final[Mapping[str, str]] = {
    "UNAVAILABLE": "client_connection_error",
    "SESSION_NOT_FOUND": "session_not_found",
    "SESSION_EXPIRED": "session_expired",
    "GAME_NOT_FOUND": "game_not_found",
    "WRONG_CURRENCY": "currency_not_supported",
    "INSUFFICIENT_FUNDS": "insufficient_funds",
    "PLAYER_FROZEN": "account_blocked",
    "LIMIT_REACHED": "bet_limit",
}
MESSAGES: Final[Mapping[str, str]] = {
    "UNAVAILABLE": "The casino cannot be reached. Please try again.",
    "SESSION_NOT_FOUND": "Please open the game again.",
    "SESSION_EXPIRED": "Your session has ended. Please open the game again.",
    "GAME_NOT_FOUND": "This game is not available.",
    "WRONG_CURRENCY": "This game is not available in your currency.",
    "INSUFFICIENT_FUNDS": "You do not have enough money.",
    "PLAYER_FROZEN": "Your account is blocked. Please contact the casino.",
    "LIMIT_REACHED": "You have reached your limit.",
}
"""What the player may see."""
USUAL_MESSAGE: Final = "This is not possible at the moment."
REFRESHED: Final = frozenset(("SESSION_NOT_FOUND", "SESSION_EXPIRED"))
"""The codes after which the player has to open the game again."""
SwipeAmount = Annotated[str, Meta(max_length=40)]
PlayType = Literal["regular", "free"]


class SwipeBalance(msgspec.Struct, frozen=True, kw_only=True):
    """The query of `balance`."""

    session_id: SentName = msgspec.field(name="sessionID")


class SwipePlay(SwipeBalance, frozen=True, kw_only=True):
    """The body of a bet or of a win."""

    type: PlayType
    amount: SwipeAmount
    transaction_id: SentName = msgspec.field(name="txID")
    round_id: SentName = msgspec.field(name="roundID")
    free_rounds_id: str | None = msgspec.field(name="frID", default=None)


class SwipeRefund(SwipeBalance, frozen=True, kw_only=True):
    """The body of a refund."""

    amount: SwipeAmount
    transaction_id: SentName = msgspec.field(name="txID")
    original_id: SentName = msgspec.field(name="origTxID")


class SwipeGames(Dialect):
    """See `Dialect`."""

    rules: ClassVar[str] = (
        "`X-REQUEST-SIGN` is the hex HMAC-SHA256 of the raw body. Of a `GET`, it is that of the "
        "query as a JSON object with sorted keys. `sessionID` is one of this wallet, and says "
        "which game and currency are meant. A `roundID` counts within one game. While nobody knows "
        "what became of a call the answer is 500: SwipeGames takes a bet back only after 500, or "
        "when no answer comes. Free bets and free wins move nothing. After them, one regular win "
        "with a `frID` pays their sum, and needs no bet."
    )

    answers: ClassVar[Mapping[int, Mapping[str, object]]] = {
        200: {"balance": "87.70", "txID": "42"},
        400: {
            "message": MESSAGES["INSUFFICIENT_FUNDS"],
            "details": "INSUFFICIENT_FUNDS: the player has not enough money",
            "code": "insufficient_funds",
        },
        401: {"message": USUAL_MESSAGE, "details": "BAD_SIGNATURE: expected X-REQUEST-SIGN"},
        404: {
            "message": MESSAGES["SESSION_NOT_FOUND"],
            "details": "SESSION_NOT_FOUND: this key has no such session",
            "code": "session_not_found",
            "action": "refresh",
        },
        500: {
            "message": MESSAGES["UNAVAILABLE"],
            "details": "UNAVAILABLE: the ledger did not answer in time",
            "code": "client_connection_error",
        },
    }

    def __init__(self, options: DialectOptions) -> None:
        """See `Dialect`."""
        self._secret = shared_secret(options)

    @classmethod
    def calls(cls) -> tuple[DialectCall, ...]:
        """See `Dialect.calls`."""
        session = {"sessionID": "a1b2c3d4-e5f6-7890-abcd-ef1234567890"}
        play = {
            **session,
            "type": "regular",
            "amount": "100.10",
            "txID": "c27ccade-5a45-4157-a85f-7d023a689ea5",
            "roundID": "b78e42f8-2041-482d-9c4b-f2ca79fc75e3",
        }
        refund = {
            **session,
            "amount": "100.10",
            "txID": "5d1f4a52-3a0f-4f1f-8d4e-0a6a0a3f0c11",
            "origTxID": "c27ccade-5a45-4157-a85f-7d023a689ea5",
        }
        return (
            DialectCall(
                verb="balance",
                path="balance",
                method="GET",
                summary="Show a balance",
                body=SwipeBalance,
                example=session,
                carry=_balance,
            ),
            DialectCall(
                verb="bet",
                path="bet",
                summary="Take a stake",
                body=SwipePlay,
                example=play,
                carry=_bet,
            ),
            DialectCall(
                verb="win",
                path="win",
                summary="Pay out a win, and close its round",
                body=SwipePlay,
                example=play,
                carry=_win,
            ),
            DialectCall(
                verb="rollback",
                path="refund",
                summary="Give a bet back",
                body=SwipeRefund,
                example=refund,
                carry=_refund,
            ),
        )

    def check(self, request: Request, body: bytes) -> None:
        """See `Dialect.check`."""
        signed = body if request.method == "POST" else canonical(_query(request))
        expected = sign(self._secret, signed)
        given = request.headers.get("x-request-sign") or ""
        if not hmac.compare_digest(expected.encode(), given.encode("latin-1", "replace")):
            raise BadSignature("expected X-REQUEST-SIGN: the hex HMAC-SHA256 of the request")

    @classmethod
    def read(cls, call: DialectCall, request: Request, body: bytes) -> msgspec.Struct:
        """See `Dialect.read`. The fields of a GET are in its query."""
        sent = canonical(_query(request)) if call.method == "GET" else body
        return super().read(call, request, sent)

    @classmethod
    def refuse(cls, refused: Refused, call: DialectCall, body: bytes, amounts: Amounts) -> Answer:
        """See `Dialect.refuse`."""
        del call, body, amounts
        document = {
            "message": MESSAGES.get(refused.code, USUAL_MESSAGE),
            "details": f"{refused.code}: {refused.detail}",
        }
        if refused.code in CODES:
            document["code"] = CODES[refused.code]
        if refused.code in REFRESHED:
            document["action"] = "refresh"
        return Answer(STATUSES.get(refused.code, 400), msgspec.json.encode(document))


def sign(secret: bytes, signed: bytes) -> str:
    """Return the signature of a body, or of a query in its canonical form."""
    return hmac.new(secret, signed, hashlib.sha256).hexdigest()


def canonical(fields: Mapping[str, str]) -> bytes:
    """Write a query as the JSON that SwipeGames signs: https://www.rfc-editor.org/rfc/rfc8785."""
    return msgspec.json.encode(dict(sorted(fields.items())))


def _query(request: Request) -> dict[str, str]:
    """Return the query.

    Raises:
        BadSignature: A name comes twice, so it is not clear what is signed.
    """
    pairs = parse_qsl(request.query.decode("latin-1"), keep_blank_values=True)
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BadSignature("expected each name once in the query")
    return found


async def _balance(desk: Desk, sent: SwipeBalance) -> Told:
    funds = await desk.ledger.funds(desk.caller, sent.session_id)
    return Told({"balance": desk.amounts.write(funds.total_units, funds.currency)})


async def _bet(desk: Desk, sent: SwipePlay) -> Told:
    seat = await desk.seat(sent.session_id)
    units = exact_units(desk.amounts, sent.amount, seat.currency)
    if sent.type == "free":
        if seat.is_over:
            raise OrderRefused(LedgerRefusal.SESSION_EXPIRED)
        return await _tracked(desk, seat, sent)
    order = Bet(
        transaction_id=sent.transaction_id,
        session=seat.session,
        round_id=sent.round_id,
        game_id=seat.game_id,
        amount_units=units,
        currency=seat.currency,
        facts=desk.facts,
    )
    return _booked(desk, await desk.book(order))


async def _win(desk: Desk, sent: SwipePlay) -> Told:
    """Pay a win. It closes its round: a round is a bet followed by a win, which may be 0."""
    seat = await desk.seat(sent.session_id)
    units = exact_units(desk.amounts, sent.amount, seat.currency)
    if sent.type == "free":
        return await _tracked(desk, seat, sent)
    order = Win(
        transaction_id=sent.transaction_id,
        session=seat.session,
        round_id=sent.round_id,
        game_id=seat.game_id,
        amount_units=units,
        currency=seat.currency,
        kind=WinKind.FREE if sent.free_rounds_id else None,
        round_end=True,
        facts=desk.facts_of_end,
    )
    return _booked(desk, await desk.book(order))


async def _refund(desk: Desk, sent: SwipeRefund) -> Told:
    """Give a bet back. It is sent until it is answered with 200, so an unknown bet gets 200 too."""
    caller, find = desk.caller, desk.sessions.find
    seat = await find(caller.brand, caller.provider, sent.session_id, desk.now_s)
    named = (caller.brand, caller.provider, sent.original_id)
    order = Rollback(
        transaction_id=sent.transaction_id,
        reference_transaction_id=sent.original_id,
        facts=desk.facts,
    )
    if seat is not None:
        order = msgspec.structs.replace(order, session=seat.session)
        try:
            units = exact_units(desk.amounts, sent.amount, seat.currency)
        except BadAmount:
            # A bet with this amount was refused, or never came. Its refund needs 200 all the same.
            if await LedgerReads(desk.ledger).transaction(*named) is not None:
                raise
        else:
            money = {"amount_units": units, "currency": seat.currency}
            order = msgspec.structs.replace(order, **money)
    booked = await desk.book(order)
    now = booked.now
    if now is None and seat is not None:
        now = await desk.ledger.funds(caller, seat.session)
    return _told(desk, now, str(booked.ledger_id), replayed=booked.replayed)


async def _tracked(desk: Desk, seat: SeatedPlayer, sent: SwipePlay) -> Told:
    """Answer a free bet or a free win. SwipeGames counts these itself, so nothing is booked."""
    funds = await desk.ledger.funds(desk.caller, seat.session)
    return _told(desk, funds, f"free-{sent.transaction_id}")


def _booked(desk: Desk, booked: Booked) -> Told:
    return _told(desk, booked.now, str(booked.ledger_id), replayed=booked.replayed)


def _told(desk: Desk, now: Funds | None, own_id: str, *, replayed: bool = False) -> Told:
    balance = UNKNOWN_BALANCE
    if now is not None:
        balance = desk.amounts.write(now.total_units, now.currency)
    return Told({"balance": balance, "txID": own_id}, replayed)
