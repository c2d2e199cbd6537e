r"""Knows aiokafka's private parts: how it reads records, and how its tasks are ended at once.

Responsible for everything that we know of aiokafka's private parts; no other module uses them. The
code was compared with aiokafka 0.14. tests/unit/test_kafka_internals.py names what a new version
would break.

`tolerate` makes aiokafka read records whose header names are not UTF-8. A header's name is UTF-8 by
convention only, and the broker stores any bytes. aiokafka raises an error at each attempt to read a
name that is not UTF-8, so one wrong producer would block a partition for ever. Here the name is
read escaped, as in `ty\xffpe`. An escaped name has no meaning for us, and the record is delivered.
aiokafka has no option for this, so the class with which it reads the brokers' answers is replaced.

`notice_closed_sockets` makes aiokafka notice when it writes to a closed socket. asyncio ignores the
write, and aiokafka waits for an answer. uvloop raises RuntimeError, which aiokafka does not expect:
its fetching task would end, and the consumer would be silent for ever. Here the RuntimeError is
turned into the error that aiokafka expects of a broken connection.

`abort` ends a consumer whose broker does not answer. aiokafka's own `stop` waits for answers, and
its tasks would go on asking a frozen broker in the background for ever.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, SupportsIndex

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException, KafkaConnectionError
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from aiokafka import AIOKafkaConsumer
    from aiokafka.record.default_records import DefaultRecordBatch

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
ABORT_DEADLINE_S: Final = 1.5


def tolerate() -> None:
    """Make aiokafka read any header name, in the whole process. May be called again."""
    fetcher.MemoryRecords = Records


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
        try:
            # The whole batch is read at once. After an error in the middle, nobody would know which
            # records were read already.
            return iter(list(self._batch))
        except (UnicodeDecodeError, CorruptRecordException):
            return iter(list(_TolerantBatch(self._data[self._start : self._end])))

    def __next__(self) -> object:
        following: object = next(self._batch)
        return following


class _TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's slow batch, which here decodes any bytes."""

    def __iter__(self) -> _TolerantBatch:
        super().__iter__()  # decompresses
        self._buffer: bytearray = _Escaping(self._buffer)
        return self


class _Escaping(bytearray):
    """Bytes that decode without errors, and whose slices do the same."""

    def __getitem__(self, index: SupportsIndex | slice) -> Any:  # noqa: ANN401  # int or bytes
        part = super().__getitem__(index)
        return part if isinstance(part, int) else _Escaping(part)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002  # that is the point
        """Decode, and escape the bytes that do not belong to the encoding."""
        return super().decode(encoding, "backslashreplace")


async def abort(consumer: AIOKafkaConsumer) -> None:
    """End what is left of a consumer: its tasks and its connections. After a stop, nothing is left.

    The call returns within `ABORT_DEADLINE_S`.
    """
    tasks = [getattr(getattr(consumer, owner), name, None) for owner, name in TASKS]
    tasks += getattr(consumer._fetcher, "_pending_tasks", ())  # noqa: SLF001  # see above
    left = {task for task in tasks if task is not None and not task.done()}
    for task in left:
        task.cancel()
    for connection in list(consumer._client._conns.values()):  # noqa: SLF001  # see above
        connection.close()
    if left:
        await asyncio.wait(left, timeout=ABORT_DEADLINE_S)
