"""Knows aiokafka's private parts: how it hands out records, and how its tasks are ended at once.

Responsible for what we know of aiokafka's private parts; only `batches.py` uses others. The code
was compared with aiokafka 0.14. tests/unit/test_kafka_internals.py names what a new version
would break.

`hand_out_bounded` and `hand_out_at_most` make aiokafka end a call of `getmany` after a number of
bytes. aiokafka counts records only, and 500 records may have gigabytes.

`notice_closed_sockets` makes aiokafka notice when it writes to a closed socket. asyncio ignores the
write, and aiokafka waits for an answer. uvloop raises RuntimeError, which aiokafka does not expect:
its fetching task would end, and the consumer would be silent for ever. Here the RuntimeError is
turned into the error that aiokafka expects of a broken connection.

`never_create_topics` makes aiokafka ask for topics without creating them. By default, a broker
creates each topic that anybody asks for, and aiokafka asks for its topics all the time. So a topic
that was deleted came back within a second, with another number of partitions.

A batch whose checksum is wrong is no error of `getmany`, because the records of the other
partitions would be lost with it. `Room.corrupt` has its place.

`know_fenced_members` gives a name to an error of brokers that aiokafka does not know.

`check_membership` raises the error with which aiokafka has given up its membership.

`committed_offsets` asks for the offsets of many partitions at once, and `commit_for_all` commits
also for partitions of other members. aiokafka's own methods do neither. `know_topics` learns the
partitions of topics; aiokafka only learns those of its subscription.

`abort` ends a consumer whose broker does not answer. aiokafka's own `stop` waits for answers, and
its tasks would go on asking a frozen broker in the background for ever.
"""

from __future__ import annotations

import asyncio
import math
from contextvars import ContextVar
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiokafka import client, errors
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer import fetcher
from aiokafka.errors import BrokerResponseError, KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.structs import OffsetAndMetadata

from consumer.listeners.kafka.batches import READ_ERRORS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

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
_topics: Final = attrgetter("_client.set_topics")
_batches: Final = attrgetter("_records")
"""The batches of aiokafka's records of a partition, a `batches.Records`."""
_connections: Final = attrgetter("_client._conns")
ABORT_DEADLINE_S: Final = 1.5
HEADER_OBJECTS_BYTES: Final = 128
"""The memory of a header, in bytes: a tuple, its name and its value."""


def hand_out_bounded() -> None:
    """Make aiokafka's `getmany` end after some bytes, in the whole process. May be called again."""
    fetcher.FetchResult = FetchedRecords


class CorruptBatch(NamedTuple):
    """A batch whose bytes do not fit its checksum.

    Attributes:
        offset: The offset at which reading has to go on.
        said_last_offset: The last offset of the batch, as its own head says. The head is under the
            checksum that is wrong. None if the head cannot be read.
        following_offset: The first offset of the batch behind it. None if it has not come.
    """

    offset: int
    said_last_offset: int | None
    following_offset: int | None


class Room:
    """What the calls of `getmany` in a task may hand out, and what they have found.

    Attributes:
        left_bytes: The bytes that may still be handed out. The last record may exceed them.
        corrupt: The batches that cannot be read, each at the position of its partition.
    """

    def __init__(self, left_bytes: float) -> None:
        self.left_bytes = left_bytes
        self.corrupt: dict[TopicPartition, CorruptBatch] = {}


_room: Final[ContextVar[Room]] = ContextVar("room")


def hand_out_at_most(max_bytes: int) -> Room:
    """Limit the calls of `getmany` in this task, until this function is called again.

    Args:
        max_bytes: What all partitions together hand out, in bytes.
    """
    room = Room(max_bytes)
    _room.set(room)
    return room


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


class FencedInstanceIdError(BrokerResponseError):  # type: ignore[misc]  # aiokafka has no types
    """Another process has joined the group under our name: https://kafka.apache.org/protocol."""

    errno = 82
    message = "FENCED_INSTANCE_ID"
    description = "Another member uses the same group.instance.id."


def know_fenced_members() -> None:
    """Make aiokafka name the error 82, in the whole process. It may be called again."""
    errors.kafka_errors[FencedInstanceIdError.errno] = FencedInstanceIdError


def check_membership(consumer: AIOKafkaConsumer) -> None:
    """Check that aiokafka still tries to be a member of the group.

    Raises:
        KafkaError: It has given up. Nothing else tells it while no partitions are assigned.
    """
    _coordinator(consumer).check_errors()


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


async def know_topics(consumer: AIOKafkaConsumer, topics: Iterable[str]) -> None:
    """Let a consumer without a subscription learn the partitions of topics.

    Raises:
        KafkaError: The broker refuses us. While it is away, the call waits.
    """
    await _topics(consumer)(list(topics))


async def commit_for_all(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
    """Commit offsets, also those of partitions that belong to other members.

    Raises:
        CommitFailedError: The partitions move.
        KafkaError: The broker refuses us. While it is away, the call waits.
    """
    named = {partition: OffsetAndMetadata(offset, "") for partition, offset in offsets.items()}
    await _coordinator(consumer).commit_offsets(None, named)  # it does not look at our partitions


class FetchedRecords(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka has no types
    """The records of a partition that were fetched, and not handed out yet."""

    _partition_records: Any

    def __init__(self, *args: object, **named: object) -> None:
        super().__init__(*args, **named)
        records = self._partition_records
        _batches(records).leave_out_before(records.next_fetch_offset)

    def getall(self, max_records: int | None = None) -> list[ConsumerRecord]:
        """Hand out the next records, up to `max_records` or to the bytes of the call."""
        if not self.check_assignment(self._topic_partition):
            return []
        room = _room.get(None) or Room(math.inf)
        if room.left_bytes <= 0:
            return []
        taken: list[ConsumerRecord] = []
        left_bytes = room.left_bytes
        try:
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
        except READ_ERRORS:
            # The records before the broken batch are handed out. If this raised, `getmany` would
            # drop what the other partitions have handed out already.
            self._update_position()
            room.corrupt[self._topic_partition] = self._broken()
            self._partition_records = None
        room.left_bytes = left_bytes
        return taken

    def _broken(self) -> CorruptBatch:
        records = self._partition_records
        batches = _batches(records)
        said = None if batches.latest is None else batches.latest.next_offset - 1
        return CorruptBatch(records.next_fetch_offset, said, batches.following_offset)


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
