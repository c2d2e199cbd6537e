"""Reads dead letters: the newest that fit a query, or one by its number.

Responsible for reading without holding more than the answer: headers only, the newest first in
ranges of sequence numbers, so that a stream of a million letters costs no more than one of a
thousand. Not for changing anything.
"""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
import nats.errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, BucketNotFoundError, NotFoundError, ObjectNotFoundError

from consumer.dead_letters.record import Letter, from_message
from consumer.errors import SinkUnavailable
from consumer.nats.connection import close, connect
from consumer.tools.replay.query import Query, StoredLetter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from consumer.dead_letters.stream import DeadLetterSettings
    from consumer.nats.connection import NatsSettings

FIRST_RANGE_COUNT: Final = 1000
RANGE_FACTOR: Final = 4
"""Each range is so much longer than the one after it: few questions, little read in vain."""
FETCH_COUNT: Final = 500
FETCH_TIMEOUT_S: Final = 5.0
REMOVE_TIMEOUT_S: Final = 30.0
IDLE_CONSUMER_S: Final = 30.0
"""The server forgets our consumer after this, should we end before we could delete it."""
SIZE_HEADER: Final = "Nats-Msg-Size"
"""Of the body, where only headers are sent: https://docs.nats.io/nats-concepts/jetstream/headers."""


class _Deleted(msgspec.Struct):
    """https://docs.nats.io/reference/reference-protocols/nats_api_reference."""

    error: dict[str, Any] | None = None


class Writable(Protocol):
    """Where a body goes."""

    def write(self, data: bytes, /) -> object:
        """Take a piece."""


def stored_letter(message: Msg) -> StoredLetter:
    """Read a letter from its headers, without its body.

    Raises:
        ValueError: this is not one of our letters.
    """
    headers = message.headers or {}
    letter = from_message(headers, b"")
    place = message.metadata
    # Where only headers were sent, the server says how large the body is.
    size_bytes = letter.body_bytes or int(headers.get(SIZE_HEADER) or len(message.data))
    return StoredLetter(place.sequence.stream, place.timestamp.timestamp(), size_bytes, letter)


class LetterReader:
    """Reads the stream of `[dead_letters]` over a connection that is open.

    Attributes:
        foreign_count: messages met that are none of our letters.
    """

    def __init__(self, client: Client, settings: DeadLetterSettings) -> None:
        self._client = client
        self._jetstream = client.jetstream()
        self._settings = settings
        self.foreign_count = 0

    async def newest(self, query: Query) -> list[StoredLetter]:
        """Return the newest letters of a query, the newest last.

        Raises:
            SinkUnavailable: no stream, or no answer.
        """
        with _explained(self._settings.stream):
            state = (await self._jetstream.stream_info(self._settings.stream)).state
            found: deque[StoredLetter] = deque()
            # An empty stream that never held a message begins at 0.
            first = max(state.first_seq, 1)
            end, length = state.last_seq + 1, FIRST_RANGE_COUNT
            while end > first and len(found) < query.limit_count:
                start = max(first, end - length)
                older, went_back_far_enough = await self._range(query, start, end)
                room = query.limit_count - len(found)
                found.extendleft(list(reversed(older))[:room])
                if went_back_far_enough:
                    break
                end, length = start, length * RANGE_FACTOR
        return list(found)

    async def last_number(self) -> int:
        """Return the number of the newest letter there was; 0: there was none.

        Raises:
            SinkUnavailable: no stream, or no answer.
        """
        with _explained(self._settings.stream):
            return (await self._jetstream.stream_info(self._settings.stream)).state.last_seq

    async def following(
        self, query: Query, after: int, last: int, max_count: int
    ) -> list[StoredLetter]:
        """Return the next letters of a query, the oldest first, without their bodies.

        Args:
            query: which ones; its `limit_count` is not looked at.
            after: only letters with a higher number.
            last: no letter with a higher number.
            max_count: so many at most.

        Raises:
            SinkUnavailable: no stream, or no answer.
        """
        if after >= last:
            return []
        with _explained(self._settings.stream):
            async with contextlib.aclosing(self._messages(query, after + 1, last + 1)) as messages:
                return await self._first(query, messages, max_count)

    async def _first(
        self, query: Query, messages: AsyncIterator[Msg], max_count: int
    ) -> list[StoredLetter]:
        found: list[StoredLetter] = []
        async for message in messages:
            stored = self._stored(message)
            if stored is not None and query.wants(stored):
                found.append(stored)
            if len(found) == max_count:
                break
        return found

    async def remove(self, number: int, *, erase: bool = False) -> bool:
        """Delete a letter; False: somebody else has done so.

        Its body in the object store stays: a letter of another attempt may point at it, and the
        store's own age limit ends it.

        Args:
            number: of the letter.
            erase: have its bytes overwritten on the server's disk as well. Measured with
                nats-server 2.15: hundreds a second instead of ten thousand, and fewer the more
                letters there are.

        Raises:
            SinkUnavailable: no stream, or no answer.
        """
        # nats-py's own delete_msg always erases.
        subject = f"$JS.API.STREAM.MSG.DELETE.{self._settings.stream}"
        asked = msgspec.json.encode({"seq": number, "no_erase": not erase})
        with _explained(self._settings.stream):
            reply = await self._client.request(subject, asked, timeout=REMOVE_TIMEOUT_S)
            error = msgspec.json.decode(reply.data, type=_Deleted).error
            if error is None:
                return True
            if error.get("err_code") in GONE:
                return False
            raise APIError.from_error(error)

    async def _range(self, query: Query, start: int, end: int) -> tuple[deque[StoredLetter], bool]:
        """Read numbers from `start` to before `end`; True: there were some before `since_s`."""
        found: deque[StoredLetter] = deque(maxlen=query.limit_count)
        older = False
        async for message in self._messages(query, start, end):
            stored = self._stored(message)
            older = older or (stored is not None and stored.stored_s < query.since_s)
            if stored is not None and query.wants(stored):
                found.append(stored)
        return found, older

    async def _messages(self, query: Query, start: int, end: int) -> AsyncGenerator[Msg, None]:
        reason = query.reason.value if query.reason else "*"
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=start,
            ack_policy=AckPolicy.NONE,
            headers_only=True,
            mem_storage=True,
            inactive_threshold=IDLE_CONSUMER_S,
        )
        subscription = await self._jetstream.pull_subscribe(
            f"{self._settings.subject_prefix}.{query.listener or '*'}.{reason}",
            stream=self._settings.stream,
            config=config,
        )
        info = await subscription.consumer_info()
        pending = info.num_pending or 0
        try:
            while pending:
                batch = await subscription.fetch(min(FETCH_COUNT, pending), FETCH_TIMEOUT_S)
                pending = batch[-1].metadata.num_pending
                wanted = [one for one in batch if one.metadata.sequence.stream < end]
                for message in wanted:
                    yield message
                if len(wanted) < len(batch):
                    return
        finally:
            with contextlib.suppress(nats.errors.Error, TimeoutError, OSError):
                await subscription.unsubscribe()
                await self._jetstream.delete_consumer(self._settings.stream, info.name)

    def _stored(self, message: Msg) -> StoredLetter | None:
        try:
            return stored_letter(message)
        except ValueError:
            self.foreign_count += 1
            return None

    async def get(self, number: int) -> StoredLetter:
        """Return one letter with its body, unless that is in the object store.

        Raises:
            SinkUnavailable: no such letter, or no answer.
        """
        stream = self._settings.stream
        with _explained(stream):
            try:
                message = await self._jetstream.get_msg(stream, number)
            except NotFoundError as error:
                # Either is 404; the code behind it says which.
                if error.err_code == NO_MESSAGE:
                    raise NoSuchLetterError(f"there is no dead letter {number}") from error
                raise
        body = message.data or b""
        try:
            letter = from_message(message.headers or {}, body)
        except ValueError as error:
            raise SinkUnavailable(f"message {number} of {stream} is no dead letter") from error
        stored_s = message.time.timestamp() if message.time else 0.0
        return StoredLetter(number, stored_s, len(body), letter)

    async def write_body(self, letter: Letter, out: Writable) -> None:
        """Write the original bytes, a piece at a time where they are in the object store.

        Raises:
            SinkUnavailable: they are gone, or no answer.
        """
        if not letter.body_object:
            out.write(letter.body)
            return
        bucket = f"{self._settings.stream}_BODIES"
        with _explained(bucket):
            try:
                objects = await self._jetstream.object_store(bucket)
                await objects.get(letter.body_object, writeinto=out)  # type: ignore[arg-type]  # only write() is called
            except (BucketNotFoundError, ObjectNotFoundError, NotFoundError) as error:
                raise NoSuchBodyError(
                    f"the body is not in the object store {bucket} any more"
                ) from error


NO_MESSAGE: Final = 10037
GONE: Final = frozenset({NO_MESSAGE, 10043, 10057})
"""https://github.com/nats-io/nats-server/blob/main/server/errors.json: no message found; no such
sequence; message delete failed, which is how a file store says that it is gone."""


class NoSuchBodyError(SinkUnavailable):
    """A letter's body is not in the object store, or not any more."""


class NoSuchLetterError(SinkUnavailable):
    """There is no letter of that number, or not any more."""


@contextlib.asynccontextmanager
async def open_reader(
    connection: NatsSettings, settings: DeadLetterSettings
) -> AsyncIterator[LetterReader]:
    """Connect for the time of the block.

    Raises:
        Unavailable: the server is away, or refuses us.
    """
    client = await connect(
        connection,
        name="consumer dead",
        on_lost=lambda _: None,  # whatever is asked next fails with a reason of its own
        on_error=lambda _: None,
    )
    try:
        yield LetterReader(client, settings)
    finally:
        await close(client)


@contextlib.contextmanager
def _explained(stream: str) -> Iterator[None]:
    try:
        yield
    except NotFoundError as error:
        raise SinkUnavailable(
            f"there is no stream {stream}: nothing was ever rejected, or [dead_letters] stream "
            "names another than the daemon's"
        ) from error
    except APIError as error:
        raise SinkUnavailable(f"stream {stream}: {error.description}") from error
    except (TimeoutError, nats.errors.TimeoutError) as error:
        raise SinkUnavailable(f"no answer about stream {stream}: is JetStream on (-js)?") from error
    except (nats.errors.Error, OSError) as error:
        raise SinkUnavailable(f"stream {stream}: {error}") from error
