"""Limits what clients can hold open at an HTTP port: connections, and the time that each may take.

uvicorn has no limit for a client that sends half a request, or nothing: such a client holds its
connection for ever. The HTTP server of the operations port uses `limited_connections`. Not
responsible for what is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio


class ConnectionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the clients of one port may hold.

    Attributes:
        max_connections_count: The largest number of open connections. With one connection more,
            the connection whose last answer, or whose beginning, is oldest is closed. The new
            connection is never refused, so sockets that somebody only holds cannot keep others out.
        idle_timeout_s: The longest time without a byte of a request, in seconds. It begins with the
            connection, and again with each answer.
        request_timeout_s: The longest time from the first byte of a request, in seconds. By then
            the request has to be whole, and the answer has to be written. Further bytes do not
            prolong it, so nothing is gained by sending slowly.
    """

    max_connections_count: int
    idle_timeout_s: float
    request_timeout_s: float


class LimitedConnection(H11Protocol):
    """One connection that ends when it exceeds a limit.

    Of uvicorn it uses the four methods below, `cycle`, `loop` and `transport`. uvicorn's faster
    `HttpToolsProtocol` has them as well. tests/unit/test_uvicorn_internals.py fails when uvicorn
    calls them no longer.

    Attributes:
        limits: The limits of the port.
        waiting: All connections of the port. The first has the oldest answer, or beginning.
    """

    limits: ClassVar[ConnectionLimits]
    waiting: ClassVar[dict[LimitedConnection, None]]
    _deadline: asyncio.TimerHandle | None = None
    _begun = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a new connection, and make room for it."""
        super().connection_made(transport)
        self._wait()
        if len(self.waiting) > self.limits.max_connections_count:
            longest = next(iter(self.waiting))
            del self.waiting[longest]
            longest.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request. The first byte starts the request's time."""
        if not self._begun:
            self._begin()
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._wait()
        super().on_response_complete()
        if not self.cycle.response_complete:  # the next request was there already
            self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._begun = False
        self.waiting.pop(self, None)
        self.waiting[self] = None
        self._end_after(self.limits.idle_timeout_s)

    def _begin(self) -> None:
        self._begun = True
        self._end_after(self.limits.request_timeout_s)

    def _end_after(self, time_s: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        # Not `close`: it first sends what waits to be sent, and a client that takes nothing would
        # hold the connection for ever.
        self._deadline = self.loop.call_later(time_s, self.transport.abort)


def limited_connections(limits: ConnectionLimits) -> type[LimitedConnection]:
    """Return the class of the connections of one port, for the option `http` of uvicorn."""

    class OfOnePort(LimitedConnection):
        waiting: ClassVar[dict[LimitedConnection, None]] = {}

    OfOnePort.limits = limits
    return OfOnePort
