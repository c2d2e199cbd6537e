"""Knows all kinds of listeners: our own, and the kinds that installed packages add.

A kind is imported only when somebody asks for it. So a daemon loads the libraries of those brokers
only that its configuration names. A package offers a listener by naming a subclass of `Listener` in
its entry points:

    [project.entry-points."consumer.listeners"]
    sqs = "my_package:SqsListener"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from consumer.errors import ConfigError
from consumer.listeners.base import Listener, ListenerClass

GROUP: Final = "consumer.listeners"
OWN: Final = {
    "rabbitmq": "consumer.listeners.rabbitmq.listener:RabbitmqListener",
    "kafka": "consumer.listeners.kafka.listener:KafkaListener",
    "nats": "consumer.listeners.nats.listener:NatsListener",
    "http": "consumer.listeners.http.listener:HttpListener",
}
"""Module and class of each kind of our own. A test imports all of them."""


class Kinds(Mapping[str, ListenerClass]):
    """The class of every kind of listener, by its word in the configuration.

    Raises:
        ConfigError: On access, if an entry point of an installed package cannot be loaded, or is
            not a listener.
    """

    def __init__(self) -> None:
        added = {entry.name: entry for entry in entry_points(group=GROUP)}
        self._places: dict[str, str | EntryPoint] = {**added, **OWN}

    def __getitem__(self, kind: str) -> ListenerClass:
        """Import the class of a kind."""
        place = self._places[kind]
        if isinstance(place, EntryPoint):
            return _load(place)
        module, _, name = place.partition(":")
        found: ListenerClass = getattr(import_module(module), name)
        return found

    def __iter__(self) -> Iterator[str]:
        """Return our own kinds first."""
        return iter((*OWN, *(name for name in self._places if name not in OWN)))

    def __len__(self) -> int:
        """Return the number of kinds."""
        return len(self._places)


def kinds() -> Mapping[str, ListenerClass]:
    """Return the class of every kind of listener, by its word in the configuration."""
    return Kinds()


def _load(entry: EntryPoint) -> ListenerClass:
    try:
        found = entry.load()
    except (ImportError, AttributeError) as error:
        text = f"listener kind {entry.name}: its package cannot be loaded: {error}"
        raise ConfigError(text) from error
    if not (isinstance(found, type) and issubclass(found, Listener)):
        raise ConfigError(f"listener kind {entry.name}: {found!r} is no Listener")
    return found
