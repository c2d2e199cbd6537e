"""Keeps all readers of a process: their number, their memory, their keys and their heartbeats."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from consumer.http.answer import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from consumer.access.gate import Gate
    from consumer.access.key import Key
    from consumer.deliveries.origin import Environment
    from consumer.operations.metrics import Metrics
    from consumer.readers.selection import Rights
    from consumer.readers.settings import StreamApiSettings
    from consumer.readers.subscription import Source

LOOK_EVERY_S: Final = 0.25
"""The pause between two looks at all readers, in seconds."""


class LetGo(StrEnum):
    """Why a reader was let go: the value of the label `reason` of `stream_let_go`."""

    SLOW = "slow"
    """It reads more slowly than events come."""
    MEMORY = "memory"
    """Too much waited for all readers together, and the most of it waited for this reader."""
    KEY = "key"
    """Its key was revoked, or has expired."""
    MESSAGES = "messages"
    """It sends more messages than can be answered."""


class KeptReader(Protocol):
    """What is kept of a reader.

    Attributes:
        rights: What it may read.
        sent_s: The time at which it was last sent something, on the loop's clock.
        buffered_bytes: The size of what waits to be sent, in bytes.
    """

    sent_s: float

    @property
    def rights(self) -> Rights:
        """See the class."""

    @property
    def buffered_bytes(self) -> int:
        """See the class."""

    def beat(self) -> None:
        """Send a heartbeat."""

    def let_go(self, why: LetGo) -> None:
        """Close the stream, and tell the reader the cursor with which it may come back."""


class Readers:
    """All readers of a process.

    Args:
        settings: The limits.
        max_streams_per_key_count: The largest number of streams of one key.
        sources: Where the events of each environment come from.
        gate: Knows whether a key is still good.
        metrics: Counts readers and sends.

    Attributes:
        max_buffered_bytes: The largest size of what waits for one reader, in bytes.
        sent_count: The number of events that were sent and are not in the metric yet.
    """

    def __init__(
        self,
        settings: StreamApiSettings,
        max_streams_per_key_count: int,
        sources: Mapping[Environment, Source],
        gate: Gate,
        metrics: Metrics,
    ) -> None:
        self.max_buffered_bytes = settings.max_buffered_bytes
        self._settings = settings
        self._max_streams_per_key_count = max_streams_per_key_count
        self._sources = sources
        self._gate = gate
        self._metrics = metrics
        self._let_go = {each: metrics.stream_let_go.labels(each.value) for each in LetGo}
        self.sent_count = 0
        self._readers: dict[KeptReader, None] = {}
        self._by_key: Counter[str] = Counter()

    def source_of(self, key: Key) -> Source:
        """Return where the events of a key's environment come from."""
        return self._sources[key.environment]

    def reserve(self, key: Key) -> None:
        """Count another stream of a key. Refuse it if the key has as many as it may have.

        Each stream that is counted has to come to `admitted`.

        Raises:
            Problem: 429.
        """
        if self._by_key[key.id] >= self._max_streams_per_key_count:
            raise Problem(
                429,
                "too_many_streams",
                f"the key may have {self._max_streams_per_key_count} open streams",
                headers={"retry-after": "5"},
            )
        self._by_key[key.id] += 1

    @contextlib.contextmanager
    def admitted(self, reader: KeptReader) -> Iterator[None]:
        """Keep a reader, for which there is a reservation, for the time of the block."""
        key_id = reader.rights.key.id
        self._readers[reader] = None
        self._metrics.stream_readers.set(len(self._readers))
        try:
            yield
        finally:
            del self._readers[reader]
            self._by_key[key_id] -= 1
            if not self._by_key[key_id]:
                del self._by_key[key_id]
            self._metrics.stream_readers.set(len(self._readers))

    def count_let_go(self, why: LetGo) -> None:
        """Count a reader that is let go."""
        self._let_go[why].inc()

    async def run(self) -> None:
        """Look after all readers, and run the feeds. Runs until cancelled."""
        async with asyncio.TaskGroup() as group:
            for environment, source in self._sources.items():
                group.create_task(source.feed.run(), name=f"feed of {environment.value} events")
            group.create_task(self._look_after(), name="look after readers")

    async def _look_after(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            quiet_since_s = loop.time() - self._settings.heartbeat_s
            for reader in list(self._readers):
                if not self._gate.is_still_good(reader.rights.key, reader.rights.mark):
                    reader.let_go(LetGo.KEY)
                elif reader.sent_s <= quiet_since_s:
                    reader.sent_s = loop.time()
                    reader.beat()
            self._free_memory()
            self._metrics.stream_sent.inc(self.sent_count)
            self.sent_count = 0

    def _free_memory(self) -> None:
        """Let readers go until the sum is within its limit, those with the most waiting first."""
        sizes_bytes = {reader: reader.buffered_bytes for reader in self._readers}
        held_bytes = sum(sizes_bytes.values())
        while held_bytes > self._settings.max_buffered_total_bytes:
            largest = max(sizes_bytes, key=sizes_bytes.__getitem__)
            held_bytes -= sizes_bytes.pop(largest)
            largest.let_go(LetGo.MEMORY)
