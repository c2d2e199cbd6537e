"""Follows a sink for ever, over one connection after the other.

A stream is read without a gap and without a repeat. Core NATS keeps nothing, so the messages of an
outage are missed there. Responsible for reading on after the connection or the consumer is lost,
and for subscribing to core NATS. Not responsible for how a stream is read (`follow.py`).
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
    """Yields messages over one connection, and raises `Unavailable` when the connection is lost."""

    sequence: int
    """The number of the last message that was yielded. At the beginning, the number of the message
    before the first message to read. Core NATS has no numbers, so there it is always 0."""

    def __aiter__(self) -> AsyncIterator[Msg]:
        """Yield one message after the other."""


class _CoreFollower:
    """Yields the messages that pass on core NATS while we are connected."""

    def __init__(self, client: Client) -> None:
        self._client = client
        # If this queue is full, nats-py keeps messages in its own queue. If that queue is full too,
        # it drops messages in this process. So a slow reader never makes the server wait.
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
    start: StreamStart,  # noqa: ARG001  # `following` needs it; core NATS stores nothing
    *,
    subjects: Sequence[str],
) -> AsyncIterator[Follower]:
    """Subscribe to subjects of core NATS for the time of the block.

    Raises:
        SinkUnavailable: The connection is gone, or the server did not answer.
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
    """Read for ever. After a loss, go on with the message after the last one that was yielded.

    Args:
        settings: The options of the connection.
        opened: A function that begins to read over a connection, such as `following` or `hearing`
            with the other arguments filled in.
        start: The place where reading begins.
        tell: A function that is called with a text for the user: when an outage makes us wait, and
            when we go on.

    Raises:
        Unavailable: At the beginning, the server or the stream is not there.
    """
    backoff = Backoff(first_s=0.2, longest_s=LONGEST_PAUSE_S)
    progress = _Progress(start, tell)
    while True:
        # The generator is closed here and not by the garbage collector, so that the server's
        # consumer is deleted.
        reading = contextlib.aclosing(_until_lost(settings, opened, progress))
        async with progress.kept(), reading as messages:
            async for msg in messages:
                backoff.reset()
                yield msg
        await asyncio.sleep(backoff.next_s())


class _Progress:
    """Remembers how far `follow` has read, and what it has told the user.

    Attributes:
        next: The place where the next connection begins to read.
    """

    def __init__(self, start: StreamStart, tell: Callable[[str], None]) -> None:
        self.next = start
        self._tell = tell
        self._begun = False
        self._told = False
        self._lost_count = 0

    def found(self) -> None:
        """Note that reading has begun, and tell the user if there was an outage."""
        if self._told:
            self._tell("the sink is back: going on")
        self._begun, self._told, self._lost_count = True, False, 0

    def read(self, sequence: int) -> None:
        """Note the number of the last message that was read."""
        self.next = StreamStart(sequence=sequence + 1)

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Suppress the error of a loss, if reading had begun before."""
        try:
            yield
        except Unavailable as error:
            if not self._begun:
                raise
            self._lost_count += 1
            # The first failure in a row is not told, because the next connection often reads at
            # once. For example, if a user stops reading for a while, such as in a pager, only the
            # consumer is lost.
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
        # The next connection begins by number. If it began "from now on", it would miss messages
        # that are stored during the outage.
        progress.read(follower.sequence)
        async for msg in follower:
            progress.read(follower.sequence)
            yield msg
