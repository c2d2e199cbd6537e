"""Reads events of the past, in pages."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.nats.follow import StreamStart, following
from consumer.readers.cursor import Cursor, state_of

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from consumer.nats.follow import StreamFollower
    from consumer.readers.pace import PagePace
    from consumer.readers.selection import Selection
    from consumer.readers.subscription import Source

LOOKED_MAX_COUNT: Final = 20_000
PAGE_S: Final = 1.0
"""A page looks at no more messages, and for no more seconds, than this. Without these limits, it
could read the whole stream: the subjects of the stream name neither a brand nor a player."""
PAGE_BYTES: Final = 4 * 1024 * 1024
"""The size of a page's events beyond which no further event is added, in bytes."""


class Page(msgspec.Struct):
    """Some events of the past.

    Attributes:
        events: The CloudEvents as JSON, in the order of the stream.
        cursor: The cursor behind everything that was looked at.
        more: True if the stream has more behind the cursor.
    """

    events: list[bytes]
    cursor: Cursor
    more: bool

    def as_json(self) -> bytes:
        """Write the page."""
        more = b"true" if self.more else b"false"
        return b'{"events":[%b],"cursor":"%b","more":%b}' % (
            b",".join(self.events),
            str(self.cursor).encode(),
            more,
        )


async def read_page(
    source: Source, selection: Selection, start: Cursor | float | None, limit_count: int
) -> Page:
    """Read the next events behind a start.

    Args:
        source: Where the events come from.
        selection: The events that are wanted.
        start: A cursor, or a time in seconds since 1970. None means the beginning of the stream.
        limit_count: The largest number of events.

    Raises:
        CursorExpired: Events behind the cursor are gone, or went while the page was read.
        SinkUnavailable: The server does not answer.
    """
    client, stream = source.connection.client, source.place.stream
    state = await state_of(client, stream)
    if isinstance(start, Cursor):
        state.check(start)
    begin = _begin_of(start)
    subjects = source.place.on_wire(selection.subjects)
    reading = _PageReader(source, selection, limit_count)
    async with (
        source.pace.page() as page_pace,
        following(client, begin, stream=stream, subjects=subjects) as follower,
    ):
        more = await reading.read(follower, page_pace)
    if isinstance(start, Cursor):
        (await state_of(client, stream)).check(start)
    sequence = follower.sequence if more else max(follower.sequence, state.last_number)
    return Page(reading.events, Cursor(state.epoch_us, sequence), more)


def _begin_of(start: Cursor | float | None) -> StreamStart:
    if isinstance(start, Cursor):
        return StreamStart(sequence=start.sequence + 1)
    return StreamStart(sequence=1) if start is None else StreamStart(time_s=start)


class _PageReader:
    """A page that is being read.

    Args:
        source: Where the events come from.
        selection: The events that are wanted.
        limit_count: The largest number of events.

    Attributes:
        events: The events that were found.
    """

    def __init__(self, source: Source, selection: Selection, limit_count: int) -> None:
        self.events: list[bytes] = []
        self._place = source.place
        self._selection = selection
        self._limit_count = limit_count
        self._looked_count = 0
        self._held_bytes = 0

    async def read(self, follower: StreamFollower, page_pace: PagePace) -> bool:
        """Read until the page is full. Return true if the stream has more."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAGE_S):
                return await self._fill(follower, page_pace)
        return True

    async def _fill(self, follower: StreamFollower, page_pace: PagePace) -> bool:
        async with contextlib.aclosing(follower.stored()) as messages:
            async for message in messages:
                self._look_at(message)
                if self._is_full:
                    return True
                await page_pace.give_way()
        return False

    def _look_at(self, message: Msg) -> None:
        self._looked_count += 1
        event = self._place.read(message)
        if event is not None and self._selection.wants(event):
            self.events.append(event.body)
            self._held_bytes += len(event.body)

    @property
    def _is_full(self) -> bool:
        return (
            len(self.events) >= self._limit_count
            or self._held_bytes >= PAGE_BYTES
            or self._looked_count >= LOOKED_MAX_COUNT
        )
