"""Puts together what lets clients read events: the connection, the feeds, and all readers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from consumer.parts.keep_open import KeptOpen
from consumer.readers.endpoints import ReadersEndpoints
from consumer.readers.feed import Feed
from consumer.readers.place import Place
from consumer.readers.slots import Slots
from consumer.readers.subscription import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.access.gate import Gate
    from consumer.deliveries.origin import Environment
    from consumer.events.subjects import Routes
    from consumer.operations.health import Health
    from consumer.readers.connection import ReadersConnection
    from consumer.readers.pace import Pace
    from consumer.readers.readers import Readers
    from consumer.sinks.base import SinkSettings

CATCH_UPS_COUNT: Final = 8
CATCH_UPS_PER_KEY_COUNT: Final = 3
"""So many subscriptions catch up at the same time, in the process and for each key."""
READERS: Final = "readers"
"""The name under which `/readyz` shows the connection. A process that takes in events is ready,
even if this connection is lost and nobody can read events at this moment."""


def sources_of(
    connection: ReadersConnection,
    sinks: Mapping[Environment, SinkSettings],
    routes: Routes,
    pace: Pace,
) -> dict[Environment, Source]:
    """Return where the events of each environment come from."""
    slots = Slots(CATCH_UPS_COUNT, CATCH_UPS_PER_KEY_COUNT)
    looks = Slots(1, 1)
    sources: dict[Environment, Source] = {}
    for environment, sink in sinks.items():
        place = Place(sink, routes)
        feed = Feed(connection, place)
        sources[environment] = Source(connection, place, feed, slots, looks, pace)
    return sources


class Reading:
    """Lets clients read events.

    Args:
        connection: The connection over which events are read.
        readers: All readers.
        gate: Makes tickets.
        health: Shows whether events can be read.

    Attributes:
        endpoints: Answers the requests of readers.
    """

    def __init__(
        self, connection: ReadersConnection, readers: Readers, gate: Gate, health: Health
    ) -> None:
        self._connection = connection
        self._kept = KeptOpen("nats", connection, health.apart(READERS), READERS)
        self._readers = readers
        self.endpoints = ReadersEndpoints(readers, gate)

    async def run(self) -> None:
        """Serve readers until this is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._kept.run(), name="connection of readers")
            group.create_task(self._readers.run(), name="all readers")

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()
