"""Prepares what `consumer wallet check` needs, on our wallet: players, sessions and their file.

It asks as the brand's program does, with an access key. The players are new each time.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Final

import msgspec
from nacl.signing import SigningKey

from consumer.deliveries.origin import Environment
from consumer.errors import ConfigError, ConsumerError
from consumer.tools.readiness.answers import ReportedKey
from consumer.tools.wallet_check.client import CallbackSigner, WalletClient
from consumer.wallet.settings import SANDBOX_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.tools.readiness.client import BrandClient
    from consumer.tools.sample.http_connection import HttpTarget

ANSWER_S: Final = 3.0
MONEY: Final = "100"
BONUS: Final = "3"
STAKE: Final = "1"
GAMES: Final = ("check-game", "check-other-game")
"""The games that are played while a provider has no list. Then any game is good."""
MISSING_GAME: Final = "check-no-such-game"


class PreparationWish(msgspec.Struct, frozen=True, kw_only=True):
    """What is prepared.

    Attributes:
        provider: The provider that the check plays.
        key_id: The id of its key.
        private_key: The private half, as the base64 of 32 bytes.
        currency: The currency of the players.
        other_currency: A second currency of the brand. Empty if it has none.
    """

    provider: str
    key_id: str
    private_key: str
    currency: str
    other_currency: str = ""


class PreparedGame(msgspec.Struct):
    """A game on the brand's list."""

    provider: str
    game_id: str


class PreparedGames(msgspec.Struct):
    """The answer of `GET /v1/games`."""

    games: list[PreparedGame]


class NotPrepared(ConsumerError):
    """The wallet refuses what the check needs. The text of the error says what."""


class Preparation:
    """Prepares players and sessions.

    Args:
        client: Asks the port with a key that has the scope `wallet:operator`.
        target: The port, for the calls of the provider.
        wish: What is prepared.

    Raises:
        ConfigError: The private key cannot be read.
    """

    def __init__(self, client: BrandClient, target: HttpTarget, wish: PreparationWish) -> None:
        self._client = client
        self._wish = wish
        try:
            signing = SigningKey(base64.b64decode(wish.private_key, validate=True))
        except ValueError as error:
            raise ConfigError("the provider's key: expected the base64 of 32 bytes") from error
        signer = CallbackSigner(wish.key_id, signing)
        self._games = WalletClient(target, signer, ANSWER_S)
        self._mark = secrets.token_hex(4)
        self._game_id = GAMES[0]

    async def tables(self) -> dict[str, object]:
        """Prepare everything. Return the tables of the file.

        Raises:
            NotPrepared: The wallet refuses it.
            Unavailable: The port does not answer.
        """
        await self._check_key()
        wish, places = self._wish, await self._game_places()
        self._game_id = places["game_id"]
        sessions = {
            "usual": await self._sit("usual", MONEY),
            "poor": await self._sit("poor"),
            "frozen": await self._sit("frozen"),
            "other_player": await self._sit("other", MONEY),
            "bonus": await self._sit("bonus", MONEY),
            "expired": await self._begin("usual", wish.currency),
            "other_provider": await self._elsewhere(),
        }
        if wish.other_currency:
            sessions["other_currency"] = await self._sit("usual", MONEY, wish.other_currency)
        await self._issue("bonus")
        await self._ask("DELETE", f"/v1/sessions/{sessions['expired']}")
        await self._ask("POST", f"/v1/players/{self._name('frozen')}/freeze", {})
        return {
            "key_id": wish.key_id,
            "private_key": wish.private_key,
            "currency": wish.currency,
            "stake": STAKE,
            **places,
            "sessions": {name: session for name, session in sessions.items() if session},
            "converted_bonus": await self._bet_of_bonus("converted", "convert"),
            "forfeited_bonus": await self._bet_of_bonus("forfeited", "forfeit"),
        }

    def close(self) -> None:
        """Close the connection of the provider."""
        self._games.close()

    async def _check_key(self) -> None:
        """Refuse a live key: what is made here is money.

        Raises:
            NotPrepared: The key is none for tests.
        """
        key = (await self._client.ask("GET", "/v1/key")).read(ReportedKey)
        if key.environment != Environment.TEST:
            raise NotPrepared("expected a test key, which begins with ck_test_: it makes money")

    async def _game_places(self) -> dict[str, str]:
        """Return which games are played. A list would refuse all others, so none is made here."""
        reply = await self._client.ask("GET", "/v1/games", query={"limit": 1000})
        listed = reply.read(PreparedGames).games
        games = [one.game_id for one in listed if one.provider == self._wish.provider]
        if not games:
            return {"game_id": GAMES[0], "other_game_id": GAMES[1]}
        places = {"game_id": games[0], "missing_game_id": MISSING_GAME}
        return places if len(games) == 1 else {**places, "other_game_id": games[1]}

    def _name(self, role: str) -> str:
        return f"check-{role}-{self._mark}"

    async def _sit(self, role: str, amount: str = "", currency: str = "") -> str:
        """Open an account, and begin a session."""
        currency = currency or self._wish.currency
        account = {"player_id": self._name(role), "currency": currency}
        await self._ask("POST", "/v1/players", account)
        if amount:
            money = {
                "amount": amount, "currency": currency, "vendor_id": "check",
                "reference": f"{self._name(role)}-{currency}",
            }  # fmt: skip
            await self._ask("POST", f"/v1/players/{self._name(role)}/deposits", money)
        return await self._begin(role, currency)

    async def _begin(self, role: str, currency: str) -> str:
        fields = {
            "player_id": self._name(role), "currency": currency, "game_id": self._game_id,
            "provider": self._wish.provider,
        }  # fmt: skip
        return str((await self._ask("POST", "/v1/sessions", fields))["session"])

    async def _elsewhere(self) -> str:
        """Begin a session of the test games, which the key must not reach; empty without them."""
        fields = {
            "player_id": self._name("usual"), "currency": self._wish.currency, "game_id": "slot",
            "provider": SANDBOX_PROVIDER,
        }  # fmt: skip
        reply = await self._client.ask("POST", "/v1/sessions", fields)
        return str(reply.document["session"]) if reply.is_ok else ""

    async def _issue(self, role: str) -> str:
        money = {
            "amount": BONUS, "currency": self._wish.currency,
            "reference": f"bonus-{self._name(role)}",
        }  # fmt: skip
        told = await self._ask("POST", f"/v1/players/{self._name(role)}/bonuses", money)
        return str(told["ledger_id"])

    async def _bet_of_bonus(self, role: str, end: str) -> dict[str, str]:
        """Place a bet that a bonus pays, and end the bonus."""
        session = await self._sit(role)
        bonus_id = await self._issue(role)
        place = {"session": session, "round_id": f"round-{self._name(role)}"}
        number = f"bet-{self._name(role)}"
        bet = {
            "transaction_id": number, "amount": STAKE, "currency": self._wish.currency,
            "game_id": self._game_id, **place,
        }  # fmt: skip
        reply = await self._games.call("bet", msgspec.json.encode(bet))
        if not reply.document.get("ledger_id"):
            raise NotPrepared(f"a bet of the provider {self._wish.provider}: {reply.shown}")
        fields = {"reference": f"end-{self._name(role)}"}
        await self._ask("POST", f"/v1/bonuses/{bonus_id}/{end}", fields)
        return {"bet_transaction_id": number, **place}

    async def _ask(
        self, method: str, path: str, body: dict[str, str] | None = None
    ) -> Mapping[str, object]:
        reply = await self._client.ask(method, path, body)
        if not reply.is_ok:
            raise NotPrepared(f"{method} {path}: {reply.why}")
        return reply.document
