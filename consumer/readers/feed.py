"""Reads new events once for all live readers, and keeps the newest events for readers that join.

    stream ─► reading ─► a short queue ─► pushing ─► every subscription that wants the event
                      └─► the newest events (`_newest`)

A feed reads only the families of subjects that somebody follows. Without readers, it reads nothing.
If the families change, it begins to read again with the new families, behind the last event that it
has pushed. So no event is missed, and no event comes twice.

Not responsible for events from before a reader came (`subscription.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from consumer.cancel import end_tasks, raise_swallowed
from consumer.errors import SinkUnavailable
from consumer.events.registry import subjects
from consumer.nats.follow import StreamStart, following
from consumer.readers.cursor import Cursor, CursorExpired, StreamState, state_of
from consumer.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from nats.aio.client import Client

    from consumer.nats.follow import StreamFollower
    from consumer.readers.connection import ReadersConnection
    from consumer.readers.place import Place, ReadEvent
    from consumer.readers.selection import Selection

NEWEST_COUNT: Final = 10_000
NEWEST_BYTES: Final = 16 * 1024 * 1024
"""The largest number of events that are kept, and the largest size of their bodies in bytes."""
QUEUE_COUNT: Final = 1000
PUSH_COUNT: Final = 10
"""After so many pushes, other tasks get a turn. With 1,000 readers and 100 pushes in a row, a post
took 9 ms instead of 3, and with 10 pushes it takes 4 (`bench/stream_readers.py`)."""
PAUSE_S: Final = 0.004
"""A feed waits so long before it pushes an event, in seconds. Meanwhile the sender of the event
gets its answer. Otherwise the answer would wait behind the pushes of the event to all readers."""
YIELD_COUNT: Final = 100
"""A subscription sends so many events of the past before other tasks get a turn."""
YIELD_BYTES: Final = 64 * 1024
"""Also after so many bytes for one reader. The system takes nothing of them before, so a reader of
large events would count as slow."""
IDLE_S: Final = 5.0
"""A feed that nobody follows any more goes on reading for so long, in seconds. Readers often come
back at once."""
MOVE_EVERY_S: Final = 5.0
"""How often a feed looks whether the stream has new events that nobody wants, in seconds. Then it
moves its position behind them. So the cursor of a reader of rare events does not expire."""

log = structlog.get_logger()


class Live(Protocol):
    """A subscription that has caught up.

    Attributes:
        selection: The events that it wants.
    """

    @property
    def selection(self) -> Selection:
        """See the class."""

    def push(self, event: ReadEvent, tail: bytes) -> None:
        """Send an event.

        Args:
            event: The event.
            tail: The end of the message, which is the same for all readers: see `tail_of`.
        """

    def expire(self, error: CursorExpired) -> None:
        """Tell the reader that events are missing behind its last event, and end."""


def tail_of(event: ReadEvent, epoch_us: int) -> bytes:
    """Return the part of an event's message that is the same for all readers."""
    cursor = Cursor(epoch_us, event.sequence)
    return b'"cursor":"%b","subject":"%b","event":%b}' % (
        str(cursor).encode(),
        event.subject.encode(),
        event.body,
    )


def families_of(wanted: Iterable[str]) -> frozenset[str]:
    """Return the first tokens of subjects."""
    return frozenset(subject.partition(".")[0] for subject in wanted)


class Feed:
    """The newest events of one environment.

    Args:
        connection: The connection.
        place: Where the events are.

    Attributes:
        epoch_us: The epoch of the stream: see `Cursor`. 0 before anything was read.
        position: The sequence number up to which everything was taken that somebody follows. The
            last of it may still be on its way to some of the subscriptions.
        pushed_position: The sequence number up to which all subscriptions have everything.
    """

    def __init__(self, connection: ReadersConnection, place: Place) -> None:
        self._connection = connection
        self._place = place
        self._families: Counter[str] = Counter()
        """How many subscriptions want each family."""
        self._reading: frozenset[str] = frozenset()
        """The families that are read now, or were read until an outage."""
        self._covered: dict[str, int] = {}
        """For each of them: `_newest` has all events of the family behind this sequence number."""
        self._changed = asyncio.Event()
        self._began = asyncio.Event()
        self._newest: deque[ReadEvent] = deque()
        self._newest_bytes = 0
        self._queue: asyncio.Queue[ReadEvent] = asyncio.Queue(QUEUE_COUNT)
        self._unyielded_count = 0
        self._unyielded_bytes = 0
        self._lives: dict[tuple[str, str], dict[Live, None]] = {}
        self.epoch_us = 0
        self.position = 0
        self.pushed_position = 0

    @property
    def cursor(self) -> Cursor:
        """The cursor behind everything that was taken."""
        return Cursor(self.epoch_us, self.position)

    @property
    def pushed(self) -> Cursor:
        """The cursor behind everything that all subscriptions have."""
        return Cursor(self.epoch_us, self.pushed_position)

    async def run(self) -> None:
        """Read and push for as long as somebody follows. Runs until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._push_all(), name="push events")
            group.create_task(self._read_all(), name="read events")

    async def hold(self, selection: Selection) -> None:
        """Read the families of a selection until `release`. Return once the feed reads them.

        Waits for the server as long as it takes. Cancelling: the families are released.
        """
        families = families_of(selection.subjects)
        self._families.update(families)
        try:
            while not families <= self._reading:
                self._began.clear()
                self._changed.set()
                await self._began.wait()
        except asyncio.CancelledError:
            self.release(selection)
            raise

    def release(self, selection: Selection) -> None:
        """Stop reading the families of a selection, unless somebody else wants them."""
        self._families.subtract(families_of(selection.subjects))
        self._families = +self._families
        self._changed.set()

    def covers(self, selection: Selection, cursor: Cursor) -> bool:
        """Tell whether `since` returns every pushed event of a selection behind a cursor."""
        return cursor.epoch_us == self.epoch_us and all(
            self._covered.get(family, cursor.sequence + 1) <= cursor.sequence
            for family in families_of(selection.subjects)
        )

    def since(self, selection: Selection, sequence: int) -> list[ReadEvent]:
        """Return the newest events of a selection behind a sequence number, in order."""
        behind: list[ReadEvent] = []
        for event in reversed(self._newest):
            if event.sequence <= sequence:
                break
            if selection.wants(event):
                behind.append(event)
        behind.reverse()
        return behind

    def join(self, live: Live) -> None:
        """Push every event from now on to a subscription."""
        for subject in live.selection.subjects:
            self._lives.setdefault((live.selection.brand, subject), {})[live] = None

    def leave(self, live: Live) -> None:
        """Push nothing more to a subscription."""
        for subject in live.selection.subjects:
            at = (live.selection.brand, subject)
            there = self._lives.get(at)
            if there is not None:
                there.pop(live, None)
                if not there:
                    del self._lives[at]

    def lives(self) -> set[Live]:
        """Return all subscriptions to which events are pushed."""
        return {live for there in self._lives.values() for live in there}

    async def _read_all(self) -> None:
        backoff = Backoff(first_s=0.2, longest_s=2.0)
        told = False
        while True:
            raise_swallowed()
            if not self._families:
                self._reading = frozenset()
                self._changed.clear()
                await self._changed.wait()
                continue
            try:
                await self._read(frozenset(self._families), backoff)
                told = False
            except SinkUnavailable as error:
                if not told:
                    log.warning("events are not read", stream=self._place.stream, why=str(error))
                told = True
                await asyncio.sleep(backoff.next_s())

    async def _read(self, families: frozenset[str], backoff: Backoff) -> None:
        """Read these families until the wanted families change.

        Raises:
            SinkUnavailable: The connection or the stream is gone.
        """
        client = self._connection.client
        stream = self._place.stream
        state = await state_of(client, stream)
        await self._queue.join()  # so `position` is behind everything that was read
        self._resume(state)
        wanted = [name for name in subjects() if name.partition(".")[0] in families]
        start = StreamStart(sequence=self.position + 1)
        on_wire = self._place.on_wire(wanted)
        async with following(client, start, stream=stream, subjects=on_wire) as follower:
            backoff.reset()
            self._covered = {
                family: self._covered.get(family, self.position) for family in families
            }
            self._reading = families
            self._began.set()
            await self._until_first(
                self._until_changed(families),
                self._follow(follower),
                self._keep_moving(client, follower),
            )

    async def _until_first(self, *works: Coroutine[None, None, None]) -> None:
        """Do works at the same time until the first of them ends, and end the others.

        Raises:
            SinkUnavailable: The first work ended with this error.
        """
        ended: asyncio.Future[SinkUnavailable | None] = asyncio.get_running_loop().create_future()

        async def do(work: Coroutine[None, None, None]) -> None:
            failure = None
            try:
                await work
            except SinkUnavailable as error:
                failure = error
            if not ended.done():
                ended.set_result(failure)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(do(work)) for work in works]
            failure = await ended
            await end_tasks(tasks)
        if failure is not None:
            raise failure

    def _resume(self, state: StreamState) -> None:
        """Go on behind the last event that was pushed, or begin at the end of the stream."""
        if self._reading:
            try:
                state.check(self.cursor)
            except CursorExpired as error:
                log.warning("events are missing", stream=self._place.stream, why=str(error))
                for live in self.lives():
                    live.expire(error)
            else:
                return
        self.epoch_us = state.epoch_us
        self.position = self.pushed_position = state.last_number
        self._newest.clear()
        self._newest_bytes = 0
        self._covered = {}
        self._reading = frozenset()

    async def _until_changed(self, families: frozenset[str]) -> None:
        """Wait until another family is wanted, or some are not wanted any more for `IDLE_S`."""
        loop = asyncio.get_running_loop()
        before, until_s = families, 0.0
        while True:
            self._changed.clear()
            wanted = frozenset(self._families)
            if not wanted <= families:
                return
            if wanted != before:
                before, until_s = wanted, loop.time() + IDLE_S
            if wanted == families:
                await self._changed.wait()
                continue
            if loop.time() >= until_s:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until_s):
                    await self._changed.wait()

    async def _follow(self, follower: StreamFollower) -> None:
        async for message in follower:
            event = self._place.read(message)
            if event is not None:
                await self._queue.put(event)
                # Now, not when it is pushed: a reader that comes back gets it from the newest
                # events, before it is told that it has caught up.
                self.position = event.sequence
                self._keep(event)

    async def _keep_moving(self, client: Client, follower: StreamFollower) -> None:
        """Move the position behind events that nobody wants."""
        while True:
            raise_swallowed()
            await asyncio.sleep(MOVE_EVERY_S)
            state = await state_of(client, self._place.stream)
            if state.epoch_us != self.epoch_us:
                raise SinkUnavailable("the stream was deleted and created again")
            if await follower.has_read_all():
                await self._queue.join()
                self.position = self.pushed_position = max(self.position, state.last_number)

    async def _push_all(self) -> None:
        while True:
            event = await self._queue.get()
            await asyncio.sleep(PAUSE_S)
            await self._push_next(event)
            while not self._queue.empty():
                await self._push_next(self._queue.get_nowait())

    async def _push_next(self, event: ReadEvent) -> None:
        await self._push(event)
        self.pushed_position = event.sequence
        self._queue.task_done()

    async def _push(self, event: ReadEvent) -> None:
        lives = self._lives.get((event.brand, event.subject))
        if not lives:
            return
        tail = tail_of(event, self.epoch_us)
        for live in list(lives):
            # A subscription that joins meanwhile gets this event from `since`.
            if live in lives:
                live.push(event, tail)
                self._unyielded_count += 1
                if self._unyielded_count >= PUSH_COUNT:
                    await self._yield()
        self._unyielded_bytes += len(event.body)
        if self._unyielded_bytes >= YIELD_BYTES:
            await self._yield()

    async def _yield(self) -> None:
        self._unyielded_count = self._unyielded_bytes = 0
        await asyncio.sleep(0)

    def _keep(self, event: ReadEvent) -> None:
        """Keep an event for readers that join, and forget the oldest events."""
        self._newest.append(event)
        self._newest_bytes += len(event.body)
        while len(self._newest) > NEWEST_COUNT or self._newest_bytes > NEWEST_BYTES:
            oldest = self._newest.popleft()
            self._newest_bytes -= len(oldest.body)
            family = oldest.subject.partition(".")[0]
            if family in self._covered:
                self._covered[family] = max(self._covered[family], oldest.sequence)
