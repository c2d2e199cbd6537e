"""Adds the wallet's own listener to the configuration of an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from consumer.config.wallet import OUTBOX_LISTENERS
from consumer.deliveries.origin import Environment
from consumer.listeners.outbox.settings import OUTBOX, OutboxSettings

if TYPE_CHECKING:
    from consumer.config.load import Config


def with_outbox(config: Config, environment: Environment) -> Config:
    """Return the configuration with a listener that takes from the wallet's outbox.

    Without a wallet, it is the configuration as it is.

    Args:
        config: The configuration of the environment.
        environment: The environment.
    """
    wallet = config.wallet
    if wallet is None:
        return config
    settings = OutboxSettings(
        kind=OUTBOX,
        environment=environment,
        currencies=wallet.currencies,
    )
    name = OUTBOX_LISTENERS[environment is Environment.TEST]
    return msgspec.structs.replace(config, listeners={**config.listeners, name: settings})
