"""A wallet without a socket, for a provider that speaks a dialect of its own."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.origin import Environment
from consumer.ledger.amounts import Amounts
from consumer.ledger.currencies import BUILT_IN
from consumer.ledger.games import LedgerGames, ListedGame
from consumer.ledger.orders import Deposit
from consumer.ledger.shown import PlayedSession
from consumer.ledger.sqlite.ledger import SqliteLedger
from consumer.operations.metrics import Metrics
from consumer.wallet.dialects.callbacks import DialectCallbacks
from consumer.wallet.dialects.endpoints import dialect_endpoints
from consumer.wallet.facts import Facts
from consumer.wallet.settings import ProviderSettings, WalletBrandSettings, WalletSettings
from tests.support.http_application import application_of, client_of
from tests.support.ledger_table import FOR_EVER_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    import httpx

    from consumer.ledger.base import Ledger
    from tests.support.dialect_speakers import Heard, Send, Speaker

BRAND: Final = WalletBrandSettings(
    origin="www.b.example", exchange_rates={"EUR": "1", "JPY": "0.006", "USDT": "1"}
)
AMOUNTS: Final = Amounts({**BUILT_IN, "USDT": 6})


class DialectScene:
    """The wallet, and a player `p` with 100.00 EUR in the session `s`.

    Attributes:
        ledger: The live money.
        speaker: The provider.
        metrics: Where callbacks are counted.
    """

    def __init__(self, ledger: Ledger, speaker: Speaker, metrics: Metrics) -> None:
        self.ledger = ledger
        self.speaker = speaker
        self.metrics = metrics

    async def sit(
        self, player: str, seat: str, units: int = 0, *, currency: str = "EUR", **place: object
    ) -> None:
        """Open an account with money, and begin a session."""
        await self.ledger.add_player("b", player, currency)
        if units:
            order = Deposit(
                brand="b", player_id=player, currency=currency, amount_units=units,
                reference=f"d-{player}-{currency}",
            )  # fmt: skip
            await self.ledger.operate(order)
        begun = PlayedSession(
            session=seat, brand="b", provider="x", expires_s=FOR_EVER_S, game_id="g"
        )
        begun = replace(begun, **place)
        await self.ledger.add_session(begun, player, currency)

    async def list_game(self, game_id: str) -> None:
        """Put a game on the brand's list."""
        game = ListedGame("b", "x", game_id, "Book of Sun", "Slots")
        await LedgerGames(self.ledger).put(game)

    async def units(self, player: str = "p", currency: str = "EUR") -> int:
        """Return what is on an account."""
        players = await self.ledger.players("b", player)
        (found,) = [one for one in players if one.funds.currency == currency]
        return found.funds.total_units

    def expect(self, heard: Heard, code: str, balance: str | None = None) -> None:
        """Check an answer: the provider's own status and code for ours, and the balance."""
        assert (heard.status, heard.code) == self.speaker.codes[code], heard.document
        if balance is not None:
            assert heard.balance == Decimal(balance), heard.document


@contextlib.asynccontextmanager
async def dialect_scene(
    folder: Path, made: type[Speaker], **options: object
) -> AsyncIterator[DialectScene]:
    """Serve a wallet for one provider, whose name is `x`."""
    settings = WalletSettings(
        database="sqlite:x",
        brands={"b": BRAND, "c": BRAND},
        providers={"x": made.settings(**options), "native": ProviderSettings()},
    )
    ledger, metrics = SqliteLedger(folder / "wallet.db"), Metrics()
    await ledger.open()
    callbacks = DialectCallbacks(
        {Environment.LIVE: ledger}, settings, AMOUNTS, Facts(settings), metrics, SYSTEM_CLOCK
    )
    endpoints = tuple(dialect_endpoints(callbacks, settings))
    async with client_of(application_of(endpoints)) as client:
        scene = DialectScene(ledger, made(_send_over(client)), metrics)
        await scene.sit("p", "s", 100_00)
        yield scene
    await ledger.close()


def _send_over(client: httpx.AsyncClient) -> Send:
    async def send(
        method: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        answer = await client.request(method, target, content=body, headers=dict(headers))
        return answer.status_code, answer.content

    return send
