"""Knows all kinds of listeners: our own, and the kinds that installed packages add.

A package offers a listener by naming a subclass of `Listener` in its entry points:

    [project.entry-points."consumer.listeners"]
    sqs = "my_package:SqsListener"
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from consumer.errors import ConfigError
from consumer.listeners.base import Listener
from consumer.listeners.kafka.listener import KafkaListener
from consumer.listeners.nats.listener import NatsListener
from consumer.listeners.rabbitmq.listener import RabbitmqListener

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP: Final = "consumer.listeners"
OWN: Final[tuple[type[Listener[Any]], ...]] = (RabbitmqListener, KafkaListener, NatsListener)


def kinds() -> Mapping[str, type[Listener[Any]]]:
    """Return the class of every kind of listener, by its word in the configuration.

    Raises:
        ConfigError: An entry point of an installed package cannot be loaded, or is not a listener.
    """
    known: dict[str, type[Listener[Any]]] = {kind.kind: kind for kind in OWN}
    for entry in entry_points(group=GROUP):
        known.setdefault(entry.name, _load(entry.name, entry.load))
    return known


def _load(name: str, load: Any) -> type[Listener[Any]]:  # noqa: ANN401  # whatever a package has
    try:
        found = load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"listener kind {name}: its package cannot be loaded: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Listener)):
        raise ConfigError(f"listener kind {name}: {found!r} is no Listener")
    return found
