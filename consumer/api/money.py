"""Makes the wallet, and the test games of the sandbox if the configuration has both.

The public port loads this only if the configuration has a table `[wallet]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.wallet.room import Wallet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.config.load import Config
    from consumer.deliveries.origin import Environment
    from consumer.lanes.outside import ServedEnvironment
    from consumer.lanes.wire import Watched
    from consumer.sandbox.room import Sandbox
    from consumer.wallet.settings import WalletSettings


def money_of(
    config: Config,
    wallet: WalletSettings,
    served: Mapping[Environment, ServedEnvironment],
    watched: Watched,
) -> tuple[Wallet, Sandbox | None]:
    """Return the wallet and the sandbox. Without a table `[sandbox]`, the sandbox is None.

    Args:
        config: The configuration.
        wallet: Its table `[wallet]`.
        served: The environments.
        watched: The health and the metrics.
    """

    def make(settings: WalletSettings) -> Wallet:
        return Wallet(settings, served, watched.health, watched.metrics)

    if config.sandbox is None or config.http is None:
        return make(wallet), None
    # Without `[sandbox]`, a process loads no code of the test games.
    from consumer.sandbox.room import with_test_games  # noqa: PLC0415  # as said

    metrics = watched.metrics
    return with_test_games(config.http, config.sandbox.url, wallet, metrics, make)
