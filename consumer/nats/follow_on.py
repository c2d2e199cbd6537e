"""Follows a sink for ever, over one connection after the other, without a gap and without a repeat.

Responsible for going on after a loss, and for hearing core NATS, where nothing is kept. Not
responsible for how a stream is read: `follow.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Protocol

import nats.errors

from consumer.errors import SinkUnavailable, Unavailable
from consumer.nats.connection import connected
from consumer.nats.follow import HELD_COUNT, LOOK_EVERY_S, StreamStart, refuse_closed
from consumer.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from consumer.nats.connection import NatsSettings

FLUSH_DEADLINE_S: Final = 5
LONGEST_PAUSE_S: Final = 2.0


class Follower(Protocol):
    """Messages over one connection, for ever. Iterating raises `Unavailable` when it is lost."""

    sequence: int
    """The number of the last message that was yielded, or of the message before the first."""

    def __aiter__(self) -> AsyncIterator[Msg]:
        """Yield one message after the other."""


class _CoreFollower:
    """What passes on core NATS. Nothing is kept, so what passes while we are away is gone."""

    def __init__(self, client: Client) -> None:
        self._client = client
        # If this queue is full, nats-py waits, and then drops messages in this process. The
        # server never waits for us.
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
    start: StreamStart,  # noqa: ARG001  # as `following`; core NATS keeps nothing to begin with
    *,
    subjects: Sequence[str],
) -> AsyncIterator[Follower]:
    """Hear subjects of core NATS for the time of the block.

    Raises:
        SinkUnavailable: The connection is gone, or there was no answer.
    """
    follower = _CoreFollower(client)
    try:
        for subject in subjects:
            await client.subscribe(subject, cb=follower.passed.put)
        await client.flush(FLUSH_DEADLINE_S)
    except (nats.errors.Error, OSError) as error:
        raise SinkUnavailable(f"cannot subscribe to {', '.join(subjects)}: {error}") from error
    yield follower


async def follow(
    settings: NatsSettings,
    opened: Callable[[Client, StreamStart], AbstractAsyncContextManager[Follower]],
    start: StreamStart,
    tell: Callable[[str], None],
) -> AsyncGenerator[Msg]:
    """Read for ever. After a loss, go on behind the last message that was yielded.

    Args:
        settings: How to reach the server.
        opened: Begins to read over a connection: `following` or `hearing`.
        start: Where to begin.
        tell: Called once for each outage with the text that we wait, and then that we go on.

    Raises:
        Unavailable: The server or the stream is not there at the beginning.
    """
    backoff = Backoff(first_s=0.2, longest_s=LONGEST_PAUSE_S)
    progress = _Progress(start, tell)
    while True:
        # Closed here and not by the garbage collector, so that the server's consumer is deleted.
        reading = contextlib.aclosing(_until_lost(settings, opened, progress))
        async with progress.kept(), reading as messages:
            async for msg in messages:
                backoff.reset()
                yield msg
        await asyncio.sleep(backoff.next_s())


class _Progress:
    """How far `follow` has come, and what it has told.

    Attributes:
        next: Where the next connection begins to read.
    """

    def __init__(self, start: StreamStart, tell: Callable[[str], None]) -> None:
        self.next = start
        self._tell = tell
        self._begun = False
        self._told = False
        self._lost_count = 0

    def found(self) -> None:
        """Note that the stream can be read, and tell it after an outage."""
        if self._told:
            self._tell("the sink is back: going on")
        self._begun, self._told, self._lost_count = True, False, 0

    def read(self, sequence: int) -> None:
        """Note how far the stream was read."""
        self.next = StreamStart(sequence=sequence + 1)

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Survive a loss, once the reading has begun."""
        try:
            yield
        except Unavailable as error:
            if not self._begun:
                raise
            self._lost_count += 1
            # Not told at the first loss: a reader that pauses, such as a pager, loses only its
            # consumer, and gets another one at once.
            if self._lost_count > 1 and not self._told:
                self._tell(f"the sink is away: {error}; waiting")
                self._told = True


async def _until_lost(
    settings: NatsSettings,
    opened: Callable[[Client, StreamStart], AbstractAsyncContextManager[Follower]],
    progress: _Progress,
) -> AsyncGenerator[Msg]:
    async with (
        connected(settings, name="consumer follow") as client,
        opened(client, progress.next) as follower,
    ):
        progress.found()
        # From here on by number: what is stored while we are away is not stored "from now on".
        progress.read(follower.sequence)
        async for msg in follower:
            progress.read(follower.sequence)
            yield msg
