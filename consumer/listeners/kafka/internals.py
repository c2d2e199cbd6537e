r"""Knows aiokafka's private parts: how it reads records, and how its tasks are ended at once.

Responsible for everything that we know of aiokafka's private parts; no other module uses them. The
code was compared with aiokafka 0.14. tests/unit/test_kafka_internals.py names what a new version
would break.

`tolerate` makes aiokafka read records whose header names are not UTF-8. A header's name is UTF-8 by
convention only, and the broker stores any bytes. aiokafka raises an error at each attempt to read a
name that is not UTF-8, so one wrong producer would block a partition for ever. Here the name is
read escaped, as in `ty\xffpe`. An escaped name has no meaning for us, and the record is delivered.
aiokafka has no option for this, so the class with which it reads the brokers' answers is replaced.

The same class undoes the compression of a batch piece by piece (`unpack.py`). If something in a
batch cannot be read, the records before it come first. Then comes one record whose value is the
whole batch as it came, an `UnreadBatch`.

`hand_out_bounded` and `hand_out_at_most` make aiokafka end a call of `getmany` after a number of
bytes. aiokafka counts records only, and 500 records may have gigabytes.

`notice_closed_sockets` makes aiokafka notice when it writes to a closed socket. asyncio ignores the
write, and aiokafka waits for an answer. uvloop raises RuntimeError, which aiokafka does not expect:
its fetching task would end, and the consumer would be silent for ever. Here the RuntimeError is
turned into the error that aiokafka expects of a broken connection.

`never_create_topics` makes aiokafka ask for topics without creating them. By default, a broker
creates each topic that anybody asks for, and aiokafka asks for its topics all the time. So a topic
that was deleted came back within a second, with another number of partitions.

`committed_offsets` asks for the offsets of many partitions at once, and `commit_for_all` commits
also for partitions of other members. aiokafka's own methods do neither.

`abort` ends a consumer whose broker does not answer. aiokafka's own `stop` waits for answers, and
its tasks would go on asking a frozen broker in the background for ever.
"""

from __future__ import annotations

import asyncio
import math
from contextvars import ContextVar
from functools import partial
from itertools import chain, islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Self, SupportsIndex

from aiokafka import client
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException, KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.record.default_records import (
    DefaultRecordBatch,
    _DefaultRecordBatchPy,
    _DefaultRecordPy,
)
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint_py
from aiokafka.structs import OffsetAndMetadata

from consumer.errors import Reason, Rejected
from consumer.listeners.kafka.unpack import (
    HEAD_BYTES,
    RECORDS_COUNT_AT,
    TooLargeError,
    rest_of,
    small_batches,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

LENGTH_AT: Final = 8
BODY_AT: Final = 12
"""A batch begins with its offset (8 bytes) and the length of what follows (4 bytes):
https://kafka.apache.org/documentation/#recordbatch."""
TASKS: Final = (
    ("_coordinator", "_coordination_task"),
    ("_coordinator", "_heartbeat_task"),
    ("_coordinator", "_commit_refresh_task"),
    ("_fetcher", "_fetch_task"),
    ("_client", "_sync_task"),
)
"""The tasks of a consumer: the consumer's attribute with the owner of the task, and the owner's
attribute with the task."""
_coordinator: Final = attrgetter("_coordinator")
_connections: Final = attrgetter("_client._conns")
ABORT_DEADLINE_S: Final = 1.5
HEADER_OBJECTS_BYTES: Final = 128
"""The memory of a header, in bytes: a tuple, its name and its value."""
READ_ERRORS: Final = (CorruptRecordException, ValueError, IndexError)
"""What aiokafka's batches raise for records that are broken."""
READ_AT_ONCE_BYTES: Final = 128 * 1024
READ_AT_ONCE_COUNT: Final = 100
MAGIC_VALUE: Final = 2
"""The format of batches since Kafka 0.11. Older batches are left to aiokafka."""


def tolerate() -> None:
    """Make aiokafka read any header name and any batch, in the whole process.

    It may be called again.
    """
    fetcher.MemoryRecords = Records


def hand_out_bounded() -> None:
    """Make aiokafka's `getmany` end after some bytes, in the whole process. May be called again."""
    fetcher.FetchResult = FetchedRecords


class _Room:
    """The bytes that a call of `getmany` may still hand out. The last record may exceed them."""

    def __init__(self, left_bytes: float) -> None:
        self.left_bytes = left_bytes


_room: Final[ContextVar[_Room]] = ContextVar("room")


def hand_out_at_most(max_bytes: int) -> None:
    """Limit the calls of `getmany` in this task, until this function is called again.

    Args:
        max_bytes: What all partitions together hand out, in bytes.
    """
    _room.set(_Room(max_bytes))


_send: Final = AIOKafkaConnection.send


def notice_closed_sockets() -> None:
    """Make aiokafka notice closed sockets on uvloop, in the whole process. May be called again."""
    AIOKafkaConnection.send = _send_or_close


def _send_or_close(
    connection: AIOKafkaConnection,
    request: object,
    expect_response: bool = True,  # noqa: FBT001, FBT002  # aiokafka's own signature
) -> Awaitable[object]:
    try:
        sent: Awaitable[object] = _send(connection, request, expect_response)
    except RuntimeError as error:  # uvloop raises it, and it is not an OSError
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(
            f"Connection at {connection.host}:{connection.port} broken: {error}"
        ) from error
    return sent


def never_create_topics() -> None:
    """Make aiokafka's requests create no topic, in the whole process. It may be called again."""
    client.MetadataRequest = partial(MetadataRequest, allow_auto_topic_creation=False)


async def committed_offsets(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition]
) -> dict[TopicPartition, int]:
    """Return the group's committed offset of each partition that has one.

    Raises:
        KafkaError: The broker refuses us. While it is away, the call waits.
    """
    found: dict[TopicPartition, OffsetAndMetadata]
    found = await _coordinator(consumer).fetch_committed_offsets(partitions)
    return {partition: each.offset for partition, each in found.items() if each.offset >= 0}


async def commit_for_all(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
    """Commit offsets, also those of partitions that belong to other members.

    Raises:
        CommitFailedError: The partitions move.
        KafkaError: The broker refuses us. While it is away, the call waits.
    """
    named = {partition: OffsetAndMetadata(offset, "") for partition, offset in offsets.items()}
    await _coordinator(consumer).commit_offsets(None, named)  # it does not look at our partitions


class Records:
    """The batches of one partition in one answer of a broker. It replaces `MemoryRecords`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._records = MemoryRecords(data)
        self._at = 0
        self.has_next = self._records.has_next
        self.size_in_bytes = self._records.size_in_bytes

    def next_batch(self) -> _RecordBatch:
        """Return the next batch."""
        batch = self._records.next_batch()
        start = self._at
        length_bytes = int.from_bytes(self._data[start + LENGTH_AT : start + BODY_AT], "big")
        self._at = start + BODY_AT + length_bytes
        return _RecordBatch(batch, self._data, start, self._at)


class _RecordBatch:
    """One batch of records, read by aiokafka's fast code, and by its slow code if that fails."""

    def __init__(self, batch: DefaultRecordBatch, data: bytes, start: int, end: int) -> None:
        self._batch = batch
        self._data = data
        self._start = start
        self._end = end

    def __getattr__(self, name: str) -> object:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[object]:
        if self._batch.magic < MAGIC_VALUE:
            return iter(self._batch)
        return self._all()

    def _all(self) -> Iterator[object]:
        """Give all records. After those that can be read may come one with the whole batch."""
        data = self._data[self._start : self._end]
        try:
            for batch in small_batches(data):
                yield from _records(batch)
        except TooLargeError as error:
            yield self._unread(data, Reason.TOO_LARGE, error)
        except READ_ERRORS as error:
            # The checksum was right, so the producer has written these bytes. They will never be
            # read, however often they are fetched.
            yield self._unread(data, Reason.MALFORMED, error)

    def _unread(self, data: bytes, reason: Reason, error: Exception) -> _DefaultRecordPy:
        """Return one record with the last offset. When this is committed, the batch is done."""
        batch = self._batch
        last_offset = batch.next_offset - 1
        why = f"record batch of offsets {batch.base_offset} to {last_offset}: {error}"
        value = UnreadBatch(data, Rejected(reason, why))
        return _DefaultRecordPy(
            last_offset, batch.max_timestamp, batch.timestamp_type, None, value, []
        )

    def __next__(self) -> object:
        following: object = next(self._batch)
        return following


class UnreadBatch(bytes):
    """The bytes of a batch that cannot be read, in place of a record's value.

    Attributes:
        why: The reason, with the offsets of the batch.
    """

    why: Rejected

    def __new__(cls, data: bytes, why: Rejected) -> Self:
        """Keep the bytes and the reason."""
        made = super().__new__(cls, data)
        made.why = why
        return made


def _records(data: bytes) -> Iterator[object]:
    """Give the records of a batch, by aiokafka's slow code from where its fast code failed."""
    read_count = 0
    # A batch of aiokafka must not be asked for its iterator twice, and `islice` asks each time.
    fast = chain(DefaultRecordBatch(data))
    # Long records may have thousands of headers each, so only a few of them are read together.
    count = int.from_bytes(data[RECORDS_COUNT_AT:HEAD_BYTES], "big")
    at_once_count = max(1, min(READ_AT_ONCE_COUNT, count * READ_AT_ONCE_BYTES // len(data)))
    while True:
        try:
            some = list(islice(fast, at_once_count))
        except (UnicodeDecodeError, CorruptRecordException):
            yield from _TolerantBatch(rest_of(data, read_count))
            return
        if not some:
            return
        read_count += len(some)
        yield from some


class FetchedRecords(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka has no types
    """The records of a partition that were fetched, and not handed out yet."""

    _partition_records: Iterator[ConsumerRecord] | None

    def getall(self, max_records: int | None = None) -> list[ConsumerRecord]:
        """Hand out the next records, up to `max_records` or to the bytes of the call."""
        if not self.check_assignment(self._topic_partition):
            return []
        room = _room.get(None) or _Room(math.inf)
        if room.left_bytes <= 0:
            return []
        taken: list[ConsumerRecord] = []
        left_bytes = room.left_bytes
        for record in self._partition_records or ():
            taken.append(record)
            # The size of a value or a key that is absent is -1.
            left_bytes -= record.serialized_value_size + record.serialized_key_size
            for name, value in record.headers:
                left_bytes -= HEADER_OBJECTS_BYTES + len(name) + (len(value) if value else 0)
            if left_bytes <= 0 or len(taken) == max_records:
                self._update_position()
                break
        else:
            self._update_position()
            self._partition_records = None
        room.left_bytes = left_bytes
        return taken


class _TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's slow batch, which here decodes any bytes."""

    def __iter__(self) -> _TolerantBatch:
        super().__iter__()
        self._buffer: bytearray = _Escaping(self._buffer)
        return self

    def _read_msg(self) -> object:
        # The usual function is written in C and does not look where the buffer ends: a broken
        # length would end the process.
        return super()._read_msg(decode_varint_py)


class _Escaping(bytearray):
    """Bytes that decode without errors, and whose slices do the same."""

    def __getitem__(self, index: SupportsIndex | slice) -> Any:  # noqa: ANN401  # int or bytes
        part = super().__getitem__(index)
        return part if isinstance(part, int) else _Escaping(part)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002  # that is the point
        """Decode, and escape the bytes that do not belong to the encoding."""
        return super().decode(encoding, "backslashreplace")


async def abort(consumer: AIOKafkaConsumer) -> None:
    """End what is left of a consumer: its tasks and its connections.

    After `stop`, this does nothing.
    The call returns within `ABORT_DEADLINE_S`.
    """
    tasks = [getattr(getattr(consumer, owner), name, None) for owner, name in TASKS]
    tasks += getattr(consumer._fetcher, "_pending_tasks", ())  # noqa: SLF001  # see above
    left = {task for task in tasks if task is not None and not task.done()}
    for task in left:
        task.cancel()
    for connection in list(_connections(consumer).values()):
        connection.close()
    if left:
        await asyncio.wait(left, timeout=ABORT_DEADLINE_S)
