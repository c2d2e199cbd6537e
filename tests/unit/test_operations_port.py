"""The operations port answers whatever other clients hold open, and lets nobody hold it for long.

All clients here use real sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from consumer.operations import http
from consumer.operations.connections import ConnectionLimits
from consumer.operations.health import Health
from consumer.operations.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NEVER_S: Final = 600.0
SHORT_S: Final = 0.1
DEADLINE_S: Final = 10.0
LIVEZ: Final = b"GET /livez HTTP/1.1\r\nHost: here\r\n\r\n"
HALF_HEAD: Final = b"GET /livez HTTP/1.1\r\nHo"
NO_BODY: Final = b"POST /livez HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n"
LIMITS: Final = ConnectionLimits(
    max_connections_count=5, idle_timeout_s=NEVER_S, request_timeout_s=NEVER_S
)

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def port(
    monkeypatch: pytest.MonkeyPatch, *, idle_timeout_s: float, request_timeout_s: float
) -> AsyncIterator[int]:
    """Serve an operations port with these limits, for a test of limited length."""
    limits = msgspec.structs.replace(
        LIMITS, idle_timeout_s=idle_timeout_s, request_timeout_s=request_timeout_s
    )
    monkeypatch.setattr(http, "LIMITS", limits)
    listener = http.listening_socket("127.0.0.1:0")
    listener.listen()  # clients may connect before the server runs
    number: int = listener.getsockname()[1]
    async with (
        asyncio.timeout(DEADLINE_S),
        http.serve(listener, Health(), Metrics(), {}, http.OperationsSettings()),
    ):
        yield number


@contextlib.asynccontextmanager
async def connected(number: int, sent: bytes = b"") -> AsyncIterator[Client]:
    """Connect, and send these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", number)
    writer.write(sent)
    try:
        yield reader, writer
    finally:
        writer.close()


async def rest(client: Client) -> bytes:
    """Return what still comes until the server closes the connection."""
    with contextlib.suppress(ConnectionResetError):
        return await client[0].read()
    return b""


async def send_on_and_on(writer: asyncio.StreamWriter, sent: bytes) -> None:
    """Send until the server closes the connection."""
    while True:
        writer.write(sent)
        await writer.drain()


async def is_alive(number: int) -> bool:
    """Ask `/livez` over a connection of its own, as a probe does."""
    async with connected(number, LIVEZ) as (reader, _):
        return (await reader.readline()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("sent", [b"", LIVEZ], ids=["nothing", "a request before"])
async def test_idle_connection_ends(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """The time for a request has no part in it."""
    limits = port(monkeypatch, idle_timeout_s=SHORT_S, request_timeout_s=NEVER_S)
    async with limits as number, connected(number, sent) as client:
        assert (await rest(client)).startswith(b"HTTP/1.1 200" if sent else b"")


@pytest.mark.parametrize("sent", [HALF_HEAD, NO_BODY], ids=["half a head", "no body"])
async def test_request_that_never_becomes_whole_ends(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """Also if the client sends a byte again and again."""
    limits = port(monkeypatch, idle_timeout_s=NEVER_S, request_timeout_s=SHORT_S)
    group = asyncio.TaskGroup()
    async with limits as number, connected(number, sent) as client, group:
        ended = group.create_task(rest(client), name="rest")
        while not ended.done():
            await asyncio.wait({ended}, timeout=SHORT_S / 4)
            client[1].write(b"x")


async def test_answers_that_nobody_takes_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client asks on and on, and reads nothing: uvicorn waits for it with a full buffer."""
    asked = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n" * 1000
    limits = port(monkeypatch, idle_timeout_s=NEVER_S, request_timeout_s=SHORT_S)
    async with limits as number, connected(number) as (_, writer):
        with pytest.raises(ConnectionError):
            await send_on_and_on(writer, asked)


async def test_held_connections_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection that has waited longest makes room, and no other connection."""
    limits = port(monkeypatch, idle_timeout_s=NEVER_S, request_timeout_s=NEVER_S)
    async with limits as number, contextlib.AsyncExitStack() as stack:
        held = [
            await stack.enter_async_context(connected(number, HALF_HEAD))
            for _ in range(LIMITS.max_connections_count)
        ]
        assert await is_alive(number)
        assert await rest(held[0]) == b""
        for reader, writer in held[1:]:
            writer.write(b"st: here\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def test_answer_makes_a_connection_the_last_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scrape over the oldest connection is worth more than a newer connection without any."""
    limits = port(monkeypatch, idle_timeout_s=NEVER_S, request_timeout_s=NEVER_S)
    async with limits as number, contextlib.AsyncExitStack() as stack:
        held = [
            await stack.enter_async_context(connected(number))
            for _ in range(LIMITS.max_connections_count)
        ]
        reader, writer = held[0]
        for _ in range(2):
            writer.write(LIVEZ)
            assert b"HTTP/1.1 200" in await reader.readuntil(b'{"alive":true}')
            assert await is_alive(number)
        assert await rest(held[1]) == b""


async def test_connections_of_one_limit_are_those_of_one_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two ports in one process do not close each other's connections."""
    one = port(monkeypatch, idle_timeout_s=NEVER_S, request_timeout_s=NEVER_S)
    other = port(monkeypatch, idle_timeout_s=NEVER_S, request_timeout_s=NEVER_S)
    async with one as first, other as second, contextlib.AsyncExitStack() as stack:
        reader, writer = await stack.enter_async_context(connected(first, HALF_HEAD))
        for _ in range(LIMITS.max_connections_count):
            await stack.enter_async_context(connected(second, HALF_HEAD))
        assert await is_alive(second)
        writer.write(b"st: here\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
