"""Runs the daemon: opens all parts, runs all listeners, and at the end drains and closes them.

    start   operations port ─► store, sink, dead letters (each until it is there) ─► listeners
    stop    /readyz 503 ─► no intake ─► in flight settled, or the grace time is over ─► closed

A part that is away does not end the process: the daemon waits for it, and `/readyz` says why. Apart
from `stop`, only a bug or a configuration that cannot be used ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import structlog

from consumer.cancel import end_tasks
from consumer.clock import SYSTEM_CLOCK
from consumer.dead_letters.record import first_letters
from consumer.lanes.lane import Lane
from consumer.lanes.outside import caveats, make_outside
from consumer.lanes.supervise import Supervisor
from consumer.lanes.wire import Watched, make_steps
from consumer.operations.health import Health
from consumer.operations.http import listening_socket, serve
from consumer.operations.metrics import Metrics
from consumer.parts.keep_open import KeptOpen, all_opened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.config.load import Config
    from consumer.listeners.base import Listener

LOOP_LAG_EVERY_S: Final = 0.5

log = structlog.get_logger()


class App:
    """One daemon.

    Args:
        config: The checked configuration.
        kinds: The classes of listeners, by the word for each kind in the configuration.

    Attributes:
        health: The states of all parts, which `/readyz` shows.
        metrics: The metrics, which `/metrics` shows.
    """

    def __init__(self, config: Config, kinds: Mapping[str, type[Listener[Any]]]) -> None:
        self._config = config
        self._kinds = kinds
        self.health = Health()
        self.metrics = Metrics()
        self._outside = make_outside(config)
        self._parts = self._outside.parts()
        self._kept = [KeptOpen(name, part, self.health) for name, part in self._parts.items()]
        self._supervisors = [self._supervisor(name) for name in config.listeners]
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin to drain. This method may be called twice."""
        self.health.drain()
        self._stopping.set()
        for supervisor in self._supervisors:
            supervisor.stop()

    async def run(self) -> bool:
        """Run until `stop`, and drain.

        Returns:
            True if everything in flight was settled within the grace time. What was not settled
            goes back to its source.

        Raises:
            ConfigError: The operations port is taken.

        Cancelling: the daemon ends without a drain, and what is in flight goes back to its source.
        """
        port = listening_socket(self._config.operations.bind)
        for caveat in caveats(self._config):
            log.warning(caveat.what, **caveat.facts)
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(serve(port, self.health, self.metrics))
            for part in self._parts.values():
                stack.push_async_callback(part.close)
            async with asyncio.TaskGroup() as group:
                beside = [group.create_task(kept.run(), name=kept.name) for kept in self._kept]
                beside.append(group.create_task(self._measure_loop_lag(), name="loop lag"))
                drained = await self._listen()
                await end_tasks(beside)
        log.info("stopped", drained=drained)
        return drained

    async def _listen(self) -> bool:
        """Run all listeners, once every part has been open, until they are drained."""
        await self._parts_opened()
        if self._stopping.is_set():
            return True
        async with asyncio.TaskGroup() as group:
            running = [
                group.create_task(supervisor.run(), name="listener")
                for supervisor in self._supervisors
            ]
            await self._stopping.wait()
            grace_s = self._config.operations.shutdown_grace_s
            log.info("draining", grace_s=grace_s)
            _, late = await asyncio.wait(running, timeout=grace_s)
            await end_tasks(late)
        return not late

    async def _parts_opened(self) -> None:
        """Return once every part has been open, or once `stop` was called."""
        async with asyncio.TaskGroup() as group:
            opened = group.create_task(all_opened(self._kept), name="parts opened")
            stopping = group.create_task(self._stopping.wait(), name="stopping")
            await asyncio.wait((opened, stopping), return_when=asyncio.FIRST_COMPLETED)
            await end_tasks((opened, stopping))

    async def _measure_loop_lag(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + LOOP_LAG_EVERY_S
            await asyncio.sleep(LOOP_LAG_EVERY_S)
            self.metrics.loop_lag.set(max(0.0, loop.time() - due_s))

    def _supervisor(self, name: str) -> Supervisor:
        settings = self._config.listeners[name]
        watched = Watched(self.health, self.metrics)
        steps = make_steps(name, self._config, self._outside, watched, first_letters(name))
        kind = self._kinds[settings.kind]
        lane = Lane(steps, SYSTEM_CLOCK)
        return Supervisor(name, lambda: kind(name, settings), lane, self.health, steps.books)
