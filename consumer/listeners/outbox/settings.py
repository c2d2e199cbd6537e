"""The options of the wallet's own listener. `config/outbox.py` makes them from `[wallet]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from consumer.deliveries.origin import Environment
from consumer.listeners.base import ListenerSettings

OUTBOX: Final = "outbox"
"""The kind of this listener, and the name under which `/readyz` shows it apart."""


class OutboxSettings(ListenerSettings, frozen=True, kw_only=True):
    """The options.

    Attributes:
        environment: Whose ledger it is.
        currencies: The option `currencies` of `[wallet]`.
    """

    environment: Environment = Environment.LIVE
    currencies: Mapping[str, int] = msgspec.field(default_factory=dict)
