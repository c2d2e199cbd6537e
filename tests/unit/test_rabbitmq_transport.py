"""What the socket of a RabbitMQ connection needs of aio-pika, aiormq, asyncio and uvloop.

None of it is promised in so many words. Where a new version of a library fails here, read its
source again, and then mend consumer/listeners/rabbitmq/transport.py.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aio_pika.connection import make_url
from aiormq.connection import Connection, TransportFactory

from consumer.listeners.rabbitmq.connection import CLOSE_GRACE_S, CLOSE_TIMEOUT_S
from consumer.listeners.rabbitmq.transport import SocketFactory, TappedConnection
from tests.support.fates import SENDER
from tests.unit.test_rabbitmq_frames import ANSWER, delivery_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Called(OSError):
    """Raised by the factory below, so that the connection ends there."""


class Factory(TransportFactory):
    """Notes that aiormq has called it."""

    async def create(
        self, url: object, **options: object
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """See the class."""
        raise Called(url, options)


async def test_aio_pika_hands_our_factory_on_to_aiormq() -> None:
    """It drops every parameter that its class does not list."""
    connection = TappedConnection(make_url("amqp://127.0.0.1:1/"), transport_factory=Factory())
    with pytest.raises(Called):
        await connection.connect()
    await connection.close()


async def test_connection_that_never_opened_can_be_closed() -> None:
    """Or aio-pika would start a task to close it when it is collected."""
    connection = TappedConnection(make_url("amqp://127.0.0.1:1/"))
    await connection.close()
    assert connection.is_closed


def test_aiormq_waits_as_long_as_our_texts_and_limits_say() -> None:
    """The text says three heartbeats, and a close is aborted only after aiormq has given up."""
    assert Connection.HEARTBEAT_GRACE_MULTIPLIER == 3
    assert Connection.READER_CLOSE_TIMEOUT < CLOSE_GRACE_S < CLOSE_TIMEOUT_S < 5


class Broker(asyncio.Protocol):
    """Sends bytes to whoever connects, after the client has spoken, and notes what it hears."""

    def __init__(self, says: bytes) -> None:
        self.says = says
        self.heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self.socket = transport

    def data_received(self, data: bytes) -> None:
        """Answer at the first piece."""
        if not self.heard:
            self.socket.write(self.says)  # type: ignore[attr-defined]  # a server's transport writes
        self.heard += data


@asynccontextmanager
async def connected(says: bytes) -> AsyncIterator[tuple[SocketFactory, asyncio.StreamReader]]:
    """Connect a factory to a broker that says these bytes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Broker(says), "127.0.0.1", 0)
    address = ("127.0.0.1", server.sockets[0].getsockname()[1])
    factory = SocketFactory(address, None, SENDER, max_buffered_bytes=100)
    stream, writer = await factory.create("", ssl_context_provider=None)
    writer.write(b"AMQP\x00\x00\x09\x01")
    try:
        async with asyncio.timeout(5):
            yield factory, stream
    finally:
        writer.transport.abort()
        server.close()
        await server.wait_closed()


async def test_deliveries_stay_here_and_the_rest_reaches_the_stream() -> None:
    """The socket's protocol can be replaced after it is connected."""
    async with connected(delivery_of(1, b"x") + ANSWER) as (factory, stream):
        assert await stream.readexactly(len(ANSWER)) == ANSWER
        assert factory.reader is not None
        assert [delivery.body for delivery in factory.reader.take(9, 99)] == [b"x"]


async def test_socket_stops_and_starts_again() -> None:
    """On uvloop too, whose transports are not subclasses of those of asyncio."""
    async with connected(delivery_of(1, b"x" * 200)) as (factory, _):
        assert factory.reader is not None
        assert factory.writer is not None
        socket = factory.writer.transport
        await factory.reader.arrived.wait()
        assert not socket.is_reading()  # type: ignore[attr-defined]  # a socket's transport reads
        factory.reader.take(9, 999)
        assert socket.is_reading()  # type: ignore[attr-defined]  # as above
