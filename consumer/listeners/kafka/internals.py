r"""Reads records whose header names are no UTF-8, which aiokafka cannot.

A header's name is UTF-8 by convention only; the broker stores any bytes. aiokafka raises at the
first other name, on every attempt, so that one careless producer would block a partition for all
time and look like an outage. Here such a name is read escaped instead, as in `ty\xffpe`, which is
no name that anybody looks for, and the record goes its way.

aiokafka has no place for this, so the class it reads answers with is replaced: `tolerate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTH_AT: Final = 8
BODY_AT: Final = 12
"""A batch begins with its offset (8 bytes) and the length of what follows (4 bytes):
https://kafka.apache.org/documentation/#recordbatch."""


def tolerate() -> None:
    """Make aiokafka read any header name, in the whole process; may be called again."""
    fetcher.MemoryRecords = Records


class Records:
    """The batches of one partition in one answer of a broker, as aiokafka's `MemoryRecords`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._records = MemoryRecords(data)
        self._at = 0
        self.has_next = self._records.has_next
        self.size_in_bytes = self._records.size_in_bytes

    def next_batch(self) -> Any:  # noqa: ANN401  # aiokafka has no types
        """Return the next batch."""
        batch = self._records.next_batch()
        start = self._at
        length = int.from_bytes(self._data[start + LENGTH_AT : start + BODY_AT], "big")
        self._at = start + BODY_AT + length
        return _Batch(batch, self._data, start, self._at)


class _Batch:
    """One batch, read by aiokafka's fast code, and only if that fails by its slow one."""

    def __init__(self, batch: Any, data: bytes, start: int, end: int) -> None:  # noqa: ANN401  # aiokafka has no types
        self._batch = batch
        self._data = data
        self._start = start
        self._end = end

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # aiokafka has no types
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            # Whole, because after half of it nobody knows what was read already.
            return iter(list(self._batch))
        except (UnicodeDecodeError, CorruptRecordException):
            return iter(list(_TolerantBatch(self._data[self._start : self._end])))

    def __next__(self) -> Any:  # noqa: ANN401  # aiokafka has no types
        return next(self._batch)


class _TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's slow batch, over bytes that decode to anything."""

    def __iter__(self) -> _TolerantBatch:
        super().__iter__()  # decompresses
        self._buffer: bytearray = _Escaping(self._buffer)
        return self


class _Escaping(bytearray):
    """Bytes whose parts decode without errors."""

    def __getitem__(self, index: SupportsIndex | slice) -> Any:  # noqa: ANN401  # int or bytes
        part = super().__getitem__(index)
        return part if isinstance(part, int) else _Escaping(part)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002  # that is the point
        """Decode; what is none of the encoding is escaped."""
        return super().decode(encoding, "backslashreplace")
