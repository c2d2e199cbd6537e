"""Tests that a record batch is unpacked within its limits, and as aiokafka unpacks it."""

from __future__ import annotations

import gzip
from typing import Any, Final

import cramjam
import pytest
import zstandard
from aiokafka.codec import snappy_encode
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from consumer.errors import Reason
from consumer.listeners.kafka.internals import (
    HANDED_OUT_BYTES,
    FetchedRecords,
    Records,
    UnreadBatch,
)
from consumer.listeners.kafka.listener import _delivery
from consumer.listeners.kafka.offsets import PartitionBook
from consumer.listeners.kafka.unpack import (
    BATCH_MAX_BYTES,
    HEAD_BYTES,
    HEADERS_MAX_COUNT,
    TooLargeError,
    refuse_many_headers,
    unpacked,
)
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from tests.support.fates import SENDER, rejected
from tests.unit.test_kafka_internals import CODECS, PARTITION

NO_PRODUCER: Final = -1
TOO_MUCH: Final = bytes(BATCH_MAX_BYTES + 1)


def batch_of(*values: bytes | None, codec: int = 0, headers: int = 0, offset: int = 0) -> bytes:
    """Return a batch with a record for each value, as a broker sends it."""
    builder = _DefaultRecordBatchBuilderPy(
        2, codec, 0, NO_PRODUCER, NO_PRODUCER, NO_PRODUCER, 2**31 - 1
    )
    for index, value in enumerate(values):
        builder.append(index, timestamp=0, key=None, value=value, headers=[("", None)] * headers)
    return offset.to_bytes(8, "big") + bytes(builder.build())[8:]


def packed_by(records: bytes, codec: int) -> bytes:
    """Return a batch with these bytes behind its head, as if a codec had made them."""
    head = bytearray(batch_of(b""))[:HEAD_BYTES]
    head[22] |= codec
    return bytes(head) + records


def read(*batches: bytes) -> list[Any]:
    """Read what a broker sent as aiokafka does, with our class."""
    records = Records(b"".join(batches))
    return list(PartitionRecords(PARTITION, records, [], 0, None, None, False, READ_COMMITTED))


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("count", [1, 99, 100, 101, 1000])
def test_batch_is_read_as_aiokafka_reads_it(codec: int, count: int) -> None:
    """With every compression; records in the same order, at the same offsets."""
    batch = batch_of(*(b"%d" % number * 50 for number in range(count)), codec=codec, headers=2)
    theirs = MemoryRecords(batch)
    expected = [(record.offset, record.value) for record in theirs.next_batch()]
    assert len(expected) == count
    assert [(record.offset, record.value) for record in read(batch)] == expected


@pytest.mark.parametrize(
    ("codec", "packed"),
    [
        (1, gzip.compress(TOO_MUCH)),
        (1, gzip.compress(TOO_MUCH[: BATCH_MAX_BYTES // 2 + 1]) * 2),
        (2, bytes(cramjam.snappy.compress_raw(TOO_MUCH))),
        (2, snappy_encode(TOO_MUCH)),
        (2, b"\xff\xff\xff\xff\x0f\x00a"),
        (3, bytes(cramjam.lz4.compress(TOO_MUCH))),
        (4, bytes(cramjam.zstd.compress(TOO_MUCH))),
        (4, zstandard.compress(TOO_MUCH[: BATCH_MAX_BYTES // 2 + 1]) * 2),
    ],
    ids=[
        "gzip",
        "two members",
        "snappy",
        "xerial",
        "snappy that lies",
        "lz4",
        "zstd",
        "two frames",
    ],
)
def test_batch_over_the_limit_is_not_unpacked(codec: int, packed: bytes) -> None:
    """One byte is too much; one byte less passes, below."""
    with pytest.raises(TooLargeError):
        unpacked(packed_by(packed, codec))


@pytest.mark.parametrize(
    ("codec", "packed"),
    [
        (1, gzip.compress(TOO_MUCH[:-1])),
        (2, bytes(cramjam.snappy.compress_raw(TOO_MUCH[:-1]))),
        (2, snappy_encode(TOO_MUCH[:-1])),
        (3, bytes(cramjam.lz4.compress(TOO_MUCH[:-1]))),
        (4, bytes(cramjam.zstd.compress(TOO_MUCH[:-1]))),
    ],
    ids=["gzip", "snappy", "xerial", "lz4", "zstd"],
)
def test_batch_at_the_limit_is_unpacked(codec: int, packed: bytes) -> None:
    """The head says afterwards that nothing is compressed."""
    plain = unpacked(packed_by(packed, codec))
    assert plain[HEAD_BYTES:] == TOO_MUCH[:-1]
    assert DefaultRecordBatch(plain).compression_type == 0


@pytest.mark.parametrize(
    ("codec", "packed"),
    [
        (1, b"junk"),
        (1, gzip.compress(b"x" * 1000)[:-9]),
        (1, gzip.compress(b"") * 2000),
        (2, b""),
        (2, b"\x05junk"),
        (4, b"junk"),
        (5, b"junk"),
    ],
    ids=["gzip", "cut off", "many members", "empty", "snappy", "zstd", "unknown"],
)
def test_broken_compression_is_an_error_that_aiokafka_has(codec: int, packed: bytes) -> None:
    """The listener translates it; a broker does not take such a batch."""
    with pytest.raises(CorruptRecordException):
        unpacked(packed_by(packed, codec))


def test_record_with_too_many_headers_is_not_read() -> None:
    """A million of them fit into a batch, and take 100 MB."""
    refuse_many_headers(batch_of(*[b"x" * 30_000] * 3, headers=HEADERS_MAX_COUNT))
    with pytest.raises(TooLargeError, match="expected at most 10000 headers in a record, got"):
        refuse_many_headers(batch_of(b"", b"", headers=HEADERS_MAX_COUNT + 1))


@pytest.mark.parametrize(
    "junk",
    [b"\x80" * 30_000, b"\x00" * 30_000, b"\xfe\xff\x7f" * 10_000],
    ids=["endless number", "zeros", "long numbers"],
)
def test_search_for_headers_survives_any_bytes(junk: bytes) -> None:
    """Aiokafka's function that reads numbers does not look where the buffer ends."""
    refuse_many_headers(packed_by(junk, 0))
    refuse_many_headers(packed_by(b"\x80\xc0\x7f" + junk, 0))


def test_unread_batch_is_one_dead_letter_and_the_next_batch_is_read() -> None:
    """Its bytes are kept whole, its offset is the last one, and nothing is skipped silently."""
    bomb = batch_of(b"a", TOO_MUCH, codec=1, offset=3)
    letter, event = read(bomb, batch_of(b"{}", codec=1, offset=5))
    assert (letter.offset, event.offset, event.value) == (4, 5, b"{}")
    assert isinstance(letter.value, UnreadBatch)
    assert letter.value == bomb
    work = Work(_delivery(PartitionBook(), letter, SENDER))
    Decoder().decode(Batch([work], 0.0, 0.0))
    died = rejected(work)
    assert died is not None
    assert died.reason is Reason.TOO_LARGE
    assert died.detail == (
        "record batch of offsets 3 to 4: "
        f"expected at most {BATCH_MAX_BYTES} bytes decompressed, got more"
    )


class Assigned:
    """An assignment that is ours."""

    active = True
    paused = False
    position = 0

    def state_value(self, _: object) -> Assigned:
        """Return the state of the partition."""
        return self

    def consumed_to(self, offset: int) -> None:
        """Note the position."""
        self.position = offset


def fetched(*values: bytes, headers: int = 0) -> FetchedRecords:
    """Return what was fetched of a partition."""
    records = Records(batch_of(*values, headers=headers))
    unread = PartitionRecords(PARTITION, records, [], 0, None, None, False, READ_COMMITTED)
    return FetchedRecords(PARTITION, assignment=Assigned(), partition_records=unread, backoff=0)


def test_one_call_hands_out_a_bounded_number_of_bytes() -> None:
    """The record that exceeds it is the last; the rest comes in the next calls."""
    result = fetched(*[b"x" * (HANDED_OUT_BYTES // 4)] * 10)
    counts = []
    while result.has_more():
        counts.append(len(result.getall(500)))
    assert counts == [4, 4, 2]
    assert [len(fetched(*[b"x"] * 10).getall(count)) for count in (3, 500)] == [3, 10]
    assert len(fetched(*[b""] * 10, headers=5000).getall(500)) == 2
