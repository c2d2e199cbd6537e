"""Many readers of one process: nothing is missed, memory is flat, and ingest stays as quick.

    python -m bench.stream_readers [readers [seconds]]

Starts a daemon of its own on the running brokers. First events are posted without readers, then
with them: many that read well, a slow one that reads nothing, one that comes back with its cursor
every second, and hostile ones whose frames are wrong. Those that read well, and the one that comes
back, check that they get every event once and in order. The readers are in a process of their own,
which is far cheaper than the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import msgspec
import uvloop

from bench.http_ingest import cpu_s
from bench.load import Load, posted
from bench.meter import SPAWN
from consumer.access.key import Scope
from tests.brokers import running_brokers
from tests.support.http_daemon import HttpScene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

EVENTS_PER_S: Final = 20
OPENED_AT_ONCE_COUNT: Final = 50
BEGINNING: Final = "1970-01-01T00:00:00Z"
BEFORE_COUNT: Final = 20_000
"""The number of events that are stored before: more than the system holds for a slow reader."""
SLOW_S: Final = 15
EVENT: Final = b'{"op":"event"'
CURSOR: Final = b'"cursor":"'
TEXT_FRAME: Final = 0x81
IN_TWO_BYTES: Final = 126
"""A length that says that the next two bytes have the length: RFC 6455, 5.2."""
HOSTILE: Final = (
    b"\x81\x05hello",  # not masked
    b"\x81\xff\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00" + 131_072 * b"x",  # too large
    b"\x81\x82\x00\x00\x00\x00\xff\xfe",  # not UTF-8
    b"\x01\x81\x00\x00\x00\x00x" + 5000 * b"\x00\x81\x00\x00\x00\x00x",  # fragments for ever
)


class Told(msgspec.Struct):
    """What the readers have seen.

    Attributes:
        read_count: The number of events that were read by all.
        faults: What was missed or came twice.
        back_count: How often a reader came back with its cursor.
        hostile_count: How often a hostile reader was cut off.
        slow: How the slow reader ended.
    """

    read_count: int = 0
    faults: list[str] = []
    back_count: int = 0
    hostile_count: int = 0
    slow: str = "still there"


class Reader(asyncio.Protocol):
    """Reads one stream, and checks that the numbers in the ids have no gap and no repeat."""

    def __init__(self, told: Told, key: str, name: str, since: str) -> None:
        self._told = told
        self._since = {"since": since} if since else {}
        self._ask = (
            "GET /v1/stream HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nX-Api-Key: {key}\r\n\r\n"
        ).encode()
        self._mark = b'"id":"%b-' % name.encode()
        self._buffer = b""
        self._upgraded = False
        self._next_number: int | None = None
        self.transport: asyncio.Transport | None = None
        self.cursor = ""
        self.subscribed = asyncio.Event()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self.transport = cast("asyncio.Transport", transport)
        self._buffer, self._upgraded = b"", False
        self.subscribed.clear()
        self.lost.clear()
        self.transport.write(self._ask)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the stream has ended."""
        del exc
        self.lost.set()

    def data_received(self, data: bytes) -> None:
        """Take frames of the server, which are not masked and not in pieces."""
        self._buffer += data
        if not self._upgraded:
            if b"\r\n\r\n" not in self._buffer:
                return
            self._buffer = self._buffer.partition(b"\r\n\r\n")[2]
            self._upgraded = True
            wanted = {"op": "subscribe", "id": "a"} | (
                {"after": self.cursor} if self.cursor else self._since
            )
            self.send(msgspec.json.encode(wanted))
        at = 0
        while (end := self._end_of_frame(at)) is not None:
            first, payload_at = self._buffer[at], end[0]
            if first == TEXT_FRAME:
                self._take(self._buffer[payload_at : end[1]])
            at = end[1]
        self._buffer = self._buffer[at:]

    def _end_of_frame(self, at: int) -> tuple[int, int] | None:
        if len(self._buffer) < at + 4:
            return None
        size_bytes, payload_at = self._buffer[at + 1], at + 2
        if size_bytes == IN_TWO_BYTES:
            size_bytes = int.from_bytes(self._buffer[at + 2 : at + 4], "big")
            payload_at = at + 4
        end = payload_at + size_bytes
        return None if len(self._buffer) < end else (payload_at, end)

    def send(self, text: bytes) -> None:
        """Send a message, masked with zeros."""
        assert self.transport is not None
        assert len(text) < IN_TWO_BYTES
        self.transport.write(bytes((TEXT_FRAME, 0x80 | len(text), 0, 0, 0, 0)) + text)

    def _take(self, message: bytes) -> None:
        if not message.startswith(EVENT):
            if b'"op":"subscribed"' in message[:40]:
                self.subscribed.set()
            elif b'"op":"error"' in message[:40]:
                self._told.faults.append(message.decode())
            return
        at = message.find(self._mark) + len(self._mark)
        if at < len(self._mark):
            return  # an event from before
        number = int(message[at : message.index(b'"', at)])
        if self._next_number not in (None, number):
            self._told.faults.append(f"expected {self._next_number}, got {number}")
        self._next_number = number + 1
        self._told.read_count += 1
        at = message.index(CURSOR) + len(CURSOR)
        self.cursor = message[at : message.index(b'"', at)].decode()


class Crowd:
    """All readers of a run.

    Args:
        port: The port on 127.0.0.1.
        key: The text of the key.
        name: The beginning of every id.
    """

    def __init__(self, port: int, key: str, name: str) -> None:
        self.told = Told()
        self._port, self._key, self._name = port, key, name

    def reader(self, since: str = "") -> Reader:
        """Make a reader, not connected."""
        return Reader(self.told, self._key, self._name, since)

    async def connect(self, reader: Reader) -> None:
        """Connect a reader, and subscribe."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: reader, "127.0.0.1", self._port)
        await reader.subscribed.wait()

    async def be_slow(self) -> None:
        """Ask for all that was stored before, and read nothing of it for a while."""
        reader = self.reader(BEGINNING)
        await self.connect(reader)
        assert reader.transport is not None
        reader.transport.pause_reading()
        await asyncio.sleep(SLOW_S)
        reader.transport.resume_reading()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await reader.lost.wait()
                self.told.slow = "let go"

    async def come_back(self) -> None:
        """Come back with the cursor every second."""
        reader = self.reader()
        while True:
            await self.connect(reader)
            await asyncio.sleep(1)
            assert reader.transport is not None
            reader.transport.abort()
            await reader.lost.wait()
            self.told.back_count += 1

    async def be_hostile(self, sent: bytes) -> None:
        """Send wrong frames again and again."""
        while True:
            reader = self.reader()
            await self.connect(reader)
            assert reader.transport is not None
            reader.transport.write(sent)
            await reader.lost.wait()
            self.told.hostile_count += 1
            await asyncio.sleep(0.1)

    async def run(self, count: int, ours: Connection) -> None:
        """Open all, say that they are open, and read until told to end."""
        room = asyncio.Semaphore(OPENED_AT_ONCE_COUNT)

        async def open_one() -> None:
            async with room:
                await self.connect(self.reader())

        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(open_one())
        async with asyncio.TaskGroup() as group:
            others = [
                group.create_task(self.be_slow()),
                group.create_task(self.come_back()),
                *(group.create_task(self.be_hostile(sent)) for sent in HOSTILE),
            ]
            ours.send("open")
            await asyncio.to_thread(ours.recv)
            for task in others:
                task.cancel()
        ours.send(msgspec.to_builtins(self.told))


def crowd(ours: Connection, port: int, key: str, name: str, count: int) -> None:
    """Run the readers in a process of their own."""
    uvloop.run(Crowd(port, key, name).run(count, ours))


def p99_s(took_s: Sequence[float]) -> float:
    """Return the time within which 99 of 100 posts were answered."""
    return sorted(took_s)[int(len(took_s) * 0.99)]


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Bench:
    """A daemon, its senders and its readers."""

    def __init__(self, scene: HttpScene, posting: str, reading: str) -> None:
        self._scene, self._posting, self._reading = scene, posting, reading
        self._daemon = scene.daemon()

    async def run(self, count: int, seconds_count: int) -> None:
        """Print what posts take without readers and with them."""
        with self._daemon:
            await self._daemon.is_ready()
            before = Load(
                self._scene.port, self._posting, f"{self._scene.name}-before", BEFORE_COUNT, 4, 100
            )  # fmt: skip
            await posted(before)
            alone_s = await self._post("alone", seconds_count)
            theirs, ours = SPAWN.Pipe()
            arguments = (ours, self._scene.port, self._reading, f"{self._scene.name}-read", count)
            process = SPAWN.Process(target=crowd, args=arguments)
            process.start()
            await asyncio.to_thread(theirs.recv)
            print(f"{count} readers are open, the daemon has {memory_mb(self._daemon.pid):.0f} MB")
            read_s: list[float] = []
            for part in range(3):
                read_s += await self._post("read", seconds_count // 3, first=part)
            print(f"p99 with readers / alone: {p99_s(read_s) / p99_s(alone_s):.2f}")
            theirs.send("end")
            told = msgspec.convert(await asyncio.to_thread(theirs.recv), Told)
            process.join()
            print(
                f"{told.read_count} events read, {len(told.faults)} faults {told.faults[:3]}; "
                f"came back {told.back_count} times; hostile readers were cut off "
                f"{told.hostile_count} times; the slow reader: {told.slow}"
            )

    async def _post(self, what: str, seconds_count: int, first: int = 0) -> Sequence[float]:
        """Post for a time, print how it went, and return how long each post took."""
        pid = self._daemon.pid
        count = EVENTS_PER_S * seconds_count
        before_s = cpu_s(pid)
        load = Load(
            self._scene.port, self._posting, f"{self._scene.name}-{what}", count, 1,
            pause_s=1 / EVENTS_PER_S, first_number=first * count,
        )  # fmt: skip
        result = await posted(load)
        used = (cpu_s(pid) - before_s) / result.wall_s
        print(
            f"{what:6} p50 {statistics.median(result.took_s) * 1e3:.1f} ms, "
            f"p99 {p99_s(result.took_s) * 1e3:.1f} ms, {result.statuses}, "
            f"{used:.0%} of a core, {memory_mb(pid):.0f} MB"
        )
        return result.took_s


async def main(count: int, seconds_count: int) -> None:
    """Run with a number of readers for a time."""
    brokers = running_brokers()
    with tempfile.TemporaryDirectory() as folder:
        async with HttpScene(Path(folder), brokers["nats"], brokers["redis"]) as scene:
            scene.tables["http"] |= {
                "max_connections_per_address_count": count + 100,
                "max_connections_count": count + 100,
                "max_streams_per_key_count": count + 100,
            }
            reading = await scene.key(scopes=(Scope.EVENTS_READ,))
            await Bench(scene, await scene.key(), reading).run(count, seconds_count)


if __name__ == "__main__":
    arguments = [int(text) for text in sys.argv[1:]]
    uvloop.run(main(*arguments, *(1000, 30)[len(arguments) :]))
