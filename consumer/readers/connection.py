"""Holds the connection over which this process reads events for its readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.parts.nats_part import NatsPart

if TYPE_CHECKING:
    from consumer.nats.connection import NatsSettings


class ReadersConnection(NatsPart):
    """The connection to the sink's server for all readers of a process.

    Args:
        sink: How to reach the server.
    """

    def __init__(self, sink: NatsSettings) -> None:
        super().__init__(sink, name="consumer readers")
