"""Readers of events without a connection: their sessions, and what they were sent."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from consumer.access.gate import Gate
from consumer.access.key import Key, Scope
from consumer.access.keyring import Keyring
from consumer.deliveries.origin import Environment
from consumer.operations.metrics import Metrics
from consumer.readers.connection import ReadersConnection
from consumer.readers.pace import Pace
from consumer.readers.readers import Readers
from consumer.readers.reading import sources_of
from consumer.readers.selection import rights_of
from consumer.readers.settings import StreamApiSettings
from consumer.readers.socket import SocketReader
from consumer.sinks.base import SinkSettings
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from nats.aio.client import Client

    from consumer.readers.reader import Reader

BRAND: Final = "brand-a"
LIMITS: Final = StreamApiSettings()


def reading_key(
    brand: str = BRAND, key_id: str = "AAAAAAAAAAAA", subjects: tuple[str, ...] = ()
) -> Key:
    """Return a key that may read."""
    return Key(
        id=key_id,
        brand=brand,
        environment=Environment.LIVE,
        scopes=(Scope.EVENTS_READ,),
        subjects=subjects,
    )


class Taken:
    """An outlet that takes everything at once, or nothing.

    Attributes:
        sent: The messages.
        closed: The code and the reason with which the stream was closed.
        is_stuck: If true, nothing is taken.
    """

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self.is_stuck = False
        self._buffered_bytes = 0

    @property
    def buffered_bytes(self) -> int:
        """See `Outlet.buffered_bytes`."""
        return self._buffered_bytes

    @property
    def is_open(self) -> bool:
        """See `Outlet.is_open`."""
        return self.closed is None

    def send(self, *parts: bytes) -> None:
        """See `Outlet.send`."""
        message = b"".join(parts)
        if self.is_stuck:
            self._buffered_bytes += len(message)
        else:
            self.sent.append(message)

    def close(self, code: int, reason: str) -> None:
        """See `Outlet.close`."""
        self.closed = self.closed or (code, reason)

    async def drained(self) -> None:
        """See `Outlet.drained`."""
        if self.is_stuck:
            await asyncio.Event().wait()


class TakenLater(Taken):
    """An outlet that takes everything as soon as the loop has a turn, as a socket does."""

    def send(self, *parts: bytes) -> None:
        """See `Outlet.send`."""
        super().send(*parts)
        if not self._buffered_bytes:
            asyncio.get_running_loop().call_soon(self._take)
        self._buffered_bytes += sum(map(len, parts))

    async def drained(self) -> None:
        """See `Outlet.drained`."""
        if self._buffered_bytes:
            await asyncio.sleep(0)  # `_take` comes first

    def _take(self) -> None:
        self._buffered_bytes = 0


class Followed:
    """A reader over a WebSocket that runs.

    Attributes:
        reader: The reader.
        outlet: What it is sent.
    """

    def __init__(self, reader: SocketReader, outlet: Taken) -> None:
        self.reader = reader
        self.outlet = outlet

    def say(self, **message: object) -> None:
        """Send a message of the client."""
        self.reader.received(msgspec.json.encode(message))

    def subscribe(self, name: str = "a", **options: object) -> None:
        """Subscribe."""
        self.say(op="subscribe", id=name, **options)

    def told(self, op: str = "", name: str = "") -> list[dict[str, Any]]:
        """Return what was sent."""
        read: list[dict[str, Any]] = [msgspec.json.decode(one) for one in self.outlet.sent]
        return [
            one
            for one in read
            if (not op or one["op"] == op) and (not name or one.get("id") == name)
        ]

    def ids(self, name: str = "") -> list[str]:
        """Return the ids of the events that were sent, in order."""
        return [one["event"]["id"] for one in self.told("event", name)]

    async def got(self, op: str, count: int = 1, within_s: float = 20.0) -> list[dict[str, Any]]:
        """Wait for messages, and return them."""
        await eventually(
            lambda: len(self.told(op)) >= count, within_s=within_s, what=f"{count} x {op}"
        )
        return self.told(op)

    async def got_ids(self, wanted: Sequence[str], within_s: float = 20.0) -> None:
        """Wait for exactly these events, in order."""
        await eventually(
            lambda: len(self.ids()) >= len(wanted), within_s=within_s, what=f"{len(wanted)} events"
        )
        assert self.ids() == list(wanted)


class ReadersScene:
    """The readers of a process, on a stream of their own.

    Attributes:
        readers: All readers.
        stream: The name of the stream.
    """

    def __init__(
        self, client: Client, settings: SinkSettings, limits: StreamApiSettings = LIMITS
    ) -> None:
        self.stream = settings.stream
        self.keyring = Keyring()
        self.metrics = Metrics()
        self._prefix = settings.subject_prefix
        self._client = client
        self.connection = ReadersConnection(settings)
        self.source = sources_of(self.connection, {Environment.LIVE: settings}, {}, Pace())
        gate = Gate(self.keyring, self.metrics, environments=(Environment.LIVE,), events_per_s={})
        self.readers = Readers(limits, 100, self.source, gate, self.metrics)

    async def publish(
        self,
        *ids: str,
        subject: str = "game.bet",
        brand: str = BRAND,
        user: str | None = None,
        size_bytes: int = 0,
    ) -> None:
        """Store events."""
        jetstream = self._client.jetstream()
        for name in ids:
            event: dict[str, object] = {
                "specversion": "1.0",
                "id": name,
                "source": f"/{brand}/casino",
                "type": subject,
                "brand": brand,
                "data": {"more": "x" * size_bytes},
            }
            if user is not None:
                event["subject"] = user
            await jetstream.publish(f"{self._prefix}.{subject}", msgspec.json.encode(event))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the readers for the time of the block."""
        await self.connection.open()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.readers.run(), name="readers")
            try:
                yield
            finally:
                task.cancel()
        await self.connection.close()

    @contextlib.asynccontextmanager
    async def follower(
        self,
        key: Key | None = None,
        make: Callable[..., Reader] = SocketReader,
        outlet: Taken | None = None,
    ) -> AsyncIterator[Followed]:
        """Run a reader for the time of the block."""
        key = key or reading_key()
        self.keyring.keys[key.id] = key
        self.readers.reserve(key)
        reader: Any = make(self.readers, rights_of(key))
        followed = Followed(reader, outlet or Taken())
        async with asyncio.TaskGroup() as group:
            task = group.create_task(reader.run(followed.outlet), name="reader")
            try:
                yield followed
            finally:
                task.cancel()


def numbered(count: int, first: int = 0) -> list[str]:
    """Return ids."""
    return [f"e{number}" for number in range(first, first + count)]


def sink_settings(url: str, name: str) -> SinkSettings:
    """Return the settings of a sink of its own."""
    return SinkSettings(url=url, stream=f"S_{name}", subject_prefix=name)
