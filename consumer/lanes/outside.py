"""Makes the parts outside this process from the configuration: store, sink and dead letters.

All lanes share them. The daemon and a replay both get them from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from consumer.config.load import Config
from consumer.dead_letters.plan import dead_letter_plan
from consumer.dead_letters.stream import DeadLetters
from consumer.operations.caveat import Caveat
from consumer.sinks.base import Sink
from consumer.sinks.core import CoreSink
from consumer.sinks.jetstream import JetStreamSink
from consumer.sinks.plans import event_plan
from consumer.stores.base import Store
from consumer.stores.memory import MemoryStore
from consumer.stores.redis import RedisStore

if TYPE_CHECKING:
    from consumer.parts.base import Part


class Outside(msgspec.Struct, frozen=True):
    """The parts outside this process, not opened.

    Attributes:
        store: The memory of identities.
        sink: The sink, which stores events.
        dead_letters: The dead letters, which keep deliveries that cannot become events.
    """

    store: Store
    sink: Sink
    dead_letters: DeadLetters

    def parts(self) -> dict[str, Part]:
        """Return all parts by their names in `/readyz`, in the order in which they are opened."""
        return {"store": self.store, "sink": self.sink, "dead_letters": self.dead_letters.sink}


class ServedEnvironment(msgspec.Struct, frozen=True):
    """What belongs to one environment of a process: live, or the sandbox.

    Attributes:
        config: Its configuration.
        outside: Its store, its sink and its dead letters.
    """

    config: Config
    outside: Outside


def make_outside(config: Config) -> Outside:
    """Make store, sink and dead letters of a configuration. Opens nothing."""
    return Outside(make_store(config), make_sink(config), make_dead_letters(config))


def make_store(config: Config) -> Store:
    """Make the store of `[dedupe]`, not opened."""
    return MemoryStore() if config.dedupe.store == "memory" else RedisStore(config.dedupe)


def make_sink(config: Config) -> Sink:
    """Make the sink of `[sink]`, not opened."""
    sink = config.sink
    if sink.kind == "core":
        return CoreSink(sink, name="consumer events", publish_timeout_s=sink.publish_timeout_s)
    return JetStreamSink(
        sink,
        event_plan(sink, config.routes),
        name="consumer events",
        publish_timeout_s=sink.publish_timeout_s,
    )


def make_dead_letters(config: Config) -> DeadLetters:
    """Make the dead letters of `[dead_letters]`, on the server of `[sink]`, not opened."""
    sink = JetStreamSink(
        config.sink,
        dead_letter_plan(config.dead_letters, config.sink),
        name="consumer dead letters",
        publish_timeout_s=config.sink.publish_timeout_s,
    )
    # The client is looked up at each use, because the sink has another client after a loss.
    return DeadLetters(sink, config.dead_letters, lambda: sink.client.jetstream())  # noqa: PLW0108  # as said


def caveats(config: Config) -> list[Caveat]:
    """Return a caveat for each option whose effect may surprise."""
    found = []
    if config.dedupe.mode == "shadow":
        facts: dict[str, object] = {"mode": "shadow", "instead": "mode = enforce"}
        found.append(Caveat("shadow mode drops nothing", facts))
    if config.sink.kind == "core":
        facts = {"kind": "core", "instead": "kind = jetstream"}
        found.append(Caveat("sink is at most once", facts))
    return found
