"""A source in memory: passes the contract suite of the real ones, and never waits.

At least once: what its listener has not settled comes again to the next one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from consumer.errors import ListenerUnavailable
from consumer.listeners.base import Delivery, Listener, ListenerSettings, Origin, Outcome
from tests.support.sources import Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class _Stored(msgspec.Struct, eq=False):
    number: int
    body: bytes
    message_type: str | None
    headers: dict[str, str]
    content_encoding: str | None
    delivered: bool = False


class MemoryQueue:
    """What is waiting, and what has been handed out."""

    def __init__(self) -> None:
        self.waiting: deque[_Stored] = deque()
        self.handed_out: dict[int, _Stored] = {}
        self.next_number = 1
        self.reachable = True
        self.listeners: list[MemoryListener] = []

    def give_back(self) -> None:
        """Put everything that was handed out to the front again."""
        back = sorted(self.handed_out.values(), key=lambda stored: stored.number)
        self.handed_out.clear()
        self.waiting.extendleft(reversed(back))


class MemorySettings(ListenerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No options of its own."""

    kind: str = "memory"


class MemoryListener(Listener[MemorySettings]):
    """Takes from a `MemoryQueue`."""

    kind: ClassVar[str] = "memory"
    settings_type: ClassVar[type[ListenerSettings]] = MemorySettings

    def __init__(self, name: str, settings: MemorySettings, queue: MemoryQueue) -> None:
        super().__init__(name, settings)
        self._queue = queue
        self._open = False
        self.news = asyncio.Event()

    async def open(self) -> None:
        """See `Listener.open`."""
        if not self._queue.reachable:
            raise ListenerUnavailable("memory: not reachable")
        self._open = True
        self._queue.listeners.append(self)

    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """See `Listener.receive`."""
        self._check()
        if not self._queue.waiting:
            self.news.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self.news.wait()
            except TimeoutError:
                return []
            self._check()
        taken: list[Delivery] = []
        size = 0
        while self._queue.waiting and len(taken) < max_count:
            stored = self._queue.waiting[0]
            size += len(stored.body)
            if taken and size > max_bytes:
                break
            taken.append(self._hand_out(self._queue.waiting.popleft()))
        return taken

    def _hand_out(self, stored: _Stored) -> Delivery:
        again, stored.delivered = stored.delivered, True
        self._queue.handed_out[stored.number] = stored
        return Delivery(stored.body, stored.message_type, stored, stored.content_encoding, again)

    def _check(self) -> None:
        if not self._open:
            raise ListenerUnavailable("memory: connection lost")

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """See `Listener.settle`."""
        self._check()
        for delivery in deliveries:
            stored = delivery.token
            assert isinstance(stored, _Stored)
            if self._queue.handed_out.pop(stored.number, None) is None:
                continue
            if delivery.outcome is Outcome.RETRY:
                self._queue.waiting.appendleft(stored)

    async def backlog(self) -> int | None:
        """See `Listener.backlog`."""
        self._check()
        return len(self._queue.waiting)

    def origin(self, delivery: Delivery) -> Origin:
        """See `Listener.origin`."""
        stored = delivery.token
        assert isinstance(stored, _Stored)
        return Origin({"number": str(stored.number)}, stored.headers)

    def lose(self) -> None:
        """Break the connection: what was handed out comes again."""
        if self._open:
            self._open = False
            self._queue.listeners.remove(self)
            self._queue.give_back()
            self.news.set()

    async def close(self) -> None:
        """See `Listener.close`."""
        self.lose()


class MemorySource(Source):
    """A queue in memory."""

    def __init__(self) -> None:
        self.queue = MemoryQueue()

    async def open(self) -> None:
        """See `Source.open`."""

    async def send(
        self,
        body: bytes,
        message_type: str | None = "CASINO",
        *,
        headers: Mapping[str, str] | None = None,
        content_encoding: str | None = None,
    ) -> None:
        """See `Source.send`."""
        number = self.queue.next_number
        self.queue.next_number += 1
        self.queue.waiting.append(
            _Stored(number, body, message_type, dict(headers or {}), content_encoding)
        )
        for listener in self.queue.listeners:
            listener.news.set()

    def listener(self, **settings: Any) -> MemoryListener:  # noqa: ANN401  # as in Source
        """See `Source.listener`."""
        return MemoryListener("memory", MemorySettings(**settings), self.queue)

    async def remaining(self) -> int:
        """See `Source.remaining`."""
        return len(self.queue.waiting) + len(self.queue.handed_out)

    def cut(self) -> None:
        """See `Source.cut`."""
        for listener in list(self.queue.listeners):
            listener.lose()

    async def close(self) -> None:
        """See `Source.close`."""
