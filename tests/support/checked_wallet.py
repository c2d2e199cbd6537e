"""A wallet in this process, with players as the file of `consumer wallet check` wants them."""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
import tomli_w

from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.origin import Environment
from consumer.ledger.amounts import Amounts
from consumer.ledger.currencies import BUILT_IN
from consumer.ledger.games import LedgerGames, ListedGame
from consumer.ledger.orders import Bet, BonusEnd, BonusIssue, Caller, Deposit
from consumer.ledger.shown import PlayedSession
from consumer.ledger.sqlite.ledger import SqliteLedger
from consumer.operations.metrics import Metrics
from consumer.tools.sample.http_connection import target_of
from consumer.tools.wallet_check.run import WalletCheck
from consumer.tools.wallet_check.settings import load_check
from consumer.wallet.callbacks import Callbacks
from consumer.wallet.callers import Callers
from consumer.wallet.endpoints import callback_endpoints
from consumer.wallet.facts import Facts
from consumer.wallet.settings import ProviderSettings, WalletBrandSettings, WalletSettings
from tests.support.http_application import application_of
from tests.support.http_port import port
from tests.support.provider import Provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    import pytest

    from consumer.http.endpoint import Endpoint, Handle
    from consumer.ledger.base import Ledger
    from consumer.tools.wallet_check.case import CaseResult
    from tests.support.broken_wallet import Broken

BRAND: Final = WalletBrandSettings(origin="www.b.example", exchange_rates={"EUR": "1", "SEK": "1"})
ACME: Final = Caller("b", "acme")
FOR_EVER_S: Final = 4e9
SESSIONS: Final[Mapping[str, str]] = {
    "usual": "s-usual",
    "poor": "s-poor",
    "expired": "s-expired",
    "frozen": "s-frozen",
    "other_player": "s-other",
    "other_provider": "s-stranger",
    "other_currency": "s-krona",
    "bonus": "s-bonus",
}


class CheckedWallet:
    """A wallet on SQLite, and how it is served. A test breaks one of its parts.

    Args:
        folder: of its database.
        rollback_wins: The provider may take wins back.

    Attributes:
        ledger: The live money.
        callers: Knows who has signed.
        amounts: Reads amounts.
        provider: Signs.
        sessions: The sessions of the file.
        stake: The stake of the file.
        around: Takes what answers a call, and returns what answers it in place of that.
    """

    def __init__(self, folder: Path, *, rollback_wins: bool = False) -> None:
        self._folder = folder
        self._rollback_wins = rollback_wins
        self.settings = WalletSettings(
            database="sqlite:x",
            brands={"b": BRAND},
            providers={"acme": ProviderSettings(rollback_wins=rollback_wins)},
        )
        self.ledger: Ledger = SqliteLedger(folder / "wallet.db")
        self.callers = Callers({Environment.LIVE: self.ledger}, self.settings, SYSTEM_CLOCK)
        self.amounts = Amounts(BUILT_IN)
        self.provider = Provider()
        self.sessions: Mapping[str, str] = SESSIONS
        self.stake = "1"
        self.around: Callable[[Handle], Handle] = lambda handle: handle

    def endpoints(self) -> Sequence[Endpoint]:
        """Return what providers call."""
        ledgers = {Environment.LIVE: self.ledger}
        facts = Facts(self.settings)
        answering = Callbacks(ledgers, self.callers, self.amounts, facts, Metrics())
        endpoints = callback_endpoints(answering)
        return [
            msgspec.structs.replace(each, handle=self.around(each.handle)) for each in endpoints
        ]

    async def prepare(self) -> None:
        """Add the key, the players and their sessions."""
        await self.ledger.add_provider_key(self.provider.key)
        for game_id in ("g", "h"):
            game = ListedGame("b", "acme", game_id, "Book of Sun", "Slots")
            await LedgerGames(self.ledger).put(game)
        for player, units in (("usual", 100_00), ("poor", 5), ("frozen", 0), ("other", 50_00)):
            await self._sit(player, f"s-{player}", units)
        await self._begin("usual", "s-expired")
        await self.ledger.end_session("b", "s-expired")
        await self.ledger.freeze("b", "frozen", frozen=True)
        await self._begin("usual", "s-stranger", provider="other")
        await self._sit("usual", "s-krona", 100, "SEK")
        await self._sit("bonus", "s-bonus", 7_00)
        await self._issue("bonus", 3_00)
        for player, converts in (("converted", True), ("forfeited", False)):
            await self._sit(player, f"s-{player}", 0)
            bonus_id = await self._issue(player, 2_00)
            place = {"round_id": "r", "game_id": "g", "currency": "EUR", "session": f"s-{player}"}
            order = Bet(transaction_id=f"t-{player}", amount_units=1_00, **place)
            await self.ledger.call_back(ACME, order)
            ended = BonusEnd(brand="b", bonus_id=bonus_id, converts=converts, reference=player)
            await self.ledger.operate(ended)

    async def _sit(self, player: str, session: str, units: int, currency: str = "EUR") -> None:
        await self.ledger.add_player("b", player, currency)
        if units:
            await self.deposit(player, units, f"{player}-{currency}", currency)
        await self._begin(player, session, currency)

    async def deposit(self, player: str, units: int, reference: str, currency: str = "EUR") -> None:
        """Put money on an account."""
        order = Deposit(
            brand="b", player_id=player, currency=currency, amount_units=units,
            reference=reference,
        )  # fmt: skip
        await self.ledger.operate(order)

    async def _begin(
        self, player: str, session: str, currency: str = "EUR", provider: str = "acme"
    ) -> None:
        begun = PlayedSession(session=session, brand="b", provider=provider, expires_s=FOR_EVER_S)
        await self.ledger.add_session(begun, player, currency)

    async def _issue(self, player: str, units: int) -> int:
        order = BonusIssue(
            brand="b", player_id=player, currency="EUR", amount_units=units, reference=player
        )
        return (await self.ledger.operate(order)).ledger_id

    def file(self) -> Path:
        """Write the file of the check."""
        bonus = {
            name: {"session": f"s-{name}", "round_id": "r", "bet_transaction_id": f"t-{name}"}
            for name in ("converted", "forfeited")
        }
        tables: dict[str, Any] = {
            "key_id": self.provider.key.id,
            "private_key": base64.b64encode(bytes(self.provider.signing)).decode(),
            "game_id": "g",
            "other_game_id": "h",
            "missing_game_id": "x",
            "currency": "EUR",
            "rollback_wins": self._rollback_wins,
            "stake": self.stake,
            "sessions": self.sessions,
            **{f"{name}_bonus": table for name, table in bonus.items()},
        }
        file = self._folder / "sessions.toml"
        file.write_text(tomli_w.dumps(tables))
        return file


@contextlib.asynccontextmanager
async def checking(
    wallet: CheckedWallet, monkeypatch: pytest.MonkeyPatch, broken: Broken | None = None
) -> AsyncIterator[WalletCheck]:
    """Serve a wallet over HTTP, and give the check of it."""
    await wallet.ledger.open()
    await wallet.prepare()
    if broken is not None:
        broken.into(wallet, monkeypatch)
    async with port(monkeypatch, application_of(wallet.endpoints())) as running:
        target = target_of(f"http://127.0.0.1:{running.number}")
        yield WalletCheck(target, load_check(wallet.file()), 3.0)
    await wallet.ledger.close()


async def results_of(check: WalletCheck) -> dict[str, CaseResult]:
    """Run all cases, and return how each ended."""
    await check.reach()
    return {result.case: result async for result in check.results()}
