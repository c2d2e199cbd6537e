"""A source as a test sees it: what the contract suite needs to know about a real broker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from consumer.listeners.base import Listener


class Source(ABC):
    """One queue, topic or stream of its own, on a real broker (or in memory), with its listener.

    Each object uses names of its own, so that tests never meet.
    """

    @abstractmethod
    async def open(self) -> None:
        """Create the queue, topic or stream, and connect whatever sends to it.

        Called again after the broker has been away: connects anew.
        """

    @abstractmethod
    async def send(
        self,
        body: bytes,
        message_type: str | None = "CASINO",
        *,
        headers: Mapping[str, str] | None = None,
        content_encoding: str | None = None,
    ) -> None:
        """Send one message and return once the broker has confirmed it."""

    @abstractmethod
    def listener(self, **settings: Any) -> Listener[Any]:  # noqa: ANN401  # options differ by kind
        """Make a new, unopened listener on this source, through the proxy where there is one."""

    @abstractmethod
    async def remaining(self) -> int:
        """Return how many messages are not settled, with every listener closed."""

    def remaining_is(self, count: int) -> Callable[[], Awaitable[bool]]:
        """Return a condition for `eventually`."""

        async def condition() -> bool:
            return await self.remaining() == count

        return condition

    @abstractmethod
    def cut(self) -> None:
        """Break every connection of the listeners at once (TCP reset by the proxy)."""

    @abstractmethod
    async def close(self) -> None:
        """Remove queue, topic or stream."""
