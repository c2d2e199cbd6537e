"""Serves the public port on the daemon's own event loop.

Responsible for the socket, the certificate, the deadlines of all connections, and for a drain that
cuts off no request. uvicorn parses requests and runs the application (`connection.py`). uvicorn's
own server object is not used: it has signal handlers, and a drain without the limits here.
"""

from __future__ import annotations

import asyncio
import contextlib
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.server import ServerState

from consumer.cancel import end_tasks
from consumer.http.client_address import ClientAddress
from consumer.http.connection import PublicConnection
from consumer.http.connections import Connections
from consumer.http.handshake import TlsListener
from consumer.http.open_files import connections_allowed
from consumer.http.tls import Certificate
from consumer.operations.http import listening_socket

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from consumer.http.connections import Held
    from consumer.http.cycle import TakeWhole
    from consumer.http.settings import HttpSettings
    from consumer.operations.metrics import Metrics

SWEEP_EVERY_S: Final = 1.0
"""The time between two looks at all deadlines. So much later may a connection be cut off."""
NOTHING: Final[Mapping[tuple[bytes, bytes], TakeWhole]] = {}
BACKLOG_COUNT: Final = 1024
"""So many connections may wait for this process to take them."""


class Server:
    """The server of the public port.

    Args:
        settings: The options.
        application: The ASGI application.
        metrics: Counts connections.
        whole: Answers requests that arrive in one piece, by their verb and path.
        stream_paths: The paths of endpoints that have streams.

    Raises:
        ConfigError: The text names the option `http.trusted_proxies`.
    """

    def __init__(
        self,
        settings: HttpSettings,
        application: Callable[..., Awaitable[None]],
        metrics: Metrics,
        whole: Mapping[tuple[bytes, bytes], TakeWhole] = NOTHING,
        stream_paths: Collection[bytes] = (),
    ) -> None:
        self._settings = settings
        self._socket: socket.socket | None = None
        self._certificate = None if settings.tls is None else Certificate(settings.tls)
        self._connections = Connections(settings, ClientAddress(settings.trusted_proxies), metrics)
        self._state = ServerState()
        self._whole = whole
        self._stream_paths = stream_paths
        self._config = uvicorn.Config(
            application,
            interface="asgi3",
            http=PublicConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # uvicorn would believe every client on this machine
            server_header=False,
            date_header=False,  # uvicorn's own server object would write it
        )
        self._server: asyncio.Server | TlsListener | None = None

    @property
    def port(self) -> int:
        """The number of the port. The option may have asked for any free port."""
        return int(self._taken.getsockname()[1])

    @property
    def _taken(self) -> socket.socket:
        if self._socket is None:
            raise TypeError("the port is not taken yet")  # a bug of ours
        return self._socket

    def take(self) -> None:
        """Take the port and read the certificate, before anything else starts.

        Raises:
            ConfigError: The port is taken, or the certificate cannot be used.
        """
        if self._certificate is not None:
            self._certificate.load()
        self._connections.max_count = connections_allowed(self._settings.max_connections_count)
        self._socket = listening_socket(self._settings.bind, "http.bind")
        self._socket.listen(BACKLOG_COUNT)  # who comes before `run` waits

    async def run(self) -> None:
        """Serve until this is cancelled. Then every connection is closed at once."""
        self._config.load()
        self._server = await self._serve()
        try:
            await self._sweep()
        finally:
            self._server.close()
            self._connections.abort()
            await end_tasks(self._state.tasks)

    async def drain(self, grace_s: float) -> None:
        """Take no new connections, close the idle ones, and wait for the requests in flight.

        What is not done by then is closed. Not responsible for load balancers that have to notice
        first: this is `drain_delay_s`.

        Args:
            grace_s: How long to wait, in seconds.
        """
        if self._server is None:
            return
        self._server.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._connections.drain()
        self._connections.abort()

    async def _serve(self) -> asyncio.Server | TlsListener:
        """Begin to take connections."""
        if self._certificate is not None:
            return TlsListener(
                self._taken, self._connections, self._certificate, self._make_connection
            )
        return await asyncio.get_running_loop().create_server(
            self._make_connection, sock=self._taken, backlog=BACKLOG_COUNT
        )

    def _make_connection(self, handshake: Held | None = None) -> PublicConnection:
        return PublicConnection(
            self._config,
            self._state,
            self._connections,
            handshake,
            self._whole,
            self._stream_paths,
        )

    async def _sweep(self) -> None:
        """Look at the deadlines, the clock and the certificate once a second."""
        loop = asyncio.get_running_loop()
        while True:
            self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            self._connections.sweep(loop.time())
            if self._certificate is not None:
                self._certificate.refresh()
            await asyncio.sleep(SWEEP_EVERY_S)
