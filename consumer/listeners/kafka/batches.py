r"""Reads the batches of a partition, also where their producer was wrong.

`tolerate` makes aiokafka read records whose header names are not UTF-8. A header's name is UTF-8 by
convention only, and the broker stores any bytes. aiokafka raises an error at each attempt to read a
name that is not UTF-8, so one wrong producer would block a partition for ever. Here the name is
read escaped, as in `ty\xffpe`. An escaped name has no meaning for us, and the record is delivered.
aiokafka has no option for this, so the class with which it reads the brokers' answers is replaced.

The same class undoes the compression of a batch piece by piece (`unpack.py`). If something in a
batch cannot be read, the records before it come first. Then comes one record whose value is the
whole batch as it came, an `UnreadBatch`.

It also says where a batch ends if the batch itself cannot be believed, because its bytes do not fit
its checksum. Nothing but the place of the next batch tells it then.

It uses private parts of aiokafka, as `internals.py` does. The code was compared with aiokafka 0.14.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Self, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import (
    DefaultRecordBatch,
    _DefaultRecordBatchPy,
    _DefaultRecordPy,
)
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint_py

from consumer.errors import Reason, Rejected
from consumer.listeners.kafka.unpack import (
    HEAD_BYTES,
    RECORDS_COUNT_AT,
    TooLargeError,
    rest_of,
    small_batches,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTH_AT: Final = 8
BODY_AT: Final = 12
"""A batch begins with its offset (8 bytes) and the length of what follows (4 bytes):
https://kafka.apache.org/documentation/#recordbatch."""
READ_ERRORS: Final = (CorruptRecordException, ValueError, IndexError, SystemError)
"""What aiokafka's batches raise for records that are broken. A format that does not exist makes its
fast code raise SystemError: a negative size."""
READ_AT_ONCE_BYTES: Final = 128 * 1024
READ_AT_ONCE_COUNT: Final = 100
MAGIC_AT: Final = 16
MAGIC_VALUE: Final = 2
"""The format of batches since Kafka 0.11. Older batches are left to aiokafka."""


def tolerate() -> None:
    """Make aiokafka read any header name and any batch, in the whole process.

    It may be called again.
    """
    fetcher.MemoryRecords = Records


class Records:
    """The batches of one partition in one answer of a broker. It replaces `MemoryRecords`.

    Attributes:
        latest: The batch that was given last.
    """

    def __init__(self, data: bytes) -> None:
        self._begin(data)

    def _begin(self, data: bytes) -> None:
        self._data = data
        self._records = MemoryRecords(data)
        self._at = 0
        self.latest: DefaultRecordBatch | None = None
        self.has_next = self._records.has_next
        self.size_in_bytes = self._records.size_in_bytes

    def next_batch(self) -> _RecordBatch:
        """Return the next batch."""
        self.latest = None  # this stays if the next batch is too short to be a batch
        start, self._at = self._at, self._end_of(self._at)
        batch = self.latest = self._records.next_batch()
        return _RecordBatch(batch, self._data, start, self._at)

    @property
    def following_offset(self) -> int | None:
        """The first offset of the batch behind `latest`. None if its head has not come."""
        return self._first_offset_at(self._at)

    def leave_out_before(self, offset: int) -> None:
        """Leave out the batches that end before an offset, as long as a whole batch is left.

        Brokers before Kafka 4.1 find an offset by the last offset that each batch states. If a
        corrupt batch states an offset that is too large, they send it again to a reader that has
        gone on behind it, with the batches that follow. aiokafka would stop at it again, or read
        those batches again. See https://github.com/apache/kafka/pull/19214.
        """
        start = 0
        while (following_at := self._end_of(start)) < len(self._data):
            first_offset = self._first_offset_at(following_at)
            if first_offset is None or first_offset > offset:
                break
            is_whole = self._end_of(following_at) <= len(self._data)
            if not is_whole or not _is_behind(self._data[start:following_at], offset):
                break
            start = following_at
        if start:
            self._begin(self._data[start:])

    def _end_of(self, start: int) -> int:
        length_bytes = int.from_bytes(self._data[start + LENGTH_AT : start + BODY_AT], "big")
        return start + BODY_AT + length_bytes

    def _first_offset_at(self, start: int) -> int | None:
        head = self._data[start : start + MAGIC_AT + 1]
        if len(head) <= MAGIC_AT or head[MAGIC_AT] != MAGIC_VALUE:
            return None
        return int.from_bytes(head[:LENGTH_AT], "big")


def _is_behind(data: bytes, offset: int) -> bool:
    """Tell whether a batch ends before an offset that is in the batch behind it, or later.

    The first offset of a batch is not under its checksum. So it cannot say that a batch without a
    fault ends earlier than the batch itself says.
    """
    try:
        batch = MemoryRecords(data).next_batch()
    except READ_ERRORS:
        return True
    return not batch.validate_crc() or batch.next_offset <= offset


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
