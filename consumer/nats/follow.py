"""Reads a stream, and goes on as it grows, without ever being in the daemon's way.

Responsible for a consumer of our own on one stream: it pulls, so that a slow reader costs the
server nothing; it acknowledges nothing; it lives in the server's memory, and the server forgets it
when we end without deleting it. Not for going on after a loss (`follow_on.py`), nor for what
messages mean.
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
from nats.js.errors import APIError, NotFoundError

from consumer.errors import SinkUnavailable, Unavailable
from consumer.nats.pull import Pull

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from nats.aio.client import Client
    from nats.aio.msg import Msg


HELD_COUNT: Final = 1000
HELD_BYTES: Final = 4 << 20
"""At most so much is asked for and not read yet."""
UNLIMITED: Final = -1
"""nats-py's own limits would drop what was asked for; `HELD_COUNT` bounds it already."""
FORGET_AFTER_S: Final = 30.0
LOOK_EVERY_S: Final = 1.0
"""So soon a lost connection is noticed."""
ANSWER_DEADLINE_S: Final = 5.0
GOODBYE_DEADLINE_S: Final = 1.0


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Where to begin; neither: with what is stored from now on.

    Attributes:
        sequence: with this one, or the first after it.
        time_s: with what was stored then or later, in seconds since 1970.
    """

    sequence: int | None = None
    time_s: float | None = None


FIRST: Final = Start(sequence=1)


class StreamReader:
    """What a stream holds from a start on; made by `following`.

    Attributes:
        sequence: of the last message that was handed out, or of the one before the first.
        waiting_count: how many messages the stream held when this began.
    """

    def __init__(self, client: Client, pull: Pull, sequence: int, waiting_count: int) -> None:
        self._client = client
        self._pull = pull
        self._held: deque[Msg] = deque()
        self._held_bytes = 0
        self._news = asyncio.Event()
        self._failure: Unavailable | None = None
        self.sequence = sequence
        self.waiting_count = waiting_count

    async def take(self, msg: Msg) -> None:
        """Take what the server sends: a message, or a status about the request."""
        if msg.reply:
            self._pull.arrived()
            self._held.append(msg)
            self._held_bytes += len(msg.data)
        else:
            self._failure = self._pull.status(msg) or self._failure
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[Msg]:
        """Yield one message after the other.

        Raises:
            SinkUnavailable: connection or consumer are gone.
        """
        while True:
            while self._held:
                msg = self._held.popleft()
                self._held_bytes -= len(msg.data)
                self.sequence = msg.metadata.sequence.stream
                yield msg
            await self._wait_for_more()

    async def stored(self) -> AsyncGenerator[Msg]:
        """Yield what the stream holds, and end with its last message.

        Raises:
            SinkUnavailable: as above.
        """
        if not self.waiting_count:
            return
        async for msg in self:
            yield msg
            if not msg.metadata.num_pending:
                return

    async def _wait_for_more(self) -> None:
        while not self._held:
            if self._failure is not None:
                raise SinkUnavailable(str(self._failure))
            refuse_closed(self._client)
            self._news.clear()
            await self._ask()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._news.wait()

    async def _ask(self) -> None:
        try:
            self._pull.check_silence()
            await self._pull.ask(len(self._held), self._held_bytes)
        except (nats.errors.Error, OSError, Unavailable) as error:
            raise SinkUnavailable(f"connection lost: {error}") from error


def refuse_closed(client: Client) -> None:
    """Notice a lost connection.

    Raises:
        SinkUnavailable: it is lost.
    """
    if client.is_closed:
        raise SinkUnavailable("connection lost")


@contextlib.asynccontextmanager
async def following(
    client: Client, start: Start, *, stream: str, subject: str = ">", headers_only: bool = False
) -> AsyncIterator[StreamReader]:
    """Read a stream for the time of the block. What is stored from here on is not missed.

    Args:
        client: the connection.
        start: where to begin.
        stream: its name.
        subject: only what is stored under it; wildcards allowed.
        headers_only: leave the bodies where they are.

    Raises:
        SinkUnavailable: no such stream, or no answer.
    """
    wanted = _consumer(start, subject, headers_only=headers_only)
    jetstream = client.jetstream(timeout=ANSWER_DEADLINE_S)
    with explained(stream):
        info = await jetstream.add_consumer(stream, wanted)
        inbox = client.new_inbox()
        requests = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{info.name}"
        pull = Pull(client, requests, inbox, max_count=HELD_COUNT, max_bytes=HELD_BYTES)
        before = info.delivered.stream_seq if info.delivered else 0
        reader = StreamReader(client, pull, before, info.num_pending or 0)
        subscription = await client.subscribe(
            f"{inbox}.*",
            cb=reader.take,
            pending_msgs_limit=UNLIMITED,
            pending_bytes_limit=UNLIMITED,
        )
    try:
        yield reader
    finally:
        if not client.is_closed:
            with contextlib.suppress(nats.errors.Error, TimeoutError, OSError):
                await subscription.unsubscribe()
                await client.jetstream(timeout=GOODBYE_DEADLINE_S).delete_consumer(
                    stream, info.name
                )


def _consumer(start: Start, subject: str, *, headers_only: bool) -> ConsumerConfig:
    config = ConsumerConfig(
        name=f"consumer-{secrets.token_hex(8)}",
        deliver_policy=DeliverPolicy.NEW,
        ack_policy=AckPolicy.NONE,
        filter_subject=subject,
        headers_only=headers_only or None,
        mem_storage=True,
        inactive_threshold=FORGET_AFTER_S,
    )
    if start.sequence is not None:
        config.deliver_policy = DeliverPolicy.BY_START_SEQUENCE
        config.opt_start_seq = start.sequence
    elif start.time_s is not None:
        config.deliver_policy = DeliverPolicy.BY_START_TIME
        config.opt_start_time = datetime.fromtimestamp(start.time_s, UTC)
    return config


@contextlib.contextmanager
def explained(stream: str) -> Iterator[None]:
    """Translate what can go wrong while something is opened.

    Raises:
        SinkUnavailable: with what to do.
    """
    try:
        yield
    except NotFoundError as error:
        raise SinkUnavailable(f"there is no stream {stream}: has the daemon ever run?") from error
    except APIError as error:
        raise SinkUnavailable(f"stream {stream}: {error.description}") from error
    except (TimeoutError, nats.errors.TimeoutError) as error:
        raise SinkUnavailable(
            f"no answer about stream {stream}: is JetStream on (-js), and may this user publish to "
            f"$JS.API.CONSUMER.CREATE.{stream}.>?"
        ) from error
    except (nats.errors.Error, OSError) as error:
        raise SinkUnavailable(f"stream {stream}: {error}") from error
