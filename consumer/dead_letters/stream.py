"""Stores dead letters: in a stream of their own, and large bodies in an object store.

`tools/replay/read.py` reads them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec
import nats.errors
import structlog
from nats.js.api import DiscardPolicy, ObjectMeta, ObjectMetaOptions, StreamConfig
from nats.js.errors import BucketNotFoundError, NotFoundError
from nats.js.object_store import (
    OBJ_ALL_CHUNKS_PRE_TEMPLATE,
    OBJ_ALL_META_PRE_TEMPLATE,
    OBJ_STREAM_TEMPLATE,
)

from consumer.dead_letters.record import Letter, to_message
from consumer.errors import SinkUnavailable
from consumer.options.values import Bytes, Count, Seconds, Share, Token
from consumer.sinks.publish import publish_all
from consumer.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from nats.js.client import JetStreamContext
    from nats.js.object_store import ObjectStore

    from consumer.parts.patience import Patience
    from consumer.sinks.base import Message, Receipt, Sink

CHUNK_BYTES: Final = 128 * 1024
LOOKS_MAX_COUNT: Final = 20
"""This many letters are looked for at the same time. After a crash, all letters of a batch may be
duplicates, and each look takes the way to the server and back."""
HASHED_HERE_BYTES: Final = 256 * 1024
"""A larger body is hashed in a thread, so that other tasks run meanwhile."""
STAGE: Final = "dead_letter"
"""The stage of a lane that waits here: see `Patience.wait`."""

log = structlog.get_logger()


class DeadLetterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[dead_letters]`. Letters are in a JetStream stream, on the server of `[sink]`.

    Attributes:
        stream: The stream's name. Large bodies are in the object store `<stream>_BODIES`.
        subject_prefix: The first token of the letters' subjects.
        create_stream: If true, the stream is created if it is missing, and a subject that it lacks
            is added. If false, the stream is only checked. The object store is created in any
            case.
        max_age_s: The age at which a stream that we create deletes a letter, in seconds. Letters
            hold personal data.
        max_bytes: The size at which a stream that we create deletes its oldest letters, and the
            object store its oldest bodies, in bytes. If it is absent, there is no limit.
        replicas: The number of servers that keep a stream that we create.
        max_share: The largest share of dead letters among a listener's deliveries, from 0 to 1. A
            listener with a larger share stops itself. With 1, no listener does.
        max_share_window_s: The time over which the share is measured, in seconds.
    """

    stream: Token = "DEAD_LETTERS"
    subject_prefix: Token = "dead"
    create_stream: bool = True
    max_age_s: Seconds = 30 * 86_400.0
    max_bytes: Bytes | None = None
    replicas: Count = 1
    max_share: Share = 0.5
    max_share_window_s: Seconds = 60.0

    @property
    def bodies_bucket(self) -> str:
        """The name of the object store that keeps large bodies."""
        return f"{self.stream}_BODIES"


class DeadLetters:
    """Stores letters. One object serves all lanes.

    Args:
        sink: The sink of the letters' stream.
        settings: The options of the table `[dead_letters]`.
        jetstream: Returns the connection's JetStream context, for the object store.

    Attributes:
        sink: The sink of the letters' stream. `DeadLetters` does not open it.
    """

    def __init__(
        self, sink: Sink, settings: DeadLetterSettings, jetstream: Callable[[], JetStreamContext]
    ) -> None:
        self.sink = sink
        self._settings = settings
        self._jetstream = jetstream

    async def store(self, letters: list[Letter], patience: Patience) -> list[int]:
        """Store letters, however long that takes, and return their numbers in the stream.

        Returns only when the stream has all letters. Cancelling: some letters may be stored.

        The server knows the id of a letter for a whole window, also if the letter was dropped,
        purged or evicted meanwhile. So a letter that the server calls a duplicate is looked for. If
        it is gone, it is published again with the id `<id>:1`, and if that letter is gone too, with
        `<id>:2`. Every process tries the same ids in the same order. So a repetition after a crash
        finds the letter that was stored.
        """
        wanted: list[Message] = []
        turn = Turn()
        for letter in letters:
            wanted.append(await self._message(letter, patience))
            await turn.give_way()
        numbers = [0] * len(letters)
        gone_counts = [0] * len(letters)
        left = list(range(len(letters)))
        while left:
            tried = [_again(wanted[index], gone_counts[index]) for index in left]
            outcomes = await publish_all(self.sink, tried, patience, STAGE)
            triples = list(zip(left, tried, outcomes, strict=True))
            stored = [(message, each[0]) for _, message, each in triples if each is not None]
            gone = await self._gone(stored, patience)
            left = []
            for index, message, outcome in triples:
                if outcome is None:
                    wanted[index] = await self._smaller(letters[index], patience)
                    left.append(index)
                    continue
                numbers[index] = outcome[0].number or outcome[0].earlier_number
                if message.message_id in gone:
                    gone_counts[index] += 1
                    left.append(index)
        return numbers

    async def _smaller(self, letter: Letter, patience: Patience) -> Message:
        """Make the message of a letter again, because the stream takes less than before."""
        while True:
            message = await self._message(letter, patience)
            if message.size_bytes <= self.sink.max_message_bytes:
                return message
            limit_bytes = self.sink.max_message_bytes
            why = f"a letter without its body has {message.size_bytes} bytes"
            await patience.wait(STAGE, f"{why}, and the stream takes {limit_bytes}")

    async def _gone(self, stored: list[tuple[Message, Receipt]], patience: Patience) -> set[str]:
        """Return the ids of the messages that the stream had, and does not have any more."""
        known: dict[str, int] = {}
        for message, receipt in stored:
            # A batch may hold many copies of a letter. One look is enough for all of them, and none
            # is needed if the first of them was stored now.
            known.setdefault(message.message_id, receipt.earlier_number)
        waiting = [(message_id, number) for message_id, number in known.items() if number]
        gone: set[str] = set()
        while waiting:
            failures: list[str] = []
            async with asyncio.TaskGroup() as group:
                for place in range(min(LOOKS_MAX_COUNT, len(waiting))):
                    look = self._look(waiting, gone, failures)
                    group.create_task(look, name=f"look for letters {place}")
            if failures:
                await patience.wait(STAGE, failures[0])
            else:
                patience.relieved(STAGE)
        return gone

    async def _look(
        self, waiting: list[tuple[str, int]], gone: set[str], failures: list[str]
    ) -> None:
        """Look for letters one after the other, until none is left or the sink is away.

        Args:
            waiting: The letters to look for, each with its id and its number. Several tasks share
                this list.
            gone: Gets the ids of the letters that are not there.
            failures: Gets the error if the sink is away. Then all tasks stop.
        """
        while waiting and not failures:
            message_id, number = waiting.pop()
            try:
                keeps = await self.sink.keeps(number, message_id)
            except SinkUnavailable as error:
                waiting.append((message_id, number))
                failures.append(str(error))
            else:
                if not keeps:
                    gone.add(message_id)

    async def _message(self, letter: Letter, patience: Patience) -> Message:
        prefix = self._settings.subject_prefix
        message_id = await _hashed(letter, lambda: letter.message_id)
        message = to_message(letter, prefix, message_id)
        if message.size_bytes <= self.sink.max_message_bytes:
            return message
        name = await _hashed(letter, lambda: letter.body_id)
        await self._put(name, letter.body, patience)
        without_body = msgspec.structs.replace(
            letter, body=b"", body_object=name, body_bytes=len(letter.body)
        )
        return to_message(without_body, prefix, message_id)

    def _chunked(self, name: str) -> ObjectMeta:
        """Describe an object, with chunks that the server takes. By default they have 128 KiB."""
        size_bytes = min(CHUNK_BYTES, self.sink.max_message_bytes // 2)
        return ObjectMeta(name=name, options=ObjectMetaOptions(max_chunk_size=size_bytes))

    async def _put(self, name: str, body: bytes, patience: Patience) -> None:
        """Put a body into the object store. A second time does no harm: its name is its hash."""
        while True:
            try:
                objects = await open_bodies(self._jetstream(), self._settings)
                await objects.put(name, body, meta=self._chunked(name))
            except (SinkUnavailable, nats.errors.Error, TimeoutError, OSError) as error:
                refused = isinstance(error, SinkUnavailable) and error.refused
                await patience.wait(STAGE, f"object store: {error}", refused=refused)
            else:
                return


def _again(message: Message, gone_count: int) -> Message:
    """Give a message the id of another try."""
    if not gone_count:
        return message
    return msgspec.structs.replace(message, message_id=f"{message.message_id}:{gone_count}")


async def _hashed(letter: Letter, make: Callable[[], str]) -> str:
    """Make an id of a letter, which is a hash of its body."""
    return make() if len(letter.body) <= HASHED_HERE_BYTES else await asyncio.to_thread(make)


async def open_bodies(jetstream: JetStreamContext, settings: DeadLetterSettings) -> ObjectStore:
    """Open the object store of large bodies, and create it if it is missing."""
    bucket = settings.bodies_bucket
    try:
        return await jetstream.object_store(bucket)
    except (BucketNotFoundError, NotFoundError):
        log.info("object store created", bucket=bucket)
        await jetstream.add_stream(_bodies_stream(settings))
        return await jetstream.object_store(bucket)


def _bodies_stream(settings: DeadLetterSettings) -> StreamConfig:
    """Describe the stream of the object store.

    A store that nats-py creates refuses a body when it is full, and the letter of this body would
    hold its lane. This store deletes its oldest bodies, as the stream of letters does.
    """
    bucket = settings.bodies_bucket
    return StreamConfig(
        name=OBJ_STREAM_TEMPLATE.format(bucket=bucket),
        description="bodies of dead letters over the server's message size",
        subjects=[
            OBJ_ALL_CHUNKS_PRE_TEMPLATE.format(bucket=bucket),
            OBJ_ALL_META_PRE_TEMPLATE.format(bucket=bucket),
        ],
        discard=DiscardPolicy.OLD,
        max_age=settings.max_age_s,
        max_bytes=settings.max_bytes or -1,
        num_replicas=settings.replicas,
        allow_rollup_hdrs=True,
        allow_direct=True,
    )
