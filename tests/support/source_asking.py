"""A listener in memory whose senders wait for an answer, as those of an HTTP listener do.

It keeps nothing: a sender that gets no answer in time sends again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from consumer.deliveries.delivery import Delivery, End
from consumer.deliveries.origin import Origin, Sender
from consumer.errors import ListenerUnavailable
from consumer.listeners.base import Listener, ListenerSettings
from tests.support.fates import SENDER

if TYPE_CHECKING:
    from collections.abc import Sequence

ANSWER_WITHIN_S: Final = 0.2


class _Asked(msgspec.Struct, eq=False):
    answer: asyncio.Future[End | None]


class AskingSettings(ListenerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No options of its own."""

    kind: str = "asking"


class AskingListener(Listener[AskingSettings]):
    """Takes what is asked of it, and answers how it ended."""

    kind: ClassVar[str] = "asking"
    settings_type: ClassVar[type[ListenerSettings]] = AskingSettings
    source_keeps = False

    def __init__(self, name: str = "asking", *, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        super().__init__(name, AskingSettings())
        self.answer_within_s = answer_within_s
        self._waiting: deque[Delivery] = deque()
        self._asked: set[asyncio.Future[End | None]] = set()
        self._news = asyncio.Event()
        self._open = False

    async def ask(
        self, body: bytes, message_type: str | None = "CASINO", sender: Sender = SENDER
    ) -> End | None:
        """Send a message, and return how it ended; None: there was no answer in time."""
        answer: asyncio.Future[End | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(Delivery(body, message_type, _Asked(answer), sender))
        self._asked.add(answer)
        self._news.set()
        try:
            async with asyncio.timeout(self.answer_within_s):
                return await answer
        except TimeoutError:
            return None
        finally:
            self._asked.discard(answer)

    async def open(self) -> None:
        """See `Listener.open`."""
        self._open = True

    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """See `Listener.receive`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._wait_for_senders()
        except TimeoutError:
            return []
        taken: list[Delivery] = []
        while self._waiting and len(taken) < max_count:
            if taken and sum(len(one.body) for one in taken) >= max_bytes:
                break
            taken.append(self._waiting.popleft())
        return [delivery for delivery in taken if not _asked(delivery).answer.done()]

    async def _wait_for_senders(self) -> None:
        """Return once somebody waits, and forget those who have given up."""
        while True:
            if not self._open:
                raise ListenerUnavailable("asking: closed")
            while self._waiting and _asked(self._waiting[0]).answer.done():
                self._waiting.popleft()
            if self._waiting:
                return
            self._news.clear()
            await self._news.wait()

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """See `Listener.settle`."""
        for delivery in deliveries:
            answer = _asked(delivery).answer
            if not answer.done():
                answer.set_result(delivery.end)

    async def backlog(self) -> int | None:
        """See `Listener.backlog`. Nothing waits anywhere but here."""
        return None

    def origin(self, delivery: Delivery) -> Origin:
        """See `Listener.origin`."""
        return Origin({"brand": delivery.sender.brand}, {})

    async def close(self) -> None:
        """See `Listener.close`."""
        self._open = False
        self._news.set()
        for answer in self._asked:
            if not answer.done():
                answer.set_result(None)


def _asked(delivery: Delivery) -> _Asked:
    assert isinstance(delivery.token, _Asked)
    return delivery.token
