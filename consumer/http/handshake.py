"""Begins a TLS connection of the public port, within the limits of all connections.

asyncio's own way, a server with a TLS context, tells of a connection only after its handshake. So a
client could hold any number of connections in which it never says a word.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from consumer.http.connections import NEVER_S, CutOff

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from consumer.http.connections import Connections


class Handshake(asyncio.Protocol):
    """A connection until its handshake is done.

    Args:
        limits: All connections of the port, and their limits.
        context: The TLS context.
        tasks: The tasks of the port: the handshake's task is in it while it runs.
        make_connection: Makes the connection that goes on after the handshake.

    Attributes:
        until_s: The deadline of the handshake, on the loop's clock.
        until_read_s: Never: nothing is answered yet.
    """

    def __init__(
        self,
        limits: Connections,
        context: ssl.SSLContext,
        tasks: set[asyncio.Task[None]],
        make_connection: Callable[[], asyncio.Protocol],
    ) -> None:
        self.until_s = self.until_read_s = NEVER_S
        self._limits = limits
        self._context = context
        self._tasks = tasks
        self._make_connection = make_connection
        self._early: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # asyncio's is for pipes too
        """Take a new connection, or refuse it."""
        self._transport = transport
        transport.pause_reading()  # what comes is for TLS
        peer = transport.get_extra_info("peername")
        if not self._limits.admit(self, str(peer[0]) if isinstance(peer, tuple) else ""):
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        self.until_s = loop.time() + self._limits.settings.header_timeout_s
        self._limits.waiting[self] = None
        task = loop.create_task(self._shake_hands(loop, transport))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def data_received(self, data: bytes) -> None:
        """Keep what the client sends right behind the handshake, before we know of its end."""
        self._early.append(data)

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the connection."""
        self._limits.forget(self)

    def expire(self, _: float) -> None:
        """End the connection, because the handshake takes too long."""
        self.abort()

    def shutdown(self) -> None:
        """End the connection: no request has begun."""
        self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    async def _shake_hands(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport
    ) -> None:
        """Do the handshake, and hand the connection over."""
        try:
            secured = await loop.start_tls(transport, self, self._context, server_side=True)
        except OSError:  # what the client sends is no TLS, or not ours, or it is gone
            secured = None
        self._limits.forget(self)
        if secured is None:
            self._limits.shed(CutOff.HANDSHAKE)
            transport.abort()
            return
        connection = self._make_connection()
        secured.set_protocol(connection)
        connection.connection_made(secured)
        for data in self._early:
            connection.data_received(data)
