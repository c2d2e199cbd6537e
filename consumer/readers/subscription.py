"""Sends one reader the events that it asked for: first those from before, then the live ones.

    hold the feed ─► catch up from the stream ─► the newest events of the feed ─► live
                     (in rounds, a few readers     (in the feed's memory)
                     at a time)

The events from before join the live ones without a gap and without a repeat. A catch-up knows up to
which sequence number it has sent everything. It ends as soon as the feed has everything behind that
number. Then the rest comes out of the feed's memory, and the subscription joins the live part
without an `await` in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final, Protocol

from consumer.nats.follow import StreamStart, following
from consumer.readers.cursor import Cursor, CursorExpired, state_of
from consumer.readers.feed import YIELD_BYTES, YIELD_COUNT, tail_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from nats.aio.msg import Msg

    from consumer.nats.follow import StreamFollower
    from consumer.readers.connection import ReadersConnection
    from consumer.readers.feed import Feed
    from consumer.readers.pace import Pace
    from consumer.readers.place import Place, ReadEvent
    from consumer.readers.selection import Selection
    from consumer.readers.slots import Slots

ROUND_COUNT: Final = 5000
ROUND_S: Final = 5.0
"""A round reads so many messages, or for so long, in seconds. Then others get their turn."""


class Receiver(Protocol):
    """Who gets what a subscription sends."""

    def subscribed(self, subscription: Subscription, *, caught_up: bool) -> None:
        """Tell that the subscription has begun, at its cursor."""

    def event(self, subscription: Subscription, event: ReadEvent, tail: bytes) -> None:
        """Send an event."""

    def caught_up(self, subscription: Subscription) -> None:
        """Tell that the live part begins."""

    def expired(self, subscription: Subscription, error: CursorExpired) -> None:
        """Tell that the subscription ends, because events are missing."""

    async def room(self) -> None:
        """Wait until the reader has read most of what was sent, or let it go."""


class Source:
    """Where the events of one environment come from.

    Args:
        connection: The connection.
        place: Where the events are.
        feed: The newest events.
        slots: Limits how many readers catch up at the same time.
        looks: Lets one reader after the other look through the newest events. Each then pauses for
            as long as it has looked, so that clients who subscribe all the time leave half of the
            time to ingest.
        pace: The pauses of all that reads the past.
    """

    def __init__(
        self,
        connection: ReadersConnection,
        place: Place,
        feed: Feed,
        slots: Slots,
        looks: Slots,
        pace: Pace,
    ) -> None:
        self.connection = connection
        self.place = place
        self.feed = feed
        self.slots = slots
        self.looks = looks
        self.pace = pace


class Subscription:
    """The events that one reader asked for.

    Args:
        name: The id that the reader has chosen.
        selection: The events.
        source: Where they come from.
        receiver: Who gets them.
        holder: Who uses the slot for catching up: the key's id.

    Attributes:
        name, selection: See above.
        cursor: The cursor behind everything that was sent, or was read and is not wanted; before
            that, where it shall begin. Its epoch is 0 before that is known.
        is_live: True if the feed pushes to it.
    """

    def __init__(
        self, name: str, selection: Selection, source: Source, receiver: Receiver, holder: str
    ) -> None:
        self.name = name
        self.selection = selection
        self.cursor = Cursor(0, 0)
        self.is_live = False
        self._source = source
        self._feed = source.feed
        self._receiver = receiver
        self._holder = holder
        self._begins_now = False
        self._held = False
        self._announced = False

    @property
    def behind(self) -> Cursor | None:
        """The cursor with which its reader may come back, and misses nothing.

        None if nothing can be missing yet, because it has not begun with what is stored from now
        on. The epoch is 0 if it has not begun with what is stored from a time on.
        """
        pushed = self._feed.pushed
        if self.is_live and pushed.epoch_us == self.cursor.epoch_us:
            return max(self.cursor, pushed, key=lambda one: one.sequence)
        return None if self._begins_now else self.cursor

    async def run(self, start: Cursor | float | None) -> None:
        """Send everything from a start on, until the subscription is live. Then return.

        Args:
            start: The cursor behind which it begins, or a time in seconds since 1970. None means
                that it begins with the events that are stored from now on.

        Raises:
            SinkUnavailable: The server does not answer.

        Cancelling: the subscription ends. `end` has to be called then too.
        """
        feed = self._feed
        self.cursor = start if isinstance(start, Cursor) else Cursor(0, 0)
        self._begins_now = start is None
        await feed.hold(self.selection)
        self._held = True
        try:
            if start is None:
                self.cursor = feed.cursor
                self._begins_now = False
                self._receiver.subscribed(self, caught_up=True)
                self._join()
                return
            if isinstance(start, Cursor) and self._is_near(start):
                self._announce()
            else:
                await self._catch_up(start)
            await self._join_behind()
        except CursorExpired as error:
            self.expire(error)

    def end(self) -> None:
        """Send nothing more."""
        self._feed.leave(self)
        self.is_live = False
        if self._held:
            self._held = False
            self._feed.release(self.selection)

    def push(self, event: ReadEvent, tail: bytes) -> None:
        """See `Live.push`."""
        if event.sequence <= self.cursor.sequence:
            return  # it was sent while catching up
        user = self.selection.user
        if user is None or user == event.user:
            self.cursor = Cursor(self._feed.epoch_us, event.sequence)
            self._receiver.event(self, event, tail)

    def expire(self, error: CursorExpired) -> None:
        """See `Live.expire`."""
        self.end()
        self._receiver.expired(self, error)

    def _is_near(self, start: Cursor) -> bool:
        """Tell whether the feed has everything behind a cursor of the reader."""
        feed = self._feed
        return start.sequence <= feed.position and feed.covers(self.selection, start)

    def _announce(self) -> None:
        if not self._announced:
            self._announced = True
            self._receiver.subscribed(self, caught_up=False)

    def _join(self) -> None:
        self.is_live = True
        self._feed.join(self)

    async def _join_behind(self) -> None:
        """Send what the feed has behind the cursor, and join it."""
        has_joined = False  # the feed may end the subscription soon after it has joined
        while not has_joined:
            if not self._feed.covers(self.selection, self.cursor):
                await self._catch_up(self.cursor)
            async with self._source.looks.turn(self._holder):
                began_s = time.perf_counter()
                has_joined = self._send_newest()
                await asyncio.sleep(time.perf_counter() - began_s)
            await self._receiver.room()

    def _send_newest(self) -> bool:
        """Send some of what the feed has behind the cursor.

        Return true if that was the last of it, and the subscription has joined the feed.
        """
        feed = self._feed
        if not feed.covers(self.selection, self.cursor):  # it forgot some during the wait
            return False
        newer = feed.since(self.selection, self.cursor.sequence)
        sent_count = sent_bytes = 0
        for event in newer[:YIELD_COUNT]:
            self._send(event, feed.epoch_us)
            sent_count += 1
            sent_bytes += len(event.body)
            if sent_bytes >= YIELD_BYTES:
                break
        if sent_count < len(newer):
            return False
        self._join()
        self._receiver.caught_up(self)
        return True

    def _send(self, event: ReadEvent, epoch_us: int) -> None:
        self.cursor = Cursor(epoch_us, event.sequence)
        self._receiver.event(self, event, tail_of(event, epoch_us))

    async def _catch_up(self, start: Cursor | float) -> None:
        """Send events of the stream until the feed has everything behind the cursor.

        Raises:
            CursorExpired: Events behind the cursor are gone.
            SinkUnavailable: The server does not answer.
        """
        is_done = False
        while not is_done:
            async with self._source.slots.turn(self._holder):
                is_done = await self._read_round(start)
            start = self.cursor

    async def _read_round(self, start: Cursor | float) -> bool:
        """Send some events of the stream. Return true if the catch-up is over.

        That is so if the feed has everything behind the cursor, or the stream has nothing more.
        """
        client = self._source.connection.client
        stream = self._source.place.stream
        state = await state_of(client, stream)
        if isinstance(start, Cursor):
            state.check(start)
            self.cursor = start
            begin = StreamStart(sequence=start.sequence + 1)
        else:
            self.cursor = Cursor(state.epoch_us, state.first_number - 1)
            begin = StreamStart(time_s=start)
        subjects = self._source.place.on_wire(self.selection.subjects)
        until_s = asyncio.get_running_loop().time() + ROUND_S
        count = 0
        async with (
            self._source.pace.page() as page_pace,
            following(client, begin, stream=stream, subjects=subjects) as follower,
            contextlib.aclosing(_chunks(follower)) as chunks,
        ):
            if not isinstance(start, Cursor):  # the server has found the place of the time
                self.cursor = Cursor(state.epoch_us, max(self.cursor.sequence, follower.sequence))
            self._announce()
            async for chunk in chunks:
                is_first_of_time = not count and not isinstance(start, Cursor)
                await self._send_chunk(chunk, follower.sequence, whole=not is_first_of_time)
                if self._feed.covers(self.selection, self.cursor):
                    return True
                count += len(chunk)
                if count >= ROUND_COUNT or asyncio.get_running_loop().time() > until_s:
                    return False
                await page_pace.give_way()
        # Everything was read that the stream had when the consumer was made. It may have lost
        # events just before.
        if isinstance(start, Cursor):
            (await state_of(client, stream)).check(self.cursor)
        self.cursor = Cursor(state.epoch_us, max(state.last_number, self.cursor.sequence))
        return True

    async def _send_chunk(self, chunk: list[Msg], sequence: int, *, whole: bool) -> None:
        """Send the events of messages that were read one after the other.

        If the stream deletes its oldest messages faster than a reader reads, the server silently
        goes on with the first message that is left. So before anything is sent, the stream is asked
        whether it still has the message behind the cursor. If so, no message of the chunk can be
        missing.

        Args:
            chunk: The messages.
            sequence: The sequence number of the last message.
            whole: If true, this check is made. False for the first chunk since a time: the reader
                gets the events that are left.

        Raises:
            CursorExpired: Events may be missing.
        """
        if whole:
            state = await state_of(self._source.connection.client, self._source.place.stream)
            state.check(self.cursor)
        epoch_us = self.cursor.epoch_us
        sent_bytes = 0
        for message in chunk:
            event = self._source.place.read(message)
            if event is not None and self.selection.wants(event):
                self._send(event, epoch_us)
                sent_bytes += len(event.body)
                if sent_bytes >= YIELD_BYTES:
                    sent_bytes = 0
                    await self._receiver.room()
        self.cursor = Cursor(epoch_us, sequence)
        await self._receiver.room()


async def _chunks(follower: StreamFollower) -> AsyncGenerator[list[Msg]]:
    """Yield the messages that a stream holds, some at a time.

    The follower's `sequence` is that of the last message that was yielded.
    """
    chunk: list[Msg] = []
    async with contextlib.aclosing(follower.stored()) as messages:
        async for message in messages:
            chunk.append(message)
            if len(chunk) == YIELD_COUNT:
                yield chunk
                chunk = []
    if chunk:
        yield chunk
