"""Finds the sender for a listener, by the listener's kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from consumer.errors import ConfigError
from consumer.tools.sample.send_kafka import KafkaSender
from consumer.tools.sample.send_nats import NatsSender
from consumer.tools.sample.send_rabbitmq import RabbitmqSender

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.config.load import Config
    from consumer.tools.sample.sender import SampleSender

# Each sender takes the settings of its own kind of listener only, so no type other than `Any` fits
# all senders.
SENDERS: Final[dict[str, Callable[[Any], SampleSender]]] = {
    "rabbitmq": RabbitmqSender,
    "kafka": KafkaSender,
    "nats": NatsSender,
}


def make_sender(config: Config, listener: str | None) -> SampleSender:
    """Make a sender to the source of a listener.

    Args:
        config: The configuration.
        listener: The name of the listener. None means the first listener of the configuration.

    Raises:
        ConfigError: There is no such listener, or no sender for its kind.
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
