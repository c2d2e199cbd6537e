"""Runs one listener: opens it, watches it, and after any trouble replaces it by a new one.

Responsible for reconnecting with growing pauses, for noticing a source that is connected but
silent, for letting go of what is held too long, for keeping a flooded listener closed for a while,
for the operator's pauses, and for telling log, metrics and `/readyz`. A failing listener never
touches another listener: each has its own supervisor and lane.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from consumer.cancel import end_tasks, raise_swallowed
from consumer.errors import ListenerFlooded, ListenerUnavailable
from consumer.operations.outage import Outage
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
FLOOD_PAUSE_S: Final = 60.0
FLOOD_PAUSE_MAX_S: Final = 900.0
"""A listener that has stopped itself is tried again after up to 60 s, and after longer pauses if it
stops itself again. Each try lets about 100 broken messages pass."""
FLOOD_OVER_AFTER_S: Final = 300.0

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
        self._name = name
        self._part = f"listener {name}"
        self._make = make
        self._lane = lane
        self._health = health
        self._books = books
        self._watch_every_s = watch_every_s
        self._stopping = asyncio.Event()
        self._halt = asyncio.Event()
        self._wake = asyncio.Event()
        self._paused = False
        self._opening: asyncio.Timeout | None = None
        self._outage = Outage()
        self._log = log.bind(listener=name)
        health.down(self._part, "not connected yet")

    def stop(self) -> None:
        """Take in nothing new. `run` returns once everything in flight is settled."""
        is_first = not self._stopping.is_set()
        self._stopping.set()
        self._halt.set()
        self._wake.set()
        if is_first:
            self._end_opening()

    def pause(self) -> None:
        """Take in nothing until `resume` or the end of the process. What is in flight is settled.

        The source keeps its messages meanwhile. A sender that waits for an answer gets 503. A
        listener that opens its connection, or waits before its next connection, rests at once.
        """
        if self._paused:
            return
        self._paused = True
        self._halt.set()
        self._wake.set()  # the wait after a flood lasts up to 15 min
        self._end_opening()

    def resume(self) -> None:
        """Take in deliveries again at once, after `pause` or after the listener stopped itself."""
        self._paused = False
        self._wake.set()

    def _end_opening(self) -> None:
        """End an `open` that is under way, by its deadline."""
        # A deadline that is over cannot be moved, but then `open` is about to end anyway.
        if self._opening is not None and not self._opening.expired():
            self._opening.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Run the listener until `stop`.

        Cancelling: closes the connection; what is in flight goes back to the source.
        """
        backoff = Backoff(first_s=0.2)
        flood_backoff = Backoff(first_s=FLOOD_PAUSE_S, longest_s=FLOOD_PAUSE_MAX_S)
        while not self._stopping.is_set():
            raise_swallowed()
            self._halt = asyncio.Event()
            self._wake.clear()
            if self._paused:
                await self._rest()
                continue
            started_s = asyncio.get_running_loop().time()
            try:
                await self._live()
            except ListenerFlooded as error:
                await self._wait_out(error, flood_backoff.next_s())
                continue
            except ListenerUnavailable as error:
                self._report(error)
            lived_s = asyncio.get_running_loop().time() - started_s
            if lived_s > STEADY_AFTER_S:
                backoff.reset()
            if lived_s > FLOOD_OVER_AFTER_S:
                flood_backoff.reset()
            await self._wait(backoff.next_s())

    async def _rest(self) -> None:
        """Wait as long as the operator wants."""
        self._log.info("listener paused by an operator")
        self._health.up(self._part, "paused by an operator, until: consumer resume")
        self._books.paused.set(1)
        await self._wait(None)
        self._books.paused.set(0)
        self._health.down(self._part, "not connected yet")

    async def _wait_out(self, error: ListenerFlooded, pause_s: float) -> None:
        """Wait until the sender may be mended, and then count anew."""
        self._report_flood(error, pause_s)
        await self._wait(pause_s)
        self._lane.forget_flood()

    async def _live(self) -> None:
        """Run one connection, from opening it to closing it."""
        listener = self._make()
        try:
            await self._open(listener)
            if self._halt.is_set():  # by `stop` or `pause`, also if `resume` came after it
                return
            self._health.up(self._part)
            self._books.up.set(1)
            for caveat in listener.caveats:
                self._log.warning(caveat.what, **caveat.facts)
            self._outage.over()
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
            if self._halt.is_set():  # `stop` or `pause` has ended the wait
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
            raise_swallowed()
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
            raise_swallowed()
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
        self._outage.report(self._log, "listener lost", error, reason=error.reason)

    def _report_flood(self, error: ListenerFlooded, pause_s: float) -> None:
        self._books.restarted(error.reason)
        again = f"it tries again in {pause_s:.0f} s, or now with: consumer resume {self._name}"
        self._health.down(self._part, f"{error}; {again}")
        last = error.last.reason.value if error.last else None
        self._log.error(
            "listener stopped itself", why=error.what, last=last, again_in_s=round(pause_s)
        )

    async def _wait(self, pause_s: float | None) -> None:
        """Wait before the next connection, or until told to stop or to resume. None: no limit."""
        if self._stopping.is_set():
            return
        try:
            async with asyncio.timeout(pause_s):
                await self._wake.wait()
        except TimeoutError:
            return
