"""Takes TLS connections of the public port, and counts them before their handshake.

A server of asyncio with a TLS context tells of a connection only after its handshake. So a client
could hold any number of connections in which it never says a word.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from consumer.http.connections import NEVER_S, CutOff

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from consumer.http.connections import Connections, Held
    from consumer.http.tls import Certificate

TAKEN_AT_ONCE_COUNT: Final = 64
"""So many connections are taken before other work of the process goes on."""
AGAIN_AFTER_S: Final = 1.0
"""The time after which connections are taken again when the system had no room for more."""


class TlsListener:
    """Takes connections from a socket.

    Args:
        listener: The listening socket.
        limits: All connections of the port, and their limits.
        certificate: The certificate, which may change.
        make_connection: Makes what goes on after the handshake that it is given. It has to forget
            the handshake in its `connection_made`.
    """

    def __init__(
        self,
        listener: socket.socket,
        limits: Connections,
        certificate: Certificate,
        make_connection: Callable[[Held], asyncio.Protocol],
    ) -> None:
        self._listener = listener
        self._limits = limits
        self._certificate = certificate
        self._make_connection = make_connection
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        listener.setblocking(False)
        self._start()

    def close(self) -> None:
        """Take no more connections. The handshakes go on."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
            self._listener.close()

    def _start(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        try:
            for _ in range(TAKEN_AT_ONCE_COUNT):
                self._begin(*self._listener.accept())
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            pass  # there are no more, or another process took it, or the client is gone
        except OSError:  # too many open files
            self._loop.remove_reader(self._listener)
            self._loop.call_later(AGAIN_AFTER_S, self._start)

    def _begin(self, accepted: socket.socket, address: object) -> None:
        handshake = Handshake()
        peer = str(address[0]) if isinstance(address, tuple) else ""
        if not self._limits.admit(handshake, peer):
            accepted.close()
            return
        self._limits.waiting[handshake] = None
        accepted.setblocking(False)
        task = self._loop.create_task(self._shake_hands(handshake, accepted), name="handshake")
        handshake.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _shake_hands(self, handshake: Handshake, accepted: socket.socket) -> None:
        """Do a handshake.

        Cancelling: the connection is closed.
        """
        try:
            await self._loop.connect_accepted_socket(
                lambda: self._make_connection(handshake),
                accepted,
                ssl=self._certificate.context,
                ssl_handshake_timeout=self._limits.settings.header_timeout_s,
            )
        except OSError:  # the client takes too long, or is gone, or what it sends is no TLS
            self._limits.shed(CutOff.HANDSHAKE)
        finally:
            self._limits.forget(handshake)


class Handshake:
    """A connection before its first request.

    Attributes:
        task: The task that does the handshake. It has a deadline of its own.
        until_s, until_read_s: Deadlines that are never over.
    """

    until_s = until_read_s = NEVER_S
    task: asyncio.Task[None]

    def expire(self, _: float) -> None:
        """End the connection. Nothing calls this method, because the deadlines are never over."""
        self.abort()

    def shutdown(self) -> None:
        """End the connection: there is no request to wait for."""
        self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        self.task.cancel()
