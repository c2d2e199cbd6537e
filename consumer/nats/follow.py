"""Reads a stream, and goes on while the stream grows. The daemon is not disturbed.

Responsible for a JetStream consumer of our own on one stream. The consumer sends only what is asked
for, so a slow reader is no load for the server. No message is acknowledged. The consumer is kept in
the server's memory, and the server deletes it if we end without deleting it. Not responsible for
going on after a loss (`follow_on.py`), nor for what the messages mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec
import nats.errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from consumer.errors import SinkUnavailable, Unavailable
from consumer.nats.explain import explained
from consumer.nats.pull import PullRequests

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence

    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription


HELD_COUNT: Final = 1000
HELD_BYTES: Final = 4 << 20
"""The largest number of messages, and the largest number of their bytes, that are asked for and not
read yet."""
FORGET_AFTER_S: Final = 30.0
"""The time without a request after which the server deletes our consumer, in seconds."""
LOOK_EVERY_S: Final = 1.0
"""The time within which a lost connection is noticed, in seconds."""
LATEST_S: Final = 9_000_000_000.0
"""The latest time at which reading may begin, in seconds since 1970: in the year 2255. The server
counts nanoseconds in 64 bits, and takes a later time for an earlier one."""
ANSWER_DEADLINE_S: Final = 5.0
GOODBYE_DEADLINE_S: Final = 1.0


class StreamStart(msgspec.Struct, frozen=True, kw_only=True):
    """The place in a stream where reading begins.

    Without both attributes, reading begins with the messages that are stored from now on.

    Attributes:
        sequence: The number of the first message to read. If this message is gone, reading begins
            with the next message.
        time_s: The time from which on stored messages are read, in seconds since 1970. It has no
            effect if `sequence` is given.
    """

    sequence: int | None = None
    time_s: float | None = None


FIRST: Final = StreamStart(sequence=1)


class StreamFollower:
    """The messages of a stream from a start on. `following` makes this object.

    Attributes:
        sequence: The number of the last message that was yielded. At the beginning, the number of
            the message before the first message to read.
        waiting_count: The number of messages to read that the stream held at the beginning.
    """

    def __init__(
        self, client: Client, requests: PullRequests, sequence: int, waiting_count: int
    ) -> None:
        self._client = client
        self._requests = requests
        self._taken_count = 0
        self._held: deque[Msg] = deque()
        self._held_bytes = 0
        self._news = asyncio.Event()
        self._failure: Unavailable | None = None
        self.sequence = sequence
        self.waiting_count = waiting_count

    async def on_message(self, msg: Msg) -> None:
        """Take what the server sends: a message, or a status of the request."""
        if msg.reply:
            self._requests.arrived()
            self._held.append(msg)
            self._held_bytes += len(msg.data)
        else:
            self._failure = self._requests.read_status(msg) or self._failure
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[Msg]:
        """Yield one message after the other, for ever.

        Raises:
            SinkUnavailable: The connection or the consumer is gone.
        """
        while True:
            while self._held:
                yield self._take()
            await self._wait_for_more()

    async def stored(self) -> AsyncGenerator[Msg]:
        """Yield the messages that the stream holds, and end with its last message.

        The last message may be deleted while the messages before it are read. So if no message
        comes for `LOOK_EVERY_S`, the server is asked whether the end is reached.

        Raises:
            SinkUnavailable: The connection or the consumer is gone.
        """
        if not self.waiting_count:
            return
        while True:
            while self._held:
                msg = self._take()
                yield msg
                if not msg.metadata.num_pending:
                    return
            if self._requests.is_at_end:
                return
            if not await self._wait_for_more():
                await self._sent(self._requests.ask_for_end())

    async def has_read_all(self) -> bool:
        """Ask the server whether every message was yielded that the stream holds now.

        Raises:
            SinkUnavailable: The connection or the consumer is gone, or there was no answer.
        """
        with explained(self._requests.stream, missing="was the consumer deleted?"):
            jetstream = self._client.jetstream(timeout=ANSWER_DEADLINE_S)
            info = await jetstream.consumer_info(self._requests.stream, self._requests.consumer)
        delivered = info.delivered.consumer_seq if info.delivered else 0
        return not info.num_pending and delivered == self._taken_count

    def _take(self) -> Msg:
        msg = self._held.popleft()
        self._held_bytes -= len(msg.data)
        self._taken_count += 1
        self.sequence = msg.metadata.sequence.stream
        return msg

    async def _wait_for_more(self) -> bool:
        """Wait for a message or a status; returns false if none comes within `LOOK_EVERY_S`."""
        if self._failure is not None:
            raise SinkUnavailable(str(self._failure))
        refuse_closed(self._client)
        self._news.clear()
        await self._sent(self._requests.ask(len(self._held), self._held_bytes))
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    async def _sent(self, sending: Awaitable[None]) -> None:
        """Await a request, and translate its errors."""
        try:
            await sending
            self._requests.check_silence()
        except (nats.errors.Error, OSError, Unavailable) as error:
            raise SinkUnavailable(f"connection lost: {error}") from error


def refuse_closed(client: Client) -> None:
    """Notice a lost connection.

    Raises:
        SinkUnavailable: The connection is lost.
    """
    if client.is_closed:
        raise SinkUnavailable("connection lost")


@contextlib.asynccontextmanager
async def following(
    client: Client,
    start: StreamStart,
    *,
    stream: str,
    subjects: Sequence[str] = (">",),
    headers_only: bool = False,
) -> AsyncIterator[StreamFollower]:
    """Read a stream for the time of the block. No message that is stored in this time is missed.

    Args:
        client: The connection.
        start: The place where reading begins.
        stream: The name of the stream.
        subjects: The subjects whose messages are read. They may have wildcards, and no two of them
            may match the same subject.
        headers_only: If true, the server sends messages without their bodies.

    Raises:
        SinkUnavailable: There is no such stream, or the server did not answer.
    """
    name = f"consumer-{secrets.token_hex(8)}"
    wanted = _ephemeral_consumer(name, start, subjects, headers_only=headers_only)
    jetstream = client.jetstream(timeout=ANSWER_DEADLINE_S)
    subscription: Subscription | None = None
    try:
        with explained(
            stream,
            missing="has the daemon ever run?",
            request=f"$JS.API.CONSUMER.CREATE.{stream}.>",
        ):
            info = await jetstream.add_consumer(stream, wanted)
            requests = PullRequests(
                client, stream, name, max_count=HELD_COUNT, max_bytes=HELD_BYTES
            )
            before = info.delivered.stream_seq if info.delivered else 0
            follower = StreamFollower(client, requests, before, info.num_pending or 0)
            subscription = await requests.subscribe(follower.on_message)
        yield follower
    finally:
        # The server may have created the consumer although we were cancelled before its answer.
        if not client.is_closed:
            await _leave(client, stream, name, subscription)


async def _leave(
    client: Client, stream: str, consumer: str, subscription: Subscription | None
) -> None:
    """Delete the consumer now. Without this, the server deletes it after `FORGET_AFTER_S`."""
    with contextlib.suppress(nats.errors.Error, TimeoutError, OSError):
        if subscription is not None:
            await subscription.unsubscribe()
        await client.jetstream(timeout=GOODBYE_DEADLINE_S).delete_consumer(stream, consumer)


def _ephemeral_consumer(
    name: str, start: StreamStart, subjects: Sequence[str], *, headers_only: bool
) -> ConsumerConfig:
    config = ConsumerConfig(
        name=name,
        deliver_policy=DeliverPolicy.NEW,
        ack_policy=AckPolicy.NONE,
        headers_only=headers_only or None,
        mem_storage=True,
        inactive_threshold=FORGET_AFTER_S,
    )
    if len(subjects) == 1:  # servers before 2.10 know only this option
        config.filter_subject = subjects[0]
    else:
        config.filter_subjects = list(subjects)
    if start.sequence is not None:
        config.deliver_policy = DeliverPolicy.BY_START_SEQUENCE
        config.opt_start_seq = start.sequence
    elif start.time_s is not None:
        config.deliver_policy = DeliverPolicy.BY_START_TIME
        config.opt_start_time = datetime.fromtimestamp(min(max(0.0, start.time_s), LATEST_S), UTC)
    return config
