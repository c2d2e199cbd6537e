"""Defines a stream of messages to a client, over a WebSocket or as Server-Sent Events.

An endpoint with `open_stream` makes a session for each stream. The session sends through an outlet,
which belongs to the connection. The two forms write a message in different ways on the wire, and
only a WebSocket has messages from the client.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol


class Outlet(Protocol):
    """Where a session sends messages. No method waits, except `drained`.

    Attributes:
        buffered_bytes: The size of what was sent and is not taken by the operating system yet, in
            bytes.
        is_open: False once the client has gone, or `close` was called. Then `send` does nothing.
    """

    @property
    def buffered_bytes(self) -> int:
        """See the class."""

    @property
    def is_open(self) -> bool:
        """See the class."""

    def send(self, *parts: bytes) -> None:
        """Send one message, which is these parts together.

        Args:
            parts: Over a WebSocket, the UTF-8 text of one message. For Server-Sent Events, the
                lines of one event with the empty line behind them.
        """

    def close(self, code: int, reason: str) -> None:
        """End the stream after what was sent.

        Args:
            code: The close code of a WebSocket, such as 1012. Server-Sent Events have none.
            reason: A text of at most 123 bytes of UTF-8.
        """

    async def drained(self) -> None:
        """Wait until little is buffered, or the client has gone."""


class StreamSession(ABC):
    """Our end of one stream."""

    @abstractmethod
    async def run(self, outlet: Outlet) -> None:
        """Serve the stream, and end it by returning.

        Cancelled when the client has gone, and when the process ends. An exception is a bug: it is
        logged, and the stream is closed with 1011.
        """

    @abstractmethod
    def received(self, text: bytes) -> None:
        """Take a message of the client, which is valid UTF-8. Only a WebSocket has such messages.

        Must not wait, and must not raise.
        """

    @abstractmethod
    def shut_down(self) -> None:
        """Tell the client that the process ends, and end the stream soon. Must not wait."""
