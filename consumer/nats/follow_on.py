"""Follows a sink for ever: over one connection after the other, without a gap and without a repeat.

Responsible for going on after a loss, and for hearing core NATS where nothing is kept. Not for how
a stream is read: `follow.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Protocol

from consumer.errors import Unavailable
from consumer.nats.connection import connected
from consumer.nats.follow import HELD_COUNT, LOOK_EVERY_S, Start, explained, refuse_closed
from consumer.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from consumer.nats.connection import NatsSettings

FLUSH_DEADLINE_S: Final = 5
LONGEST_PAUSE_S: Final = 2.0


class Reader(Protocol):
    """Messages over one connection, for ever; iterating raises `Unavailable` when it is lost."""

    sequence: int
    """Of the last message that was handed out, or of the one before the first."""

    def __aiter__(self) -> AsyncIterator[Msg]:
        """Yield one message after the other."""


class _CoreReader:
    """What passes on core NATS: nothing is kept, so what passes while we are away is gone."""

    def __init__(self, client: Client) -> None:
        self._client = client
        # A full queue makes nats-py wait, and then drop, in this process; the server never waits.
        self.passed: asyncio.Queue[Msg] = asyncio.Queue(HELD_COUNT)
        self.sequence = 0

    async def __aiter__(self) -> AsyncIterator[Msg]:
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    msg = await self.passed.get()
            except TimeoutError:
                refuse_closed(self._client)
                continue
            yield msg


@contextlib.asynccontextmanager
async def hearing(
    client: Client,
    start: Start,  # noqa: ARG001  # as `following`; core NATS keeps nothing to begin with
    *,
    subjects: Sequence[str],
) -> AsyncIterator[Reader]:
    """Hear subjects of core NATS for the time of the block."""
    reader = _CoreReader(client)
    with explained(", ".join(subjects)):
        for subject in subjects:
            await client.subscribe(subject, cb=reader.passed.put)
        await client.flush(FLUSH_DEADLINE_S)
    yield reader


async def follow(
    settings: NatsSettings,
    opened: Callable[[Client, Start], AbstractAsyncContextManager[Reader]],
    start: Start,
    tell: Callable[[str], None],
) -> AsyncGenerator[Msg]:
    """Read for ever; after a loss, go on behind the last message that was handed out.

    Args:
        settings: of the server.
        opened: makes a reader of a connection.
        start: where to begin.
        tell: hears once for each outage that we wait, and then that we go on.

    Raises:
        Unavailable: the server or the stream is not there at the beginning.
    """
    backoff = Backoff(first_s=0.2, longest_s=LONGEST_PAUSE_S)
    place = _Place(start, tell)
    while True:
        # Closed here and not by the garbage collector, so that the server's consumer is deleted.
        reading = contextlib.aclosing(_until_lost(settings, opened, place))
        async with place.kept(), reading as messages:
            async for msg in messages:
                backoff.reset()
                yield msg
        await asyncio.sleep(backoff.next_s())


class _Place:
    """How far `follow` has come, and what it has told."""

    def __init__(self, start: Start, tell: Callable[[str], None]) -> None:
        self.start = start
        self._tell = tell
        self._begun = False
        self._told = False
        self._lost_count = 0

    def found(self) -> None:
        if self._told:
            self._tell("the sink is back: going on")
        self._begun, self._told, self._lost_count = True, False, 0

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Survive a loss, once it has begun."""
        try:
            yield
        except Unavailable as error:
            if not self._begun:
                raise
            self._lost_count += 1
            # Not at once: a reader that pauses, such as a pager, loses only its consumer.
            if self._lost_count > 1 and not self._told:
                self._tell(f"the sink is away: {error}; waiting")
                self._told = True


async def _until_lost(
    settings: NatsSettings,
    opened: Callable[[Client, Start], AbstractAsyncContextManager[Reader]],
    place: _Place,
) -> AsyncGenerator[Msg]:
    async with (
        connected(settings, name="consumer follow") as client,
        opened(client, place.start) as reader,
    ):
        place.found()
        # From here on by number: what is stored while we are away is not "now" any more.
        place.start = Start(sequence=reader.sequence + 1)
        async for msg in reader:
            place.start = Start(sequence=reader.sequence + 1)
            yield msg
