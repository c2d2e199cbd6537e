"""Providers that speak dialects of their own. Each writes and reads what its public pages say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from consumer.wallet.settings import ProviderSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Send = Callable[[str, str, bytes, Mapping[str, str]], Awaitable[tuple[int, bytes]]]
    """Sends a method, a target, a body and headers. Returns the status and the body."""

HUB_KEY: Final = generate_private_key(public_exponent=65537, key_size=2048)
HUB_PUBLIC: Final = HUB_KEY.public_key().public_bytes(
    Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
)
SHARED: Final = "a-shared-secret"
SLOT_SECRET: Final = "another-shared-secret"
AGENT: Final = "Partner01"


class Heard(msgspec.Struct, frozen=True):
    """What a wallet answered, as far as all dialects have it.

    Attributes:
        status: The HTTP status.
        code: The dialect's own code. Empty if all is well.
        balance: The balance. None if there is none.
        document: The whole answer.
    """

    status: int
    code: str
    balance: Decimal | None
    document: dict[str, Any]


class Speaker:
    """Speaks a dialect.

    Args:
        send: Sends a request.
        place: The provider, the brand and the environment in the path.
    """

    name: ClassVar[str]
    codes: ClassVar[Mapping[str, tuple[int, str]]]
    """The status and the code of the provider's pages, by the code of the native dialect."""

    def __init__(self, send: Send, place: str = "x/b/live") -> None:
        self.send = send
        self.place = place

    @classmethod
    def settings(cls, **changes: object) -> ProviderSettings:
        """Return the options of the provider."""
        raise NotImplementedError

    async def balance(self, seat: str, player: str) -> Heard:
        """Ask for a balance."""
        raise NotImplementedError

    async def bet(self, number: str, amount: str, **place: object) -> Heard:
        """Send a bet. `place` has `seat`, `player` and `round_id`."""
        raise NotImplementedError

    async def win(self, number: str, amount: str, **place: object) -> Heard:
        """Send a win for the round."""
        raise NotImplementedError

    async def rollback(self, number: str, named: str, amount: str, **place: object) -> Heard:
        """Take a bet back."""
        raise NotImplementedError

    async def ask(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Send a request; returns the status and the document."""
        target = f"/v1/wallet/{self.place}/{path}"
        sent = {"content-type": "application/json", **headers}
        status, told = await self.send(method, target, body, sent)
        document: dict[str, Any] = json.loads(told, parse_float=Decimal)
        return status, document


class HubSpeaker(Speaker):
    """Hub88."""

    name: ClassVar[str] = "hub88"
    codes: ClassVar[Mapping[str, tuple[int, str]]] = {
        "OK": (200, ""),
        "REPLAYED": (200, ""),
        "UNKNOWN_BET": (200, ""),
        "ROLLED_BACK_AGAIN": (200, ""),
        "NO_SUCH_PARTNER": (200, "RS_ERROR_INVALID_PARTNER"),
        "BAD_SIGNATURE": (200, "RS_ERROR_INVALID_SIGNATURE"),
        "SESSION_NOT_FOUND": (200, "RS_ERROR_INVALID_TOKEN"),
        "SESSION_EXPIRED": (200, "RS_ERROR_TOKEN_EXPIRED"),
        "GAME_NOT_FOUND": (200, "RS_ERROR_INVALID_GAME"),
        "WRONG_CURRENCY": (200, "RS_ERROR_WRONG_CURRENCY"),
        "INSUFFICIENT_FUNDS": (200, "RS_ERROR_NOT_ENOUGH_MONEY"),
        "PLAYER_FROZEN": (200, "RS_ERROR_USER_DISABLED"),
        "TRANSACTION_CONFLICT": (200, "RS_ERROR_DUPLICATE_TRANSACTION"),
        "ROLLED_BACK": (200, "RS_ERROR_TRANSACTION_ROLLED_BACK"),
        "BET_NOT_FOUND": (200, "RS_ERROR_TRANSACTION_DOES_NOT_EXIST"),
        "BET_SETTLED": (200, "RS_ERROR_UNKNOWN"),
        "NOT_REVERSIBLE": (200, "RS_ERROR_UNKNOWN"),
        "ROUND_CLOSED": (200, "RS_ERROR_UNKNOWN"),
        "BAD_AMOUNT": (200, "RS_ERROR_WRONG_TYPES"),
        "BAD_REQUEST": (200, "RS_ERROR_WRONG_SYNTAX"),
        "UNAVAILABLE": (503, "RS_ERROR_UNKNOWN"),
    }

    @classmethod
    def settings(cls, **changes: object) -> ProviderSettings:
        """See `Speaker.settings`."""
        usual = ProviderSettings(dialect="hub88", public_key=HUB_PUBLIC.decode())
        return replace(usual, **changes)

    async def balance(self, seat: str, player: str) -> Heard:
        """See `Speaker.balance`."""
        return await self.call("user/balance", {"user": player, "token": seat, "game_code": "g"})

    async def bet(self, number: str, amount: str, **place: object) -> Heard:
        """See `Speaker.bet`."""
        return await self.call("transaction/bet", self._play(number, amount, **place))

    async def win(self, number: str, amount: str, **place: object) -> Heard:
        """See `Speaker.win`."""
        return await self.call("transaction/win", self._play(number, amount, **place))

    async def rollback(self, number: str, named: str, amount: str, **place: object) -> Heard:
        """See `Speaker.rollback`."""
        fields = self._play(number, amount, **place)
        del fields["amount"], fields["currency"]
        return await self.call(
            "transaction/rollback", {**fields, "reference_transaction_uuid": named}
        )

    async def call(
        self, path: str, fields: Mapping[str, object] | bytes, signature: str | None = None
    ) -> Heard:
        """Send a call."""
        if isinstance(fields, bytes):
            body = fields
        else:
            body = json.dumps({"request_uuid": str(uuid.uuid4()), **fields}).encode()
        proof = base64.b64encode(HUB_KEY.sign(body, PKCS1v15(), SHA256())).decode()
        headers = {"x-hub88-signature": proof if signature is None else signature}
        status, told = await self.ask("POST", path, body, headers)
        code = str(told["status"])
        balance = told.get("balance")
        return Heard(
            status,
            "" if code == "RS_OK" else code,
            None if balance is None else Decimal(balance) / 100_000,
            told,
        )

    def _play(self, number: str, amount: str, **place: object) -> dict[str, Any]:
        fields = {
            "transaction_uuid": number,
            "token": place.pop("seat", "s"),
            "user": place.pop("player", "p"),
            "round": place.pop("round_id", "r"),
            "game_code": "g",
            "currency": "EUR",
            "amount": int(Decimal(amount) * 100_000),
            "supplier_user": "cg_45141",  # a field that we do not need
            "is_free": False,
            "meta": {"any": ["thing"]},
        }
        return {**fields, **place}


class SwipeSpeaker(Speaker):
    """SwipeGames."""

    name: ClassVar[str] = "swipegames"
    codes: ClassVar[Mapping[str, tuple[int, str]]] = {
        "OK": (200, ""),
        "REPLAYED": (200, ""),
        "UNKNOWN_BET": (200, ""),
        "ROLLED_BACK_AGAIN": (200, ""),
        "NO_SUCH_PARTNER": (404, "-"),
        "BAD_SIGNATURE": (401, "-"),
        "SESSION_NOT_FOUND": (404, "session_not_found"),
        "SESSION_EXPIRED": (400, "session_expired"),
        "GAME_NOT_FOUND": (400, "game_not_found"),
        "INSUFFICIENT_FUNDS": (400, "insufficient_funds"),
        "PLAYER_FROZEN": (400, "account_blocked"),
        "TRANSACTION_CONFLICT": (400, "-"),
        "ROLLED_BACK": (400, "-"),
        "BET_NOT_FOUND": (400, "-"),
        "BET_SETTLED": (400, "-"),
        "NOT_REVERSIBLE": (400, "-"),
        "ROUND_CLOSED": (400, "-"),
        "BAD_AMOUNT": (400, "-"),
        "BAD_REQUEST": (400, "-"),
        "UNAVAILABLE": (500, "client_connection_error"),
    }
    """`-`: an error without a code of its own."""

    @classmethod
    def settings(cls, **changes: object) -> ProviderSettings:
        """See `Speaker.settings`."""
        return replace(ProviderSettings(dialect="swipegames", secret=SHARED), **changes)

    async def balance(self, seat: str, player: str) -> Heard:
        """See `Speaker.balance`."""
        assert player
        query = {"sessionID": seat}
        return await self.call("GET", f"balance?{urlencode(query)}", b"", compact(query))

    async def bet(self, number: str, amount: str, **place: object) -> Heard:
        """See `Speaker.bet`."""
        return await self._post("bet", self._play(number, amount, **place))

    async def win(self, number: str, amount: str, **place: object) -> Heard:
        """See `Speaker.win`."""
        return await self._post("win", self._play(number, amount, **place))

    async def rollback(self, number: str, named: str, amount: str, **place: object) -> Heard:
        """See `Speaker.rollback`."""
        fields = self._play(number, amount, **place)
        del fields["type"]
        return await self._post("refund", {**fields, "origTxID": named})

    async def call(
        self, method: str, path: str, body: bytes, signed: bytes, signature: str | None = None
    ) -> Heard:
        """Send a request with the signature of `signed`."""
        proof = hmac.new(SHARED.encode(), signed, hashlib.sha256).hexdigest()
        headers = {"x-request-sign": proof if signature is None else signature}
        status, told = await self.ask(method, path, body, headers)
        balance = told.get("balance")
        return Heard(
            status,
            "" if status == 200 else str(told.get("code", "-")),
            None if balance is None else Decimal(balance),
            told,
        )

    async def _post(self, path: str, fields: Mapping[str, object]) -> Heard:
        body = compact(fields)
        return await self.call("POST", path, body, body)

    def _play(self, number: str, amount: str, **place: object) -> dict[str, Any]:
        fields = {
            "sessionID": place.pop("seat", "s"),
            "roundID": place.pop("round_id", "r"),
            "txID": number,
            "amount": amount,
            "type": "regular",
        }
        place.pop("player", "p")
        return {**fields, **place}


def compact(fields: Mapping[str, object]) -> bytes:
    """Write JSON as SwipeGames does: sorted, and without spaces."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


class SlotSpeaker(Speaker):
    """GitSlotPark."""

    name: ClassVar[str] = "gitslotpark"
    codes: ClassVar[Mapping[str, tuple[int, str]]] = {
        "OK": (200, ""),
        "REPLAYED": (200, "11"),
        "UNKNOWN_BET": (200, "8"),
        "ROLLED_BACK_AGAIN": (200, "9"),
        "NO_SUCH_PARTNER": (200, "1"),
        "BAD_SIGNATURE": (200, "3"),
        "SESSION_NOT_FOUND": (200, "5"),
        "SESSION_EXPIRED": (200, "1"),
        "GAME_NOT_FOUND": (200, "1"),
        "INSUFFICIENT_FUNDS": (200, "6"),
        "PLAYER_FROZEN": (200, "1"),
        "TRANSACTION_CONFLICT": (200, "1"),
        "ROLLED_BACK": (200, "1"),
        "BET_NOT_FOUND": (503, "1"),
        "BET_SETTLED": (200, "1"),
        "NOT_REVERSIBLE": (200, "1"),
        "BAD_AMOUNT": (200, "1"),
        "BAD_REQUEST": (200, "1"),
        "UNAVAILABLE": (503, "1"),
    }
    SIGNED: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "GetBalance": ("agentID", "userID"),
        "Withdraw": ("agentID", "userID", "amount", "transactionID", "roundID"),
        "Deposit": ("agentID", "userID", "amount", "transactionID", "roundID"),
        "BetWin": ("agentID", "userID", "betAmount", "winAmount", "transactionID", "roundID"),
        "RollbackTransaction": ("agentID", "userID", "transactionID"),
    }

    @classmethod
    def settings(cls, **changes: object) -> ProviderSettings:
        """See `Speaker.settings`."""
        usual = ProviderSettings(dialect="gitslotpark", secret=SLOT_SECRET, agent_id=AGENT)
        return replace(usual, **changes)

    async def balance(self, seat: str, player: str) -> Heard:
        """See `Speaker.balance`."""
        assert seat
        return await self.call("GetBalance", {"userID": player})

    async def bet(self, number: str, amount: str, **place: object) -> Heard:
        """See `Speaker.bet`."""
        return await self.call("Withdraw", self._move(number, amount, **place))

    async def win(self, number: str, amount: str, **place: object) -> Heard:
        """See `Speaker.win`."""
        return await self.call("Deposit", self._move(number, amount, **place))

    async def rollback(self, number: str, named: str, amount: str, **place: object) -> Heard:
        """See `Speaker.rollback`. It has no id of its own."""
        assert number
        assert amount
        player = place.get("player", "p")
        return await self.call("RollbackTransaction", {"userID": player, "transactionID": named})

    async def call(
        self, path: str, fields: Mapping[str, object], proof: str | None = None
    ) -> Heard:
        """Send a call."""
        whole = {"agentID": AGENT, **fields}
        text = "".join(str(whole.get(name, "")) for name in self.SIGNED[path])
        made = hmac.new(SLOT_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest().upper()
        body = json.dumps({**whole, "sign": made if proof is None else proof}).encode()
        status, told = await self.ask("POST", path, body, {})
        balance = told.get("balance")
        code = str(told["result"])
        return Heard(
            status,
            "" if code == "0" else code,
            None if balance is None else Decimal(balance),
            told,
        )

    def _move(self, number: str, amount: str, **place: object) -> dict[str, Any]:
        place.pop("seat", "s")
        fields = {
            "userID": place.pop("player", "p"),
            "roundID": place.pop("round_id", "r"),
            "transactionID": number,
            "amount": f"{Decimal(amount):.2f}",
        }
        return {**fields, **place}


SPEAKERS: Final[tuple[type[Speaker], ...]] = (HubSpeaker, SwipeSpeaker, SlotSpeaker)
