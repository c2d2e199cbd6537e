"""Answers the operator over HTTP: `/livez`, `/readyz`, `/metrics`, and pauses of listeners.

The server runs on the daemon's own event loop on purpose. If the loop is stuck, `/livez` gets no
answer. And a scrape runs between two steps of the lanes, so the counters that it reads agree.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Final

import msgspec
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST

from consumer.errors import ConfigError
from consumer.operations.connections import ConnectionLimits, limited_connections
from consumer.operations.steer import PREFIX, Asker, TokenReader, own_address_of, steer
from consumer.options.refresh import refreshed
from consumer.options.values import HeaderSecret, Seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    from consumer.operations.health import Health
    from consumer.operations.metrics import Metrics
    from consumer.operations.steer import Steered

JSON: Final = "application/json"
LIMITS: Final = ConnectionLimits(
    max_connections_count=100, idle_timeout_s=5.0, request_timeout_s=5.0
)
"""Far more than probes and scrapes need. An idle connection of Prometheus is closed between two
scrapes, and Prometheus makes another connection."""


class OperationsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[operations]`.

    Attributes:
        bind: The address and the port to listen on, for IPv6 for example `[::1]:9464`. Whoever
            reaches it can read, so choose an address that only your network reaches.
        token: The token with which a listener may be paused and resumed, from anywhere. If absent,
            only this machine may do that. A proxy on this machine that reaches the port needs a
            token, because some proxies add no header that shows them.
        shutdown_grace_s: How long a drain may take, in seconds.
    """

    bind: str = "127.0.0.1:9464"
    token: HeaderSecret | None = None
    shutdown_grace_s: Seconds = 25.0


class DaemonServer(uvicorn.Server):
    """uvicorn's server without its signal handlers, because the daemon has its own.

    With uvicorn's handlers, the first SIGTERM would end this port instead of draining the lanes.
    uvicorn 0.54 has no option to leave them out. tests/unit/test_uvicorn_internals.py fails when
    this override stops working, or when uvicorn has such an option.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals."""
        yield


def _application(
    health: Health,
    metrics: Metrics,
    listeners: Mapping[str, Steered],
    settings: OperationsSettings,
) -> Callable[..., Awaitable[None]]:
    tokens = TokenReader(lambda: refreshed(settings).token)
    own_address = own_address_of(settings.bind)

    def answer(path: str) -> tuple[int, str, bytes]:
        if path == "/livez":
            return 200, JSON, b'{"alive":true}'
        if path == "/readyz":
            return (200 if health.ready else 503), JSON, health.report()
        if path.startswith("/readyz/") and (apart := health.state_apart(path[len("/readyz/") :])):
            return (200 if apart.ready else 503), JSON, apart.report()
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, metrics.exposition()
        return 404, JSON, b'{"error":"there are /livez, /readyz and /metrics"}'

    async def application(
        scope: Mapping[str, object],
        receive: object,  # noqa: ARG001  # ASGI passes it; no request body is read
        send: Callable[[Mapping[str, object]], Awaitable[None]],
    ) -> None:
        path = str(scope["path"])
        if scope["method"] == "POST" and path.startswith(PREFIX):
            content_type = JSON
            asker = Asker.of(scope, own_address)
            status, body = await steer(path, asker, listeners, tokens)
        else:
            status, content_type, body = answer(path)
        headers = [(b"content-type", content_type.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


def listening_socket(bind: str, option: str = "operations.bind") -> socket.socket:
    """Take the port before anything else starts, so that a second daemon fails at once.

    Args:
        bind: The address, or `fd:3` for a listening socket that was inherited under this number.
        option: The name of the option, for the error.

    Raises:
        ConfigError: The text is not an address, or the address is taken.
    """
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    if not host:  # it would mean every address, and anyone could read what is there
        raise ConfigError(f"{option}: holds {bind!r}, expected an address such as 127.0.0.1:9464")
    if host == "fd":
        return _inherited(port, option)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
    except (OSError, ValueError, OverflowError) as error:
        listener.close()
        raise ConfigError(
            f"{option}: cannot listen on {bind!r} ({error}); "
            "expected a free address such as 127.0.0.1:9464"
        ) from error
    return listener


def _inherited(number: str, option: str) -> socket.socket:
    """Return a listening socket that whoever started this process has opened."""
    what = f"{option}: cannot use the inherited socket {number}"
    try:
        inherited = socket.socket(fileno=int(number))
        listens = inherited.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{what}: {error}") from error
    if not listens:
        raise ConfigError(f"{what}: it does not listen")
    return inherited


@contextlib.asynccontextmanager
async def serve(
    listener: socket.socket,
    health: Health,
    metrics: Metrics,
    listeners: Mapping[str, Steered],
    settings: OperationsSettings,
) -> AsyncIterator[None]:
    """Answer requests until the block ends.

    Args:
        listener: The socket that listens.
        health: The states for `/readyz`.
        metrics: The metrics for `/metrics`.
        listeners: The listeners that an operator may pause and resume, by name.
        settings: The options. The token is read from its file for each request that needs it.
    """
    server = DaemonServer(
        uvicorn.Config(
            _application(health, metrics, listeners, settings),
            http=limited_connections(LIMITS),
            ws="none",  # a WebSocket would leave the limits
            proxy_headers=False,  # uvicorn would believe every client on this machine
            backlog=LIMITS.max_connections_count,  # so many at most are accepted in one step
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listener]), name="operations")
        try:
            yield
        finally:
            server.should_exit = True
