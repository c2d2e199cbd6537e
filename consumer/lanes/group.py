"""Runs the lanes that share one store, one sink and one stream of dead letters.

A process has one group for live events. With a sandbox, it has a second group. Each group has its
own connections, so trouble in one group does not stop the other.

    start   store, sink, dead letters (waits until each is open) ─► listeners
    stop    no intake ─► in flight settled ─► parts closed
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec

from consumer.cancel import end_tasks
from consumer.clock import SYSTEM_CLOCK
from consumer.config.wallet import OUTBOX_LISTENER
from consumer.dead_letters.record import first_letters
from consumer.lanes.lane import Lane
from consumer.lanes.supervise import Supervisor
from consumer.lanes.wire import make_steps
from consumer.listeners.outbox.settings import OUTBOX
from consumer.parts.keep_open import KeptOpen, all_opened

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from consumer.config.load import Config
    from consumer.lanes.outside import Outside
    from consumer.lanes.wire import Watched
    from consumer.listeners.base import AnyListener
    from consumer.operations.steer import Steered


class LaneGroup:
    """All lanes of one configuration.

    Args:
        config: The checked configuration.
        outside: Store, sink and dead letters of this configuration, not opened. The group opens
            and closes them.
        watched: The health and the metrics to which the lanes report.
        make_listener: Makes a new listener object, by the listener's name.
        name: The group's name in the log. Empty for the group of the live events.
    """

    def __init__(
        self,
        config: Config,
        outside: Outside,
        watched: Watched,
        make_listener: Callable[[str], AnyListener],
        name: str = "",
    ) -> None:
        self._outside = outside
        self._parts = self._outside.parts()
        self._kept = [
            KeptOpen(part_name, part, watched.health, name)
            for part_name, part in self._parts.items()
        ]
        self._supervisors = {
            listener: self._supervisor(listener, config, watched, make_listener)
            for listener in config.listeners
        }
        self._stopping = asyncio.Event()

    @property
    def steered(self) -> Mapping[str, Steered]:
        """The listeners that an operator may pause and resume, by name."""
        return self._supervisors

    def stop(self, *, keep: Container[str] = ()) -> None:
        """Let the listeners take in no new deliveries. This method may be called several times.

        Args:
            keep: The names of the listeners that go on.
        """
        for name, supervisor in self._supervisors.items():
            if name not in keep:
                supervisor.stop()
        if not any(name in keep for name in self._supervisors):
            self._stopping.set()

    async def run(self) -> None:
        """Run until `stop` is called, and then until all deliveries in flight are settled.

        Cancelling: the lanes end at once. Deliveries that are not settled go back to their source.
        """
        async with contextlib.AsyncExitStack() as stack:
            for part in self._parts.values():
                stack.push_async_callback(part.close)
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(kept.run(), name=kept.name) for kept in self._kept]
                try:
                    await self._listen()
                finally:
                    await end_tasks(beside)

    async def _listen(self) -> None:
        """Wait until every part has been open once, then run all listeners until they end."""
        await self._parts_opened()
        if self._stopping.is_set():
            return
        async with asyncio.TaskGroup() as group:
            for supervisor in self._supervisors.values():
                group.create_task(supervisor.run(), name="listener")

    async def _parts_opened(self) -> None:
        """Wait until every part has been open once, or until `stop` is called."""
        async with asyncio.TaskGroup() as group:
            opened = group.create_task(all_opened(self._kept), name="parts opened")
            stopping = group.create_task(self._stopping.wait(), name="stopping")
            await asyncio.wait((opened, stopping), return_when=asyncio.FIRST_COMPLETED)
            await end_tasks((opened, stopping))

    def _supervisor(
        self,
        name: str,
        config: Config,
        watched: Watched,
        make_listener: Callable[[str], AnyListener],
    ) -> Supervisor:
        if name == OUTBOX_LISTENER:
            # Without the ledger all other listeners go on, so it does not make the process unready.
            watched = msgspec.structs.replace(watched, health=watched.health.apart(OUTBOX))
        steps = make_steps(name, config, self._outside, watched, first_letters(name))
        lane = Lane(steps, SYSTEM_CLOCK)
        return Supervisor(name, lambda: make_listener(name), lane, watched.health, steps.books)
