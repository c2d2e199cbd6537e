"""Listens to brands that post their events over HTTP.

Responsible for the contract of a listener. The requests come over the public port (`consumer.api`),
and wait in the intake (`intake.py`). HTTP keeps nothing: what is not settled is answered with 503,
and its sender posts it again.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, ClassVar, Final

from consumer.errors import ListenerUnavailable
from consumer.listeners.base import Listener, ListenerSettings
from consumer.listeners.http.intake import Intake
from consumer.listeners.http.question import describe, posted
from consumer.listeners.http.settings import HttpListenerSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Origin

GATHER_S: Final = 0.005
"""How long deliveries wait for more while the lane is at work, in seconds."""

__all__ = ["HttpListener", "HttpListenerSettings"]


class HttpListener(Listener[HttpListenerSettings]):
    """Takes what is posted to an intake.

    Args:
        name: The listener's name.
        settings: The checked options.
        intake: The intake, which outlives the listener. None makes an intake that nobody posts to.
    """

    kind: ClassVar[str] = "http"
    settings_type: ClassVar[type[ListenerSettings]] = HttpListenerSettings
    source_keeps = False

    def __init__(
        self, name: str, settings: HttpListenerSettings, intake: Intake | None = None
    ) -> None:
        super().__init__(name, settings)
        self.answer_within_s = settings.answer_timeout_s
        self._intake = intake or make_intake(settings)

    async def open(self) -> None:
        """Let requests in. See `Listener.open`."""
        self._intake.open()

    async def look(self) -> str:
        """See `Listener.look`. There is no source to ask: a check asks the public port apart."""
        return ""

    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """Return what was posted; the keys take turns. See `Listener.receive`.

        If deliveries wait, but fewer than are in the lane, the call waits for a moment for more.
        """
        intake = self._intake
        if not intake.waiting_count:
            await self._news(timeout_s)
        if intake.waiting_count and not intake.has_batch:
            await self._news(GATHER_S)
        if not intake.is_open:
            raise ListenerUnavailable("this listener was closed")
        return intake.take(max_count, max_bytes)

    async def _news(self, timeout_s: float) -> None:
        self._intake.news.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._intake.news.wait()

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Answer the senders. See `Listener.settle`."""
        self._intake.ended(deliveries)

    async def backlog(self) -> int | None:
        """Return None: nothing waits outside this process. See `Listener.backlog`."""
        return None

    def origin(self, delivery: Delivery) -> Origin:
        """Describe a delivery. See `Listener.origin`."""
        return describe(posted(delivery))

    async def close(self) -> None:
        """Let all senders go, who then post again. See `Listener.close`."""
        self._intake.close()


def make_intake(settings: HttpListenerSettings) -> Intake:
    """Make the intake of a listener with these options."""
    return Intake(settings.answer_timeout_s, settings.max_buffered_bytes)
