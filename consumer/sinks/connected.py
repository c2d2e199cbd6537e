"""Holds what all sinks on NATS share: a connection, and the size of the largest message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.parts.nats_part import NatsPart
from consumer.sinks.base import Sink

if TYPE_CHECKING:
    from nats.aio.client import Client

    from consumer.nats.connection import NatsSettings
    from consumer.operations.caveat import Caveat


class ConnectedSink(NatsPart, Sink):
    """A sink that has a connection to NATS, or waits for one. Subclasses publish over it.

    Args:
        connection: How to reach the server.
        name: The connection's name, for the server's monitoring.
    """

    def __init__(self, connection: NatsSettings, *, name: str) -> None:
        super().__init__(connection, name=name)
        self._max_message_bytes = 0

    @property
    def max_message_bytes(self) -> int:
        """See `Sink.max_message_bytes`."""
        return self._max_message_bytes

    async def prepare(self, client: Client, /) -> list[Caveat]:
        """See `NatsPart.prepare`. Sets `max_message_bytes`."""
        self._max_message_bytes = client.max_payload
        return []
