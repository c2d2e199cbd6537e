"""A supervised lane on a queue in memory, in a time that jumps."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from consumer.lanes.lane import Lane
from consumer.lanes.supervise import Supervisor
from tests.support.memory_sink import MemoryPipeline
from tests.support.samples import casino
from tests.support.source_memory import MemoryListener, MemorySettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from consumer.listeners.base import Listener
    from tests.support.source_memory import MemoryQueue


class LoopClock:
    """The jumping loop's time."""

    def now_s(self) -> float:
        """See `Clock.now_s`."""
        return asyncio.get_running_loop().time()

    def monotonic_s(self) -> float:
        """See `Clock.monotonic_s`."""
        return asyncio.get_running_loop().time()


class Hanging(MemoryListener):
    """Never gets open."""

    async def open(self) -> None:
        """See `Listener.open`."""
        await asyncio.Event().wait()


class Supervised:
    """One supervised lane on a queue in memory.

    Args:
        kinds: of the listeners, one for each connection; the last one of all further ones.
        batch: at most so many deliveries travel together.

    Attributes:
        made: every listener that was made, with the time it was made at.
    """

    def __init__(self, *kinds: type[MemoryListener], name: str = "lane", batch: int = 1) -> None:
        self.pipeline = MemoryPipeline(clock=LoopClock())
        self.queue: MemoryQueue = self.pipeline.source.queue
        self.made: list[tuple[float, MemoryListener]] = []
        self._kinds = kinds or (MemoryListener,)
        self._settings = MemorySettings(max_batch_count=batch)
        steps = self.pipeline.steps(name)
        lane = Lane(steps, self.pipeline.clock)
        self.supervisor = Supervisor(name, self._make, lane, self.pipeline.health, steps.books)

    def _make(self) -> Listener[Any]:
        kind = self._kinds[min(len(self.made), len(self._kinds) - 1)]
        listener = kind("lane", self._settings, self.queue)
        self.made.append((asyncio.get_running_loop().time(), listener))
        return listener

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """Run it, and stop it at the end."""
        await self.pipeline.open()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.supervisor.run(), name="supervisor")
            yield task
            self.supervisor.stop()

    async def send(self, *ids: str) -> None:
        """Send one event for each id."""
        for activity_id in ids:
            await self.pipeline.source.send(casino(activity_id=activity_id))

    def stored(self, count: int) -> Callable[[], bool]:
        """Return a condition for `eventually`."""
        return lambda: len(self.pipeline.sink.stored) == count

    def restarts(self, reason: str) -> int:
        """Return how many connections ended for this reason."""
        value = self.pipeline.metrics.registry.get_sample_value(
            "consumer_listener_restarts_total", {"listener": "lane", "reason": reason}
        )
        return int(value or 0)

    def metric(self, name: str) -> float | None:
        """Return a metric of the listener."""
        registry = self.pipeline.metrics.registry
        return registry.get_sample_value(f"consumer_{name}", {"listener": "lane"})

    def why_down(self) -> str:
        """Return what `/readyz` says about the listener."""
        return self.pipeline.health.why_down("listener lane")

    def made_count(self, count: int) -> Callable[[], bool]:
        """Return a condition for `eventually`."""
        return lambda: len(self.made) >= count
