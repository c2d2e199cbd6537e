"""Reads dead letters from their stream, and holds no more of them than it returns.

Responsible for reading lists of letters without their bodies, a single letter with its body, and
for deleting a letter. The newest letters are searched for from the end of the stream, in ranges of
numbers. So they are found in a stream of a million letters as quickly as in a stream of a thousand.
Not responsible for what happens to letters: `replay.py`.
"""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from nats.js.errors import APIError, BucketNotFoundError, DigestMismatchError, NotFoundError
from nats.js.object_store import OBJ_CHUNKS_PRE_TEMPLATE, OBJ_STREAM_TEMPLATE

from consumer.dead_letters.record import Letter, from_message
from consumer.errors import SinkUnavailable
from consumer.nats.connection import connected
from consumer.nats.explain import explained
from consumer.nats.follow import StreamStart, following
from consumer.nats.message import NO_MESSAGE_CODE, SIZE_HEADER, stored_message
from consumer.tools.replay.query import Query, StoredLetter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from contextlib import AbstractContextManager

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from consumer.dead_letters.stream import DeadLetterSettings
    from consumer.nats.connection import NatsSettings

FIRST_RANGE_COUNT: Final = 1000
RANGE_GROWTH_RATIO: Final = 4
"""Each range is this many times as long as the range that was read before it. So a letter is found
with few requests, and few letters are read in vain."""
REMOVE_TIMEOUT_S: Final = 30.0
NOT_DELETED_CODE: Final = 10057
GONE_CODES: Final = frozenset({NO_MESSAGE_CODE, 10043, NOT_DELETED_CODE})
"""The error codes with which the server answers if the message to delete is not there any more.
10037 means that no message was found, and 10043 that there is no such sequence number. 10057 means
that deleting failed for any reason: a stream that is stored in files answers so for a message that
is gone, and a stream with `deny_delete` for every message. Source of the codes:
https://github.com/nats-io/nats-server/blob/main/server/errors.json."""


class NoSuchBodyError(SinkUnavailable):
    """The body of a letter is not in the object store, or not any more."""


class NoSuchLetterError(SinkUnavailable):
    """There is no letter with this number, or not any more."""


class LettersState(msgspec.Struct, frozen=True):
    """What the stream of letters says of itself.

    Attributes:
        epoch_us: When the stream was created, in microseconds since 1970. A stream that was deleted
            and created again has another time, and its numbers begin with 1 again.
        last_number: The number of the newest letter that was ever stored, or 0 if there was none.
    """

    epoch_us: int
    last_number: int


class _DeleteReply(msgspec.Struct):
    """The server's answer to a request to delete a message.

    https://docs.nats.io/reference/reference-protocols/nats_api_reference.
    """

    error: dict[str, Any] | None = None


class Writable(Protocol):
    """Something to which a body can be written, such as a file."""

    def write(self, data: bytes, /) -> object:
        """Take a piece of the body."""


def stored_letter(message: Msg) -> StoredLetter:
    """Read a letter from the headers of its message, without its body.

    Raises:
        ValueError: The message is not a letter of ours.
    """
    headers = message.headers or {}
    letter = from_message(headers, b"")
    metadata = message.metadata
    # If only the headers were sent, the server tells the size of the body in a header.
    size_bytes = letter.body_bytes or int(headers.get(SIZE_HEADER) or len(message.data))
    stored_s = metadata.timestamp.timestamp()
    return StoredLetter(metadata.sequence.stream, stored_s, size_bytes, letter)


class LetterReader:
    """Reads the stream of `[dead_letters]`, over a connection that is open.

    Attributes:
        foreign_count: The number of messages that were read and are not letters of ours.
    """

    def __init__(self, client: Client, settings: DeadLetterSettings) -> None:
        self._client = client
        self._jetstream = client.jetstream()
        self._settings = settings
        self.foreign_count = 0

    @property
    def max_message_bytes(self) -> int:
        """The size of the largest message that the server takes."""
        return self._client.max_payload

    async def newest(self, query: Query) -> list[StoredLetter]:
        """Return the newest letters that fit a query, the newest last, without their bodies.

        Raises:
            SinkUnavailable: There is no stream, or no answer.
        """
        with self._explained():
            state = (await self._jetstream.stream_info(self._settings.stream)).state
        found: deque[StoredLetter] = deque()
        first_number = max(state.first_seq, 1)  # 0 in a stream that never held a message
        end_number, length_count = state.last_seq + 1, FIRST_RANGE_COUNT
        while end_number > first_number and len(found) < query.limit_count:
            start_number = max(first_number, end_number - length_count)
            older, is_far_enough = await self._range(query, start_number, end_number)
            room_count = query.limit_count - len(found)
            found.extendleft(list(reversed(older))[:room_count])
            if is_far_enough:
                break
            end_number, length_count = start_number, length_count * RANGE_GROWTH_RATIO
        return list(found)

    async def _range(
        self, query: Query, start_number: int, end_number: int
    ) -> tuple[deque[StoredLetter], bool]:
        """Return the newest letters of a range that fit a query.

        Also returns whether a letter of the range was stored before `since_s`. Then no older range
        has to be read.
        """
        found: deque[StoredLetter] = deque(maxlen=query.limit_count)
        is_far_enough = False
        async with contextlib.aclosing(self._letters(query, start_number, end_number)) as letters:
            async for stored in letters:
                is_far_enough = is_far_enough or stored.stored_s < query.since_s
                if query.wants(stored):
                    found.append(stored)
        return found, is_far_enough

    async def last_number(self) -> int:
        """Return the number of the newest letter that was ever stored, or 0 if there was none.

        Raises:
            SinkUnavailable: There is no stream, or no answer.
        """
        return (await self.state()).last_number

    async def state(self) -> LettersState:
        """Return what the stream says of itself.

        Raises:
            SinkUnavailable: There is no stream, or no answer.
        """
        with self._explained():
            info = await self._jetstream.stream_info(self._settings.stream)
        epoch_us = round(info.created.timestamp() * 1_000_000) if info.created else 0
        return LettersState(epoch_us, info.state.last_seq)

    async def following(
        self, query: Query, after_number: int, last_number: int, max_count: int
    ) -> list[StoredLetter]:
        """Return the next letters that fit a query, the oldest first, without their bodies.

        Args:
            query: Which letters are wanted. Its `limit_count` has no effect here.
            after_number: Only letters with a higher number are returned.
            last_number: No letter with a higher number is returned.
            max_count: The largest number of letters to return.

        Raises:
            SinkUnavailable: There is no stream, or no answer.
        """
        found: list[StoredLetter] = []
        if after_number >= last_number:
            return found
        wanted = self._letters(query, after_number + 1, last_number + 1)
        async with contextlib.aclosing(wanted) as letters:
            async for stored in letters:
                if query.wants(stored):
                    found.append(stored)
                if len(found) == max_count:
                    break
        return found

    async def looked_at(
        self, query: Query, after_number: int, last_number: int
    ) -> AsyncGenerator[StoredLetter]:
        """Yield the letters that may fit a query, the oldest first, without their bodies.

        The caller compares them with `Query.wants`, and counts how many it has looked at.

        Args:
            query: Which letters are wanted. Its `limit_count` has no effect here.
            after_number: Only letters with a higher number are yielded.
            last_number: No letter with a higher number is yielded.

        Raises:
            SinkUnavailable: There is no stream, or no answer.
        """
        if after_number >= last_number:
            return
        letters = self._letters(query, after_number + 1, last_number + 1)
        async with contextlib.aclosing(letters):
            async for stored in letters:
                yield stored

    async def _letters(
        self, query: Query, start_number: int, end_number: int
    ) -> AsyncGenerator[StoredLetter]:
        """Yield the letters from `start_number` on whose numbers are below `end_number`.

        Of the query, only listener and reason are compared here. A time is compared here only if
        reading begins with the first letter.
        """
        start = StreamStart(sequence=start_number)
        if start_number == 1 and query.since_s > 0:
            # The server finds the place by the time, so that no older letter has to be read.
            start = StreamStart(time_s=query.since_s)
        reason = query.reason.value if query.reason else "*"
        subject = f"{self._settings.subject_prefix}.{query.listener or '*'}.{reason}"
        async with (
            following(
                self._client,
                start,
                stream=self._settings.stream,
                subjects=[subject],
                headers_only=True,
            ) as follower,
            contextlib.aclosing(follower.stored()) as messages,
        ):
            async for message in messages:
                if follower.sequence >= end_number:
                    return
                stored = self._read(message)
                if stored is not None:
                    yield stored
                if follower.sequence == end_number - 1:
                    return

    def _read(self, message: Msg) -> StoredLetter | None:
        try:
            return stored_letter(message)
        except ValueError:
            self.foreign_count += 1
            return None

    async def remove(self, number: int, *, erase: bool = False) -> bool:
        """Delete a letter. If its body is in the object store, the body stays there.

        The letter of another attempt may refer to the same body. The object store deletes the body
        when it has reached its age limit.

        Args:
            number: The number of the letter.
            erase: If true, the server also overwrites the letter's bytes on its disk. Then
                nats-server 2.15 deletes hundreds of letters a second instead of ten thousand, and
                it becomes slower the more letters there are.

        Returns:
            True if the letter was deleted now, false if it was not there any more.

        Raises:
            SinkUnavailable: There is no stream, or no answer, or the stream forbids to delete.
        """
        # nats-py's own delete_msg always lets the server overwrite the bytes.
        subject = f"$JS.API.STREAM.MSG.DELETE.{self._settings.stream}"
        asked = msgspec.json.encode({"seq": number, "no_erase": not erase})
        with self._explained():
            reply = await self._client.request(subject, asked, timeout=REMOVE_TIMEOUT_S)
            error = msgspec.json.decode(reply.data, type=_DeleteReply).error
            if error is None:
                return True
            code = error.get("err_code")
            if code in GONE_CODES and not (
                code == NOT_DELETED_CODE and await self._is_there(number)
            ):
                return False
            raise APIError.from_error(error)

    async def _is_there(self, number: int) -> bool:
        return await stored_message(self._jetstream, self._settings.stream, number) is not None

    async def get(self, number: int) -> StoredLetter:
        """Return a letter. Its body is empty if the body is in the object store.

        Raises:
            NoSuchLetterError: There is no letter with this number, or it is not a letter of ours.
            SinkUnavailable: There is no answer.
        """
        stream = self._settings.stream
        with self._explained():
            message = await stored_message(self._jetstream, stream, number)
        if message is None:
            raise NoSuchLetterError(f"there is no dead letter {number}")
        body = message.data or b""
        try:
            letter = from_message(message.headers or {}, body)
        except ValueError as error:
            raise NoSuchLetterError(f"message {number} of {stream} is no dead letter") from error
        stored_s = message.time.timestamp() if message.time else 0.0
        return StoredLetter(number, stored_s, len(body), letter)

    async def write_body(self, letter: Letter, out: Writable) -> None:
        """Write the original bytes to `out`, piece by piece if they are in the object store.

        Raises:
            NoSuchBodyError: The bytes are not in the object store any more.
            SinkUnavailable: There is no answer.
        """
        if not letter.body_object:
            out.write(letter.body)
            return
        bucket = self._settings.bodies_bucket
        with self._explained(bucket):
            try:
                objects = await self._jetstream.object_store(bucket)
                # A full object store deletes the pieces of its oldest body one after the other. If
                # none is left, nats-py waits for them for ever.
                info = await objects.get_info(letter.body_object)
                pieces = OBJ_CHUNKS_PRE_TEMPLATE.format(bucket=bucket, obj=info.nuid)
                await self._jetstream.get_last_msg(
                    OBJ_STREAM_TEMPLATE.format(bucket=bucket), pieces
                )
                await objects.get(letter.body_object, writeinto=out)  # type: ignore[arg-type]  # only write() is called
            except (BucketNotFoundError, DigestMismatchError, NotFoundError) as error:
                raise NoSuchBodyError(
                    f"the body is not in the object store {bucket} any more"
                ) from error

    def _explained(self, bucket: str = "") -> AbstractContextManager[None]:
        missing = (
            "nothing was ever rejected, or [dead_letters] stream names another stream than the "
            "daemon's"
        )
        return explained(bucket or self._settings.stream, missing=missing)


@contextlib.asynccontextmanager
async def open_reader(
    connection: NatsSettings, settings: DeadLetterSettings
) -> AsyncIterator[LetterReader]:
    """Connect to the server for the time of the block; yields a reader of the letters.

    Raises:
        Unavailable: The server is away, or refuses us.
    """
    async with connected(connection, name="consumer dead") as client:
        yield LetterReader(client, settings)
