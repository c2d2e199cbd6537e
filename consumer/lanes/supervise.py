"""Runs one listener: opens it, watches it, and after any trouble replaces it by a new one.

Responsible for reconnecting with growing pauses, for noticing a source that is connected but
silent, for letting go of what is held too long, for keeping a flooded listener closed, and for
telling log, metrics and `/readyz`. A failing listener never touches another listener: each has its
own supervisor and lane.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from consumer.cancel import end_tasks
from consumer.errors import ListenerFlooded, ListenerUnavailable
from consumer.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.lanes.lane import Lane
    from consumer.listeners.base import AnyListener
    from consumer.operations.health import Health
    from consumer.pipeline.books import LaneBooks

WATCH_EVERY_S: Final = 5.0
OPEN_DEADLINE_S: Final = 30.0
STEADY_AFTER_S: Final = 30.0
"""After a connection that lasted longer than this, the next pause is short again."""

log = structlog.get_logger()


class Supervisor:
    """Keeps one listener alive.

    Args:
        name: The listener's name.
        make: Makes a new listener object. It is called for each connection.
        lane: The lane that processes the listener's deliveries.
        health: The states of all parts, which `/readyz` shows.
        books: The lane's metrics.
        watch_every_s: The pause between two questions about the source's backlog, in seconds.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[], AnyListener],
        lane: Lane,
        health: Health,
        books: LaneBooks,
        *,
        watch_every_s: float = WATCH_EVERY_S,
    ) -> None:
        self._part = f"listener {name}"
        self._make = make
        self._lane = lane
        self._health = health
        self._books = books
        self._watch_every_s = watch_every_s
        self._stopping = asyncio.Event()
        self._halt = asyncio.Event()
        self._opening: asyncio.Timeout | None = None
        self._log = log.bind(listener=name)
        health.down(self._part, "not connected yet")

    def stop(self) -> None:
        """Take in nothing new. `run` returns once everything in flight is settled."""
        is_first = not self._stopping.is_set()
        self._stopping.set()
        self._halt.set()
        # An `open` that is under way is ended by its deadline. A deadline that is over cannot be
        # moved, but then `open` is about to end anyway.
        if is_first and self._opening is not None and not self._opening.expired():
            self._opening.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Run the listener until `stop`.

        Cancelling: closes the connection; what is in flight goes back to the source.
        """
        backoff = Backoff(first_s=0.2)
        while not self._stopping.is_set():
            self._halt = asyncio.Event()
            started_s = asyncio.get_running_loop().time()
            try:
                await self._live()
            except ListenerFlooded as error:
                self._report_flood(error)
                await self._stopping.wait()
            except ListenerUnavailable as error:
                self._report(error)
            if asyncio.get_running_loop().time() - started_s > STEADY_AFTER_S:
                backoff.reset()
            await self._pause(backoff.next_s())

    async def _live(self) -> None:
        """Run one connection, from opening it to closing it."""
        listener = self._make()
        try:
            await self._open(listener)
            if self._stopping.is_set():
                return
            self._health.up(self._part)
            self._books.up.set(1)
            for caveat in listener.caveats:
                self._log.warning(caveat.what, **caveat.facts)
            self._log.info("listening")
            await self._serve(listener)
        finally:
            self._books.up.set(0)
            self._books.note_lag(None)
            await listener.close()
            self._books.passed_over(*listener.passed_over.take())

    async def _open(self, listener: AnyListener) -> None:
        try:
            async with asyncio.timeout(OPEN_DEADLINE_S) as self._opening:
                await listener.open()
        except TimeoutError as error:
            if self._stopping.is_set():  # `stop` has ended the wait
                return
            raise ListenerUnavailable(f"not open within {OPEN_DEADLINE_S:g} s") from error
        finally:
            self._opening = None

    async def _serve(self, listener: AnyListener) -> None:
        """Run the lane and the watch beside it. The first trouble of either ends both."""
        trouble: list[ListenerUnavailable] = []
        async with asyncio.TaskGroup() as group:
            beside = [group.create_task(self._watch(listener, trouble), name="watch")]
            if listener.keep_every_s is not None:
                keep = self._keep(listener, listener.keep_every_s)
                beside.append(group.create_task(keep, name="keep"))
            try:
                await self._lane.run(listener, self._halt)
            except ListenerFlooded as error:
                # This error comes before any trouble that the watch has found, because a flooded
                # listener must not get a new connection.
                trouble.insert(0, error)
            except ListenerUnavailable as error:
                trouble.append(error)
            await end_tasks(beside)
        if trouble:
            raise trouble[0]

    async def _watch(self, listener: AnyListener, trouble: list[ListenerUnavailable]) -> None:
        """Ask the source from time to time. On trouble, close the connection that the lane uses."""
        while not trouble:
            await asyncio.sleep(self._watch_every_s)
            try:
                await self._inspect(listener)
            except ListenerUnavailable as error:
                trouble.append(error)
                self._health.down(self._part, str(error))
                self._books.up.set(0)
                self._halt.set()
                # The connection is closed before the lane is done. The lane may be holding
                # deliveries for a sink that is away, and these have to go back to the source.
                await listener.close()

    async def _inspect(self, listener: AnyListener) -> None:
        held_s = self._lane.oldest_s()
        if listener.max_hold_s is not None and held_s > listener.max_hold_s:
            raise ListenerUnavailable(
                f"held for {held_s:.0f} s, and the source takes it back by force soon: letting go",
                reason="held_too_long",
            )
        idle_s = self._lane.idle_s()
        try:
            waiting = await listener.backlog()
        except ListenerUnavailable:
            if idle_s < self._watch_every_s:
                return  # something arrived lately or is in flight: the source may only be busy
            raise
        self._books.note_lag(waiting)
        self._books.passed_over(*listener.passed_over.take())
        self._note(listener.complaint)
        if (
            waiting
            and listener.withheld is None
            and self._lane.idle_s() > listener.settings.stall_after_s
        ):
            raise ListenerUnavailable(
                f"{waiting} messages wait at the source, and none arrived for {idle_s:.0f} s",
                reason="stalled",
            )

    def _note(self, complaint: str) -> None:
        """Report that a listener works only in part, or that it works again."""
        self._books.up.set(0 if complaint else 1)
        if not complaint:
            self._health.up(self._part)
            return
        if self._health.why_down(self._part) != complaint:
            self._log.error("listener works only in part", why=complaint)
        self._health.down(self._part, complaint)

    async def _keep(self, listener: AnyListener, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            held = self._lane.held()
            if not held:
                continue
            try:
                await listener.keep(held)
            except ListenerUnavailable as error:
                # `receive` raises for the same loss, and that is reported.
                self._log.debug("keeping failed", why=str(error))

    def _report(self, error: ListenerUnavailable) -> None:
        self._books.restarted(error.reason)
        self._health.down(self._part, str(error))
        self._log.warning("listener lost", reason=error.reason, why=str(error))

    def _report_flood(self, error: ListenerFlooded) -> None:
        self._books.restarted(error.reason)
        self._health.down(self._part, str(error))
        last = error.last.reason.value if error.last else None
        self._log.error("listener stopped itself", why=error.what, last=last)

    async def _pause(self, pause_s: float) -> None:
        """Wait before the next connection, or until told to stop."""
        if self._stopping.is_set():
            return
        try:
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
        except TimeoutError:
            return
