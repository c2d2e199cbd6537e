"""Speaks Hub88's dialect: JSON signed with RSA, and amounts as whole numbers of 1/100,000.

Facts: https://docs.hub88.io/developer-docs/operator-api-reference/wallet-api, its page of response
statuses, and the signatures in https://github.com/coingaming/Hub88-Examples.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Meta

from consumer.http.answer import Answer, Problem
from consumer.ledger.answers import LedgerRefusal, OrderRefused
from consumer.ledger.orders import Bet, Rollback, RoundEnd, Win, WinKind
from consumer.wallet.bodies import SentName
from consumer.wallet.dialects.base import Desk, Dialect, DialectCall, Refused, Told, told
from consumer.wallet.dialects.money import scaled_down, units_of_scaled
from consumer.wallet.signature import BadSignature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.http.request import Request
    from consumer.ledger.amounts import Amounts
    from consumer.ledger.answers import Booked, Funds
    from consumer.ledger.sessions import SeatedPlayer
    from consumer.wallet.dialects.options import DialectOptions

DIGITS: Final = 5
"""3.56 is written as 356000."""
KEY_MIN_BITS: Final = 2048
STATUSES: Final[Mapping[str, str]] = {
    "NO_SUCH_PARTNER": "RS_ERROR_INVALID_PARTNER",
    "BAD_SIGNATURE": "RS_ERROR_INVALID_SIGNATURE",
    "BAD_REQUEST": "RS_ERROR_WRONG_SYNTAX",
    "BAD_TYPES": "RS_ERROR_WRONG_TYPES",
    "BAD_AMOUNT": "RS_ERROR_WRONG_TYPES",
    "SESSION_NOT_FOUND": "RS_ERROR_INVALID_TOKEN",
    "SESSION_EXPIRED": "RS_ERROR_TOKEN_EXPIRED",
    "GAME_NOT_FOUND": "RS_ERROR_INVALID_GAME",
    "WRONG_CURRENCY": "RS_ERROR_WRONG_CURRENCY",
    "INSUFFICIENT_FUNDS": "RS_ERROR_NOT_ENOUGH_MONEY",
    "PLAYER_FROZEN": "RS_ERROR_USER_DISABLED",
    "LIMIT_REACHED": "RS_ERROR_LIMIT_REACHED",
    "TRANSACTION_CONFLICT": "RS_ERROR_DUPLICATE_TRANSACTION",
    "ROLLED_BACK": "RS_ERROR_TRANSACTION_ROLLED_BACK",
    "BET_NOT_FOUND": "RS_ERROR_TRANSACTION_DOES_NOT_EXIST",
}
"""Hub88's status of each code. All other codes are `RS_ERROR_UNKNOWN`."""
HubAmount = Annotated[int, Meta(ge=0)]


class HubBody(msgspec.Struct, frozen=True, kw_only=True):
    """What every call has. Hub88 calls our session `token`, and our player `user`."""

    request_uuid: SentName
    user: SentName | None = None


class HubInfo(HubBody, frozen=True, kw_only=True):
    """The body of `user/info`."""


class HubBalance(HubBody, frozen=True, kw_only=True):
    """The body of `user/balance`."""

    token: SentName


class HubBet(HubBody, frozen=True, kw_only=True):
    """The body of a bet."""

    transaction_uuid: SentName
    token: SentName
    game_code: SentName
    currency: SentName
    amount: HubAmount
    round: SentName | None = None
    round_closed: bool | None = None
    is_free: bool | None = None


class HubWin(HubBet, frozen=True, kw_only=True):
    """The body of a win."""

    reference_transaction_uuid: SentName | None = None


class HubRollback(HubBody, frozen=True, kw_only=True):
    """The body of a rollback."""

    transaction_uuid: SentName
    reference_transaction_uuid: SentName
    token: SentName | None = None


class Hub88(Dialect):
    """See `Dialect`."""

    is_public_key: ClassVar[bool] = True
    rules: ClassVar[str] = (
        "`X-Hub88-Signature` is the base64 of an RSA-SHA256 signature of the raw body. The answer "
        "is 200 with a `status`; only while nobody knows what became of the call it is 503, so "
        "that Hub88 sends it again or takes the bet back. A free bet (`is_free`) takes nothing. "
        "A balance is cut to five digits behind the point."
    )

    answers: ClassVar[Mapping[int, Mapping[str, object]]] = {
        200: {
            "user": "p-1",
            "status": "RS_OK",
            "request_uuid": "583c985f-fee6-4c0e-bbf5-308aad6265af",
            "currency": "EUR",
            "balance": 8770000,
        },
        503: {
            "request_uuid": "583c985f-fee6-4c0e-bbf5-308aad6265af",
            "status": "RS_ERROR_UNKNOWN",
        },
    }

    def __init__(self, options: DialectOptions) -> None:
        """See `Dialect`. The key is RSA with at least 2048 bits."""
        try:
            key = load_pem_public_key(options.secret.encode())
        except UnsupportedAlgorithm as error:
            raise ValueError("expected an RSA key") from error
        if not isinstance(key, RSAPublicKey) or key.key_size < KEY_MIN_BITS:
            raise ValueError(f"expected an RSA key with at least {KEY_MIN_BITS} bits")
        self._key = key

    @classmethod
    def calls(cls) -> tuple[DialectCall, ...]:
        """See `Dialect.calls`."""
        who = {"user": "p-1", "request_uuid": "583c985f-fee6-4c0e-bbf5-308aad6265af"}
        seat = {**who, "token": "s-1", "game_code": "clt_dragonrising"}
        bet = {
            **seat,
            "transaction_uuid": "16d2dcfe-b89e-11e7-854a-58404eea6d16",
            "round": "r-1",
            "currency": "EUR",
            "amount": 1230000,
        }
        names = {"reference_transaction_uuid": bet["transaction_uuid"]}
        other = {"transaction_uuid": "16d2dcfe-b89e-11e7-854a-58404eea6d17"}
        return (
            DialectCall(
                verb="balance",
                path="user/info",
                summary="Say whether a player is known",
                body=HubInfo,
                example=who,
                carry=_info,
            ),
            DialectCall(
                verb="balance",
                path="user/balance",
                summary="Show a balance",
                body=HubBalance,
                example=seat,
                carry=_balance,
            ),
            DialectCall(
                verb="bet",
                path="transaction/bet",
                summary="Take a stake",
                body=HubBet,
                example=bet,
                carry=_bet,
            ),
            DialectCall(
                verb="win",
                path="transaction/win",
                summary="Pay out a win",
                body=HubWin,
                example={**bet, **other, **names},
                carry=_win,
            ),
            DialectCall(
                verb="rollback",
                path="transaction/rollback",
                summary="Give a bet back",
                body=HubRollback,
                example={**seat, **other, **names, "round": "r-1"},
                carry=_rollback,
            ),
        )

    def check(self, request: Request, body: bytes) -> None:
        """See `Dialect.check`."""
        check_signature(self._key, request.headers.get("x-hub88-signature"), body)

    @classmethod
    def read(cls, call: DialectCall, request: Request, body: bytes) -> msgspec.Struct:
        """See `Dialect.read`. A field of another type has a status of its own."""
        try:
            return super().read(call, request, body)
        except Problem as problem:
            code = "BAD_TYPES" if "Expected `" in problem.detail else "BAD_REQUEST"
            raise Refused(code, problem.detail) from problem

    @classmethod
    def refuse(cls, refused: Refused, call: DialectCall, body: bytes, amounts: Amounts) -> Answer:
        """See `Dialect.refuse`. Hub88 wants the true balance with `RS_ERROR_NOT_ENOUGH_MONEY`."""
        del call
        status = STATUSES.get(refused.code, "RS_ERROR_UNKNOWN")
        document: dict[str, object] = {**_echoed(body), "status": status}
        if refused.now is not None:
            document |= _funds(amounts, refused.now)
        return told(document, again=refused.code == "UNAVAILABLE")


def check_signature(key: RSAPublicKey, header: str | None, body: bytes) -> None:
    """Check that the owner of a key has signed a body.

    Raises:
        BadSignature: Somebody else has, or nobody.
    """
    try:
        proof = base64.b64decode(header or "", validate=True)
        key.verify(proof, body, PKCS1v15(), SHA256())
    except (binascii.Error, ValueError, InvalidSignature) as error:
        raise BadSignature("expected X-Hub88-Signature: the RSA-SHA256 of the body") from error


async def _info(desk: Desk, sent: HubInfo) -> Told:
    """Tell that a player exists. The wallet knows nothing else of a player."""
    if sent.user is None or not await desk.ledger.players(desk.caller.brand, sent.user):
        raise OrderRefused(LedgerRefusal.PLAYER_NOT_FOUND)
    document = {"user": sent.user, "status": "RS_OK", "request_uuid": sent.request_uuid}
    return Told(document)


async def _balance(desk: Desk, sent: HubBalance) -> Told:
    seat = await _seat(desk, sent, sent.token)
    return _told(desk, sent, seat.player_id, await desk.ledger.funds(desk.caller, sent.token))


async def _bet(desk: Desk, sent: HubBet) -> Told:
    """Take a stake. `round_closed` closes the round afterwards; both steps may be repeated."""
    seat = await _seat(desk, sent, sent.token)
    round_id = sent.round or sent.transaction_uuid
    order = Bet(
        transaction_id=sent.transaction_uuid,
        session=sent.token,
        round_id=round_id,
        game_id=sent.game_code,
        amount_units=0 if sent.is_free else _units(desk, sent),
        currency=sent.currency,
        facts=desk.facts,
    )
    booked = await desk.book(order)
    if sent.round_closed:
        end = RoundEnd(
            transaction_id=f"{sent.transaction_uuid}:end",
            session=sent.token,
            round_id=round_id,
            game_id=sent.game_code,
        )
        await desk.book(end)
    return _booked(desk, sent, seat.player_id, booked)


async def _win(desk: Desk, sent: HubWin) -> Told:
    seat = await _seat(desk, sent, sent.token)
    named = sent.reference_transaction_uuid
    order = Win(
        transaction_id=sent.transaction_uuid,
        session=sent.token,
        round_id=sent.round or named or sent.transaction_uuid,
        game_id=sent.game_code,
        amount_units=_units(desk, sent),
        currency=sent.currency,
        bet_transaction_id=named,
        kind=WinKind.FREE if sent.is_free else None,
        round_end=bool(sent.round_closed),
        facts=desk.facts_of_end if sent.round_closed else desk.facts,
    )
    return _booked(desk, sent, seat.player_id, await desk.book(order))


async def _rollback(desk: Desk, sent: HubRollback) -> Told:
    """Give a bet back. An unknown token does not matter: Hub88 sends a rollback until it counts."""
    seat, caller = None, desk.caller
    if sent.token is not None:
        find = desk.sessions.find
        seat = await find(caller.brand, caller.provider, sent.token, desk.now_s)
    order = Rollback(
        transaction_id=sent.transaction_uuid,
        reference_transaction_id=sent.reference_transaction_uuid,
        session=None if seat is None else seat.session,
        facts=desk.facts,
    )
    booked = await desk.book(order)
    now = booked.now
    if now is None and seat is not None:
        now = await desk.ledger.funds(caller, seat.session)
    return _told(
        desk, sent, None if seat is None else seat.player_id, now, replayed=booked.replayed
    )


async def _seat(desk: Desk, sent: HubBody, token: str) -> SeatedPlayer:
    """Return who plays with a token.

    Raises:
        OrderRefused: There is no such token, or it is another user's.
    """
    seat = await desk.seat(token)
    if sent.user not in (None, seat.player_id):
        raise OrderRefused(LedgerRefusal.SESSION_NOT_FOUND)
    return seat


def _units(desk: Desk, sent: HubBet) -> int:
    return units_of_scaled(desk.amounts, sent.amount, DIGITS, sent.currency)


def _booked(desk: Desk, sent: HubBody, player_id: str, booked: Booked) -> Told:
    return _told(desk, sent, player_id, booked.now, replayed=booked.replayed)


def _told(
    desk: Desk, sent: HubBody, player_id: str | None, now: Funds | None, *, replayed: bool = False
) -> Told:
    document: dict[str, object] = {
        "user": player_id or sent.user,
        "status": "RS_OK",
        "request_uuid": sent.request_uuid,
    }
    if now is not None:
        document |= _funds(desk.amounts, now)
    return Told(document, replayed)


def _funds(amounts: Amounts, now: Funds) -> dict[str, object]:
    balance = scaled_down(amounts, now.total_units, DIGITS, now.currency)
    return {"currency": now.currency, "balance": balance}


def _echoed(body: bytes) -> dict[str, object]:
    """Return what every answer repeats of its request, as far as the body can be read."""
    try:
        sent = msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return {
        name: value for name in ("user", "request_uuid") if isinstance(value := sent.get(name), str)
    }
