"""Tests that a record batch is unpacked within its limits, and as aiokafka unpacks it."""

from __future__ import annotations

import contextlib
import gzip
from collections import deque
from typing import Any, Final

import cramjam
import pytest
import zstandard
from aiokafka.codec import snappy_encode
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint_py

from consumer.errors import Reason
from consumer.listeners.kafka import batches, unpack
from consumer.listeners.kafka.batches import Records, UnreadBatch
from consumer.listeners.kafka.internals import FetchedRecords, hand_out_at_most
from consumer.listeners.kafka.listener import _delivery
from consumer.listeners.kafka.offsets import PartitionBook
from consumer.listeners.kafka.unpack import (
    BATCH_MAX_BYTES,
    HEAD_BYTES,
    HEADERS_MAX_COUNT,
    PARTS_MAX_COUNT,
    PIECE_BYTES,
    RECORD_MAX_BYTES,
    TooLargeError,
    small_batches,
)
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from tests.support.fates import SENDER, rejected
from tests.unit.test_kafka_internals import CODECS, PARTITION, written

NO_PRODUCER: Final = -1
PACKED: Final = {name: codec for name, codec in CODECS.items() if codec}
TOO_MUCH: Final = bytes(RECORD_MAX_BYTES + PIECE_BYTES)


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
    head[8:12] = (HEAD_BYTES + len(records) - 12).to_bytes(4, "big")
    head[22] |= codec
    return bytes(head) + records


def read(*batches: bytes) -> list[Any]:
    """Read what a broker sent as aiokafka does, with our class."""
    records = Records(b"".join(batches))
    return list(PartitionRecords(PARTITION, records, [], 0, None, None, False, READ_COMMITTED))


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
@pytest.mark.parametrize("count", [1, 99, 100, 101, 1000, 50_000])
def test_batch_is_read_as_aiokafka_reads_it(codec: int, count: int) -> None:
    """With every compression; records in the same order, at the same offsets."""
    batch = batch_of(*(b"%d" % number * 50 for number in range(count)), codec=codec, headers=2)
    theirs = MemoryRecords(batch)
    expected = [(record.offset, record.value) for record in theirs.next_batch()]
    assert len(expected) == count
    assert [(record.offset, record.value) for record in read(batch)] == expected


@pytest.mark.parametrize("codec", PACKED.values(), ids=PACKED)
def test_large_batch_is_unpacked_in_pieces(codec: int) -> None:
    """Memory holds one of them; a record that is larger than a piece is whole."""
    values = [b"x" * 1000] * 10_000 + [b"y" * 3 * PIECE_BYTES] + [b"z"] * 10
    pieces = list(small_batches(batch_of(*values, codec=codec)))
    assert len(pieces) > 5 or codec == CODECS["snappy"]
    assert max(map(len, pieces)) < 8 * PIECE_BYTES
    assert {DefaultRecordBatch(piece).compression_type for piece in pieces} == {0}
    assert [record.value for record in read(batch_of(*values, codec=codec))] == values


@pytest.mark.parametrize("codec", [CODECS["gzip"], CODECS["zstd"]], ids=["gzip", "zstd"])
@pytest.mark.parametrize("piece_bytes", [1, 2, 3, 7, 1000])
def test_pieces_may_end_anywhere(
    codec: int, piece_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a record's length, too."""
    monkeypatch.setattr(unpack, "PIECE_BYTES", piece_bytes)
    values = [b"x" * length for length in (0, 1, *range(100, 170), 30_000)]
    batch = batch_of(*values, codec=codec, headers=3)
    assert [record.value for record in read(batch)] == values


@pytest.mark.parametrize(
    ("codec", "packed"),
    [
        (1, gzip.compress(TOO_MUCH)),
        (1, gzip.compress(b"") * (PARTS_MAX_COUNT + 1)),
        (2, bytes(cramjam.snappy.compress_raw(TOO_MUCH))),
        (2, b"\xff\xff\xff\xff\x0f\x00a"),
        (2, snappy_encode(b"")[:16] + b"\0\0\0\1\0" * (PARTS_MAX_COUNT + 1)),
        (4, bytes(cramjam.zstd.compress(TOO_MUCH))),
    ],
    ids=["gzip", "members", "snappy", "snappy that lies", "xerial blocks", "zstd"],
)
def test_more_than_permitted_is_not_unpacked(codec: int, packed: bytes) -> None:
    """Zeros are no records; and there may be nothing but empty parts."""
    with pytest.raises((TooLargeError, CorruptRecordException)):
        list(small_batches(packed_by(packed, codec)))


@pytest.mark.parametrize("codec", PACKED.values(), ids=PACKED)
def test_record_that_is_too_large_is_not_kept(codec: int) -> None:
    """However small it was when it came."""
    batch = batch_of(b"first", TOO_MUCH, codec=codec)
    with pytest.raises(TooLargeError):
        list(small_batches(batch))


def test_record_that_was_not_compressed_may_be_large() -> None:
    """It has come whole, and its body becomes a letter of its own."""
    values = [b"a", TOO_MUCH, b"b"]
    assert [record.value for record in read(batch_of(*values))] == values


@pytest.mark.parametrize("codec", [1, 4], ids=["gzip", "zstd"])
def test_batch_that_never_ends_is_left(codec: int) -> None:
    """All its records are small, and there are gigabytes of them."""
    one = batch_of(b"x" * 1000)[HEAD_BYTES:]
    many = one * (BATCH_MAX_BYTES // len(one) + 1000)
    packed = gzip.compress(many, 1) if codec == 1 else zstandard.compress(many, 1)
    pieces = small_batches(packed_by(packed, codec))
    assert len(next(pieces)) < 2 * PIECE_BYTES
    with pytest.raises(TooLargeError, match="bytes unpacked"):
        deque(pieces, maxlen=0)


@pytest.mark.parametrize(
    ("codec", "packed"),
    [
        (1, b"junk"),
        (1, gzip.compress(b"x" * 1000)[:-9]),
        (2, b""),
        (2, b"\x05junk"),
        (3, b"junk"),
        (3, b"\x04\x22\x4d\x18"),
        (3, b"\x04\x22\x4d\x18\x40\x40\0\x05\0\0\0junk!"),
        (4, b"junk"),
        (5, b"junk"),
        (0, b"\x00" * 30_000),
        (0, b"\x01" * 30_000),
        (0, b"\x80" * 30_000),
        (0, b"\x80\xc0\x7f" + b"\x80" * 2_000_000),
    ],
    ids=[
        *("gzip", "gzip cut off", "snappy empty", "snappy", "lz4", "lz4 cut off", "lz4 block"),
        *("zstd", "unknown", "empty records", "negative records", "endless number", "broken"),
    ],
)
def test_broken_batch_is_one_dead_letter(codec: int, packed: bytes) -> None:
    """Its checksum is right, so it will never be read, and must not block the partition."""
    (letter,) = read(packed_by(packed, codec))
    assert isinstance(letter.value, UnreadBatch)
    assert letter.value.why.reason is Reason.MALFORMED


def test_broken_length_behind_an_odd_name_does_not_end_the_process() -> None:
    """Aiokafka's slow code would read a terabyte behind the buffer, by its function in C."""
    name = b"\x04\xff\xfe\x00"
    inner = b"\0\0\0\x01\0\x02" + name + b"\0"
    odd = bytes([2 * len(inner)]) + inner
    far = b"\0\0\0\xfe\xff\xff\xff\xff\xff\x7f" + b"\0" * 10
    for records in (odd + bytes([2 * len(far)]) + far, bytes([2 * len(far)]) + far):
        batch = bytearray(packed_by(records, 0))
        batch[57:61] = (2).to_bytes(4, "big")
        found = read(bytes(batch))
        assert isinstance(found[-1].value, UnreadBatch)


def test_records_before_an_odd_name_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow code reads only the records that the fast code has not read."""
    slow: list[int] = []

    def counted(buffer: bytearray, at: int) -> object:
        slow.append(at)
        return decode_varint_py(buffer, at)

    monkeypatch.setattr(batches, "decode_varint_py", counted)
    assert len(read(batch_of(*[b"x" * 100] * 150, headers=2))) == 150
    assert slow == []
    first = batch_of(*[b"x" * 100] * 150)
    last = written(offset=150)[HEAD_BYTES:]
    batch = bytearray(packed_by(first[HEAD_BYTES:] + last, 0))
    batch[57:61] = (151).to_bytes(4, "big")
    found: list[Any] = list(Records(bytes(batch)).next_batch())
    assert [record.value for record in found] == [b"x" * 100] * 150 + [b"{}"]
    assert len(slow) < 51 * 12


def test_what_follows_a_member_of_gzip_is_ignored() -> None:
    """As Java's reader does, and so the broker."""
    records = batch_of(b"a", b"b")[HEAD_BYTES:]
    batch = bytearray(packed_by(gzip.compress(records) + b"junk", 1))
    batch[57:61] = (2).to_bytes(4, "big")
    assert [record.value for record in read(bytes(batch))] == [b"a", b"b"]


def test_record_with_too_many_headers_is_not_read() -> None:
    """A million of them fit into a batch, and take 100 MB."""
    assert len(read(batch_of(*[b"x" * 30_000] * 3, headers=HEADERS_MAX_COUNT))) == 3
    (letter,) = read(batch_of(b"x" * 30_000, headers=HEADERS_MAX_COUNT + 1))
    assert "at most 1000 headers, got 1001" in letter.value.why.detail


def test_unread_batch_is_one_dead_letter_and_the_next_batch_is_read() -> None:
    """Its bytes are kept whole, its offset is the last one, and nothing is skipped silently."""
    bomb = batch_of(b"a", TOO_MUCH, codec=1, offset=3)
    first, letter, event = read(bomb, batch_of(b"{}", codec=1, offset=5))
    assert (first.offset, first.value) == (3, b"a")
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
        f"expected records of at most {RECORD_MAX_BYTES} bytes, got more"
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
    result = fetched(*[b"x" * 1001] * 10)
    counts = []
    while result.has_more():
        hand_out_at_most(4000)
        counts.append(len(result.getall(500)))
    assert counts == [4, 4, 2]
    hand_out_at_most(4000)
    assert [len(fetched(*[b"x" * 1001] * 3).getall(count)) for count in (500, 500)] == [3, 1]
    assert fetched(b"x").getall(500) == []
    hand_out_at_most(4000)
    assert len(fetched(*[b""] * 10, headers=20).getall(500)) == 2
    hand_out_at_most(4000)
    assert len(fetched(*[b""] * 10).getall(3)) == 3


@pytest.mark.parametrize("magic", range(256))
def test_format_that_does_not_exist_raises_what_is_known(magic: int) -> None:
    """Any other error would end the process, or the task of aiokafka that fetches."""
    whole = batch_of(b"a", b"b")
    for check in (0x00, 0x7F, 0x80, 0xFF):
        broken = bytearray(whole)
        broken[16:19] = magic, check, check
        records = Records(bytes(broken) + batch_of(b"c", offset=2))
        records.leave_out_before(2)
        for data in (bytes(broken), bytes(broken) + whole):
            with contextlib.suppress(*batches.READ_ERRORS):
                read(data)
