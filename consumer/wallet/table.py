"""Puts all endpoints of the wallet into one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.clock import SYSTEM_CLOCK
from consumer.wallet.book_endpoints import book_endpoints
from consumer.wallet.books import WalletBooks
from consumer.wallet.callbacks import Callbacks
from consumer.wallet.callers import Callers
from consumer.wallet.desk import BrandDesk
from consumer.wallet.dialects.callbacks import DialectCallbacks
from consumer.wallet.dialects.endpoints import dialect_endpoints
from consumer.wallet.endpoints import callback_endpoints
from consumer.wallet.facts import Facts
from consumer.wallet.game_endpoints import game_endpoints
from consumer.wallet.games import Games
from consumer.wallet.player_endpoints import player_endpoints
from consumer.wallet.players import Players

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.deliveries.origin import Environment
    from consumer.http.endpoint import Endpoint
    from consumer.ledger.amounts import Amounts
    from consumer.ledger.base import Ledger
    from consumer.operations.metrics import Metrics
    from consumer.wallet.settings import WalletSettings


def wallet_endpoints(
    ledgers: Mapping[Environment, Ledger],
    settings: WalletSettings,
    amounts: Amounts,
    metrics: Metrics,
) -> tuple[Endpoint, ...]:
    """Return what games and brands call.

    Args:
        ledgers: The ledger of each environment.
        settings: The options of `[wallet]`.
        amounts: Reads and writes amounts.
        metrics: Where callbacks are counted.
    """
    facts = Facts(settings)
    callers = Callers(ledgers, settings, SYSTEM_CLOCK)
    dialects = DialectCallbacks(ledgers, settings, amounts, facts, metrics, SYSTEM_CLOCK)
    desk = BrandDesk(ledgers, amounts)
    return (
        *callback_endpoints(Callbacks(ledgers, callers, amounts, facts, metrics)),
        *dialect_endpoints(dialects, settings),
        *player_endpoints(Players(desk, settings, facts, SYSTEM_CLOCK)),
        *game_endpoints(Games(desk, settings)),
        *book_endpoints(WalletBooks(desk, SYSTEM_CLOCK)),
    )
