"""The proxy: what the other tests rely on when they break a connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.eventually import eventually
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SILENCE_S = 0.05
"""Long on a loopback; only for showing that nothing comes."""
DEADLINE_S = 5.0


class Peer:
    """A client of the proxy, in front of a server that says everything twice."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def hear(self, count: int) -> bytes:
        """Return exactly so many bytes."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.reader.readexactly(count)

    async def hears_nothing(self) -> bool:
        """Tell whether it stays silent, with the connection open."""
        try:
            async with asyncio.timeout(SILENCE_S):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False

    def reset(self) -> None:
        """Break the connection off with RST."""
        self.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.writer.transport.abort()


async def connect(port: int) -> Peer:
    """Connect to the proxy."""
    return Peer(*await asyncio.open_connection("127.0.0.1", port))


async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(1000):
            writer.write(piece * 2)
    writer.transport.abort()


@pytest.fixture
async def server_port() -> AsyncIterator[int]:
    """Run the server."""
    server = await asyncio.start_server(twice, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def proxy(server_port: int) -> AsyncIterator[Proxy]:
    """Run the proxy in front of it."""
    async with Proxy("127.0.0.1", server_port) as proxy:
        yield proxy


@pytest.fixture
async def peer(proxy: Proxy) -> AsyncIterator[Peer]:
    """Connect, and make sure that the way is open."""
    peer = await connect(proxy.port)
    peer.writer.write(b"hi")
    assert await peer.hear(4) == b"hihi"
    yield peer
    peer.writer.transport.abort()


async def test_bytes_are_passed_and_counted(proxy: Proxy, peer: Peer) -> None:
    """In both directions, however many."""
    peer.writer.write(b"x" * 1_000_000)
    assert await peer.hear(2_000_000) == b"x" * 2_000_000
    assert (proxy.sent_bytes, proxy.replied_bytes) == (1_000_002, 2_000_004)
    assert proxy.connections_count == 1


async def test_cut_resets_open_connections(proxy: Proxy, peer: Peer) -> None:
    """By RST, and new ones are welcome; cutting twice is harmless."""
    proxy.cut()
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        await peer.hear(1)
    second = await connect(proxy.port)
    second.writer.write(b"a")
    assert await second.hear(2) == b"aa"
    second.writer.transport.abort()


async def test_refused_connection_is_closed_at_once(proxy: Proxy, peer: Peer) -> None:
    """Those that are open live on, and so does the next one after `accept`."""
    proxy.refuse()
    refused = await connect(proxy.port)
    assert await refused.reader.read() == b""
    refused.writer.transport.abort()
    proxy.accept()
    for other in (peer, await connect(proxy.port)):
        other.writer.write(b"a")
        assert await other.hear(2) == b"aa"
        other.writer.transport.abort()


async def test_frozen_connection_is_open_and_silent(proxy: Proxy, peer: Peer) -> None:
    """What was held arrives after `thaw`."""
    proxy.freeze()
    peer.writer.write(b"a")
    assert await peer.hears_nothing()
    proxy.thaw()
    assert await peer.hear(2) == b"aa"


async def test_frozen_proxy_takes_new_connections(proxy: Proxy) -> None:
    """As the kernel of a stopped process does, and leaving it frozen leaks nothing."""
    proxy.freeze()
    peer = await connect(proxy.port)
    peer.writer.write(b"a")
    assert await peer.hears_nothing()
    peer.writer.transport.abort()


async def test_delay_counts_for_each_direction(proxy: Proxy, peer: Peer) -> None:
    """There and back."""
    proxy.delay_s = 0.05
    started_s = time.monotonic()
    peer.writer.write(b"a")
    assert await peer.hear(2) == b"aa"
    assert time.monotonic() - started_s >= 0.1


async def test_dropped_replies_never_arrive(proxy: Proxy, peer: Peer) -> None:
    """The server has heard the question all the same."""
    proxy.drop_replies = True
    peer.writer.write(b"lost")
    await eventually(lambda: proxy.replied_bytes == 12, what="a swallowed reply")
    proxy.drop_replies = False
    peer.writer.write(b"b")
    assert await peer.hear(2) == b"bb"


async def test_thawing_after_the_client_has_gone_is_no_error() -> None:
    """What was held for it is dropped, and the server hears the end."""
    left = asyncio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        with contextlib.suppress(OSError):
            await reader.read()
        left.set()
        writer.transport.abort()

    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with Proxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        proxy.freeze()
        peer = await connect(proxy.port)
        await eventually(lambda: proxy.replied_bytes == 5, what="a held greeting")
        peer.reset()
        await left.wait()
        proxy.thaw()
    server.close()
    assert errors == []


async def test_end_of_the_server_reaches_the_client() -> None:
    """After the last thing that it said."""

    async def last_words(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 300_000)
        writer.close()

    server = await asyncio.start_server(last_words, "127.0.0.1", 0)
    async with Proxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        peer = await connect(proxy.port)
        assert len(await peer.reader.read()) == 300_000
        peer.writer.transport.abort()
    server.close()


async def test_missing_server_closes_the_connection(unused_tcp_port: int) -> None:
    """The client hears an end, not silence."""
    async with Proxy("127.0.0.1", unused_tcp_port) as proxy:
        peer = await connect(proxy.port)
        with contextlib.suppress(ConnectionResetError):
            assert await peer.reader.read() == b""
        peer.writer.transport.abort()
