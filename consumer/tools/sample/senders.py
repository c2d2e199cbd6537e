"""Which kinds of listener samples can be sent to. A new kind is one more line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from consumer.errors import ConfigError
from consumer.tools.sample.send_kafka import KafkaSender
from consumer.tools.sample.send_nats import NatsSender
from consumer.tools.sample.send_rabbitmq import RabbitmqSender

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.config.load import Config
    from consumer.tools.sample.sender import Sender

SENDERS: Final[dict[str, Callable[[Any], Sender]]] = {
    "rabbitmq": RabbitmqSender,
    "kafka": KafkaSender,
    "nats": NatsSender,
}


def make_sender(config: Config, listener: str | None) -> Sender:
    """Make a sender to the source of a listener; None: of the first one.

    Raises:
        ConfigError: no such listener, or of a kind that we cannot send to.
    """
    name = listener or next(iter(config.listeners))
    settings = config.listeners.get(name)
    if settings is None:
        names = " or ".join(config.listeners)
        raise ConfigError(f"--to: holds {name!r}, expected a listener of the config: {names}")
    make = SENDERS.get(settings.kind)
    if make is None:
        kinds = ", ".join(SENDERS)
        raise ConfigError(f"--to: {name} is of kind {settings.kind!r}, can send to {kinds}")
    return make(settings)
