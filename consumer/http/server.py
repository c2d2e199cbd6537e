"""Serves the public port on the daemon's own event loop.

Responsible for the socket, the certificate, the deadlines of all connections, and for a drain that
cuts off no request. uvicorn parses requests and runs the application (`connection.py`). Its own
server object is not used: it has signal handlers, and no deadline for a TLS handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.server import ServerState

from consumer.http.client_address import ClientAddress
from consumer.http.connection import Connections, limited_to
from consumer.http.tls import Certificate
from consumer.operations.http import listening_socket

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from consumer.http.settings import HttpSettings
    from consumer.operations.metrics import Metrics

SWEEP_EVERY_S: Final = 1.0
BACKLOG_COUNT: Final = 1024


class Server:
    """The server of the public port.

    Args:
        settings: The options.
        application: The ASGI application.
        metrics: Counts connections.
    """

    def __init__(
        self,
        settings: HttpSettings,
        application: Callable[..., Awaitable[None]],
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._socket: socket.socket | None = None
        self._certificate = None if settings.tls is None else Certificate(settings.tls)
        self._connections = Connections(settings, ClientAddress(settings.trusted_proxies), metrics)
        self._state = ServerState()
        self._config = uvicorn.Config(
            application,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            # It would believe any header of a client on this machine. See `client_address.py`.
            proxy_headers=False,
        )
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The number of the port. The option may have asked for any free port."""
        if self._socket is None:
            raise TypeError("the port is not taken yet")  # a bug of ours
        return int(self._socket.getsockname()[1])

    def take(self) -> None:
        """Take the port and read the certificate, before anything else starts.

        Raises:
            ConfigError: The port is taken, or the certificate cannot be used.
        """
        if self._certificate is not None:
            self._certificate.load()
        self._socket = listening_socket(self._settings.bind, "http.bind")

    async def run(self) -> None:
        """Serve until this is cancelled. Then every connection is closed at once."""
        if self._socket is None:
            raise TypeError("the port is not taken yet")  # a bug of ours
        loop = asyncio.get_running_loop()
        protocol = limited_to(self._connections)
        certificate = self._certificate
        self._config.load()
        self._server = await loop.create_server(
            lambda: protocol(self._config, self._state, {}, loop),
            sock=self._socket,
            backlog=BACKLOG_COUNT,
            ssl=None if certificate is None else certificate.context,
            ssl_handshake_timeout=None if certificate is None else self._settings.header_timeout_s,
        )
        try:
            await self._sweep()
        finally:
            self._server.close()
            for connection in list(self._connections.open):
                connection.end()

    async def _sweep(self) -> None:
        """Look at the deadlines, the clock and the certificate once a second."""
        loop = asyncio.get_running_loop()
        while True:
            self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
            self._connections.sweep(loop.time())
            if self._certificate is not None:
                self._certificate.refresh()
            await asyncio.sleep(SWEEP_EVERY_S)

    async def drain(self, grace_s: float) -> None:
        """Take no new connections, close the idle ones, and wait for the requests in flight.

        Args:
            grace_s: How long to wait, in seconds.
        """
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections.open):
            connection.shutdown()
        left = self._connections.left
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while self._connections.open:
                    left.clear()
                    await left.wait()
