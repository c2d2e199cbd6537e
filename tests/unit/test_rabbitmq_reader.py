"""Tests when the reader pauses the socket, and what aiormq's heartbeat watch sees meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from consumer.listeners.rabbitmq.reader import HEARTBEAT_FRAME, DeliveryReader
from tests.support.fates import SENDER
from tests.unit.test_rabbitmq_frames import ANSWER, delivery_of


class Stream(asyncio.Protocol):
    """Stands behind the reader, and collects what aiormq would read."""

    def __init__(self) -> None:
        self.received = b""

    def data_received(self, data: bytes) -> None:
        """Collect the bytes."""
        self.received += data


class Socket(asyncio.Transport):
    """A socket that only knows whether it is read."""

    def __init__(self) -> None:
        super().__init__()
        self._reading = True
        self.resumed = asyncio.Event()
        self.stream = Stream()

    def get_protocol(self) -> Stream:
        """Return the protocol that the reader stands before."""
        return self.stream

    def is_reading(self) -> bool:
        """Tell whether the socket is read."""
        return self._reading

    def is_closing(self) -> bool:
        """Say that the socket is open."""
        return False

    def pause_reading(self) -> None:
        """Note that the socket is not read."""
        self._reading = False
        self.resumed.clear()

    def resume_reading(self) -> None:
        """Note that the socket is read again."""
        self._reading = True
        self.resumed.set()


class Loop(asyncio.SelectorEventLoop):
    """A loop whose clock belongs to the test."""

    now_s = 0.0

    def time(self) -> float:
        """Return the test's time."""
        return self.now_s


@pytest.fixture
def socket() -> Socket:
    """Return a socket that is read."""
    return Socket()


def reader_on(socket: Socket, clock: asyncio.AbstractEventLoop | None = None) -> DeliveryReader:
    """Return a reader that holds at most 100 bytes."""
    return DeliveryReader(socket, SENDER, max_buffered_bytes=100, clock=clock)


async def test_reading_stops_while_too_much_is_held_and_goes_on_at_half(socket: Socket) -> None:
    """The broker can only limit the number of deliveries, and not their bytes."""
    reader = reader_on(socket)
    reader.data_received(b"".join(delivery_of(tag, b"x" * 40) for tag in (1, 2)))
    assert socket.is_reading()
    reader.data_received(delivery_of(3, b"x" * 40))
    assert not socket.is_reading()
    reader.take(1, 1000)
    assert not socket.is_reading()
    reader.take(1, 1000)
    assert socket.is_reading()


async def test_a_body_larger_than_the_limit_becomes_whole(socket: Socket) -> None:
    """A body that is still arriving does not stop the reading, or it would never arrive."""
    reader = reader_on(socket)
    data = delivery_of(1, b"x" * 1000)
    reader.data_received(data[:-1])
    assert socket.is_reading()
    reader.data_received(data[-1:])
    assert [len(d.body) for d in reader.take(10, 10)] == [1000]


async def test_large_tables_of_headers_are_held_too(socket: Socket) -> None:
    """A message without a body may carry 128 KiB of them."""
    reader = reader_on(socket)
    small = delivery_of(1, b"x" * 10, headers={"a": "x" * 100})
    reader.data_received(small)
    assert socket.is_reading()
    reader.data_received(delivery_of(2, b"", headers={"a": "x" * 600}))
    assert not socket.is_reading()
    assert len(reader.take(10, 500)) == 1
    assert not socket.is_reading()
    assert len(reader.take(10, 500)) == 1
    assert socket.is_reading()
    reader.data_received(small)
    assert len(reader.take(10, 500)) == 1
    assert socket.is_reading()


async def test_a_batch_ends_before_a_body_that_would_go_beyond_it(socket: Socket) -> None:
    """A batch has a limit of bytes and a limit of deliveries, and the oldest come first."""
    reader = reader_on(socket)
    reader.data_received(b"".join(delivery_of(tag, b"x" * 10) for tag in range(1, 6)))
    assert [len(reader.take(count, size)) for count, size in ((9, 25), (2, 99), (9, 99))] == [
        2,
        2,
        1,
    ]
    assert not reader.arrived.is_set()


async def test_a_flood_of_deliveries_beats_for_aiormq(socket: Socket) -> None:
    """A heartbeat is shown every half interval, however many deliveries arrive."""
    loop = Loop()
    reader = reader_on(socket, loop)
    reader.watch(heartbeat_s=10)
    for loop.now_s in (100, 101, 104, 105, 106):
        reader.data_received(delivery_of(1, b"x"))
    loop.close()
    assert socket.stream.received == HEARTBEAT_FRAME * 2


async def test_no_heartbeat_disturbs_the_handshake(socket: Socket) -> None:
    """During the handshake aiormq expects certain frames and no others."""
    reader = reader_on(socket)
    reader.data_received(ANSWER)
    assert socket.stream.received == ANSWER


async def test_a_pause_takes_a_sip_now_and_then(socket: Socket) -> None:
    """RabbitMQ resets a connection to which it can write nothing for 30 s."""
    reader = reader_on(socket)
    reader.watch(heartbeat_s=0.01)
    for tag in (1, 2, 3):
        reader.data_received(delivery_of(tag, b"x" * 101))
        assert reader.paused
        assert not socket.is_reading()
        async with asyncio.timeout(5):
            await socket.resumed.wait()
    assert reader.pauses_count == 1
    reader.eof_received()


async def test_a_heartbeat_does_not_end_a_sip(socket: Socket) -> None:
    """Only a delivery ends it: a broker that has none to write is not stuck."""
    reader = reader_on(socket)
    reader.watch(heartbeat_s=0.01)
    reader.data_received(delivery_of(1, b"x" * 101))
    async with asyncio.timeout(5):
        await socket.resumed.wait()
    reader.data_received(HEARTBEAT_FRAME)
    assert socket.is_reading()
    reader.eof_received()


async def test_closing_reads_on_and_keeps_nothing(socket: Socket) -> None:
    """The broker's answer to a close stands behind what it had already sent."""
    reader = reader_on(socket)
    reader.data_received(delivery_of(1, b"x" * 101))
    reader.discard()
    reader.data_received(delivery_of(2, b"x" * 101) + ANSWER)
    assert socket.is_reading()
    assert reader.take(10, 1000) == []
    assert socket.stream.received == ANSWER
