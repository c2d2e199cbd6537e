"""A source in memory: passes the contract suite of the real ones, and nothing in it is random.

At least once: what its listener has not settled comes again to the next one. Several listeners
may share a queue, like several processes; each delivery belongs to the one that took it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from consumer.deliveries.delivery import Delivery
from consumer.deliveries.origin import Origin
from consumer.errors import ListenerUnavailable
from consumer.listeners.base import Listener, ListenerSettings
from consumer.listeners.take import take
from consumer.options.values import Token
from tests.support.sources import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class _Stored(msgspec.Struct, eq=False):
    number: int
    body: bytes
    message_type: str | None
    headers: dict[str, str]
    content_encoding: str | None
    delivered: bool = False


class MemoryQueue:
    """What is waiting, and who listens.

    Attributes:
        waiting: in the order of sending; what came back stands where it stood before.
        listeners: the open ones.
        sent_count: messages that were ever sent; it also numbers them.
        redelivered_count: how often one was handed out that had been handed out before.
        reachable: False: nobody can open a listener.
    """

    def __init__(self) -> None:
        self.waiting: deque[_Stored] = deque()
        self.listeners: list[MemoryListener] = []
        self.sent_count = 0
        self.redelivered_count = 0
        self.reachable = True

    def add(self, stored: _Stored) -> None:
        """Let a new message wait."""
        self.waiting.append(stored)
        self._wake()

    def give_back(self, taken: Iterable[_Stored]) -> None:
        """Let messages wait again."""
        self.waiting = deque(sorted((*self.waiting, *taken), key=lambda stored: stored.number))
        self._wake()

    def _wake(self) -> None:
        for listener in self.listeners:
            listener.news.set()


class MemorySettings(ListenerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No options of its own."""

    kind: str = "memory"
    brand: Token | None = "brand"


class MemoryListener(Listener[MemorySettings]):
    """Takes from a `MemoryQueue`."""

    kind: ClassVar[str] = "memory"
    settings_type: ClassVar[type[ListenerSettings]] = MemorySettings

    def __init__(self, name: str, settings: MemorySettings, queue: MemoryQueue) -> None:
        super().__init__(name, settings)
        self._queue = queue
        self._open = False
        self.unsettled: dict[int, _Stored] = {}
        self.news = asyncio.Event()
        self._hurried = False

    async def open(self) -> None:
        """See `Listener.open`."""
        if not self._queue.reachable:
            raise ListenerUnavailable("memory: the queue is not reachable")
        self._open = True
        self._queue.listeners.append(self)

    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """See `Listener.receive`."""
        self._check()
        try:
            async with asyncio.timeout(timeout_s):
                while not self._queue.waiting and not self._hurried:
                    self.news.clear()
                    await self.news.wait()
                    self._check()
        except TimeoutError:
            return []
        self._hurried = False
        return [
            self._hand_out(stored) for stored in take(self._queue.waiting, max_count, max_bytes)
        ]

    def _hand_out(self, stored: _Stored) -> Delivery:
        again, stored.delivered = stored.delivered, True
        self._queue.redelivered_count += again
        self.unsettled[stored.number] = stored
        return Delivery(
            stored.body,
            stored.message_type,
            stored,
            self.sender,
            stored.content_encoding,
            again,
        )

    def _check(self) -> None:
        if not self._open:
            raise ListenerUnavailable("memory: connection lost")

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """See `Listener.settle`."""
        self._check()
        for delivery in deliveries:
            assert delivery.end is not None
            del self.unsettled[_token(delivery).number]  # twice is a bug of the caller

    async def backlog(self) -> int | None:
        """See `Listener.backlog`."""
        self._check()
        return len(self._queue.waiting)

    def origin(self, delivery: Delivery) -> Origin:
        """See `Listener.origin`."""
        stored = _token(delivery)
        return Origin({"number": str(stored.number)}, stored.headers)

    def hurry(self) -> None:
        """End the wait of `receive` for a first delivery now, as if its time were over.

        If nobody waits there, the next wait ends at once.
        """
        self._hurried = True
        self.news.set()

    def lose(self) -> None:
        """Break the connection: what was handed out comes again."""
        if self._open:
            self._open = False
            self.news.set()
            self._queue.listeners.remove(self)
            self._queue.give_back(self.unsettled.values())
            self.unsettled.clear()

    async def close(self) -> None:
        """See `Listener.close`."""
        self.lose()


def _token(delivery: Delivery) -> _Stored:
    assert isinstance(delivery.token, _Stored)
    return delivery.token


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
        self.queue.sent_count += 1
        number = self.queue.sent_count
        self.queue.add(_Stored(number, body, message_type, dict(headers or {}), content_encoding))

    def listener(self, **settings: Any) -> MemoryListener:  # noqa: ANN401  # as in Source
        """See `Source.listener`."""
        return MemoryListener("memory", MemorySettings(**settings), self.queue)

    async def remaining(self) -> int:
        """See `Source.remaining`."""
        held_count = sum(len(listener.unsettled) for listener in self.queue.listeners)
        return len(self.queue.waiting) + held_count

    def cut(self) -> None:
        """See `Source.cut`."""
        for listener in list(self.queue.listeners):
            listener.lose()

    async def close(self) -> None:
        """See `Source.close`."""
