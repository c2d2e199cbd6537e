"""Undoes the compression of Kafka's record batches, piece by piece.

aiokafka unpacks a batch as a whole and without a limit: 204 KB of gzip took 435 MB. Here a
compressed batch becomes several small batches without compression, which aiokafka reads. Each has
about 1 MiB, or one record, or one block of snappy (at most 32 MiB). The format is described in
https://kafka.apache.org/documentation/#recordbatch.

The compressions are those that a broker accepts: gzip; snappy as one block, or in blocks with their
lengths (xerial), as Java's clients write it; frames of LZ4 whose blocks are independent; zstd.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import cramjam
import zstandard
from aiokafka.errors import CorruptRecordException
from aiokafka.record.util import decode_varint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE_BYTES: Final = 1024 * 1024
RECORD_MAX_BYTES: Final = 8 * 1024 * 1024
"""A larger record of a compressed batch is refused. By default, the decoder refuses bodies of more
than 2 MiB. A record that was not compressed has come whole already, so it has no limit here."""
BLOCK_MAX_BYTES: Final = 32 * 1024 * 1024
"""The largest block of snappy. 1 MiB of snappy stands for at most 21 MiB."""
BATCH_MAX_BYTES: Final = 128 * 1024 * 1024
"""The largest size of a batch after its compression is undone. Honest batches stay far below it."""
HEADERS_MAX_COUNT: Final = 1000
"""The largest number of headers of one record. A header takes at least two bytes of a record, and
about 100 bytes of memory."""
CUT_AT_ONCE_COUNT: Final = 2000
"""A small batch has at most this many records. To find where a record ends takes a microsecond."""
PARTS_MAX_COUNT: Final = 10_000
"""The largest number of members or blocks in a batch. An empty part costs time too."""

HEAD_BYTES: Final = 61
"""A batch begins with its offsets, times and attributes. The compressed records follow."""
RECORDS_COUNT_AT: Final = 57
ATTRIBUTES_AT: Final = 21
TYPE_BITS: Final = 0x07
GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
SHORT_RECORD_BYTES: Final = 2 * HEADERS_MAX_COUNT
SHORT_BATCH_BYTES: Final = 20_000
"""A batch of this size that was not compressed passes without a look at its records."""
VARINT_MAX_BYTES: Final = 16
"""No number of a record has as many bytes."""
_GZIP_WBITS: Final = 31
_GZIP_MAGIC: Final = b"\x1f\x8b"
_XERIAL_MAGIC: Final = b"\x82SNAPPY\x00"
_XERIAL_HEAD_BYTES: Final = 16
_LENGTH_BYTES: Final = 4
_LZ4_MAGIC: Final = b"\x04\x22\x4d\x18"
_LZ4_STORED_BITS: Final = 1 << 31
_LZ4_BLOCK_BYTES: Final = {4: 65_536, 5: 262_144, 6: 1_048_576, 7: 4_194_304}


class TooLargeError(Exception):
    """A batch or a record is over a limit. The text says what was expected and what was found."""


def small_batches(batch: bytes) -> Iterator[bytes]:
    """Cut a batch into batches without compression, each with whole records only.

    Args:
        batch: A batch of the format that Kafka has had since 0.11.

    Raises:
        TooLargeError: The batch or one of its records is over a limit.
        CorruptRecordException: The compressed data or the records are broken.
    """
    compression_type = batch[ATTRIBUTES_AT + 1] & TYPE_BITS
    if not compression_type and len(batch) <= SHORT_BATCH_BYTES:
        yield batch
        return
    left_count = int.from_bytes(batch[RECORDS_COUNT_AT:HEAD_BYTES], "big")
    limit_bytes = RECORD_MAX_BYTES if compression_type else len(batch)
    buffer = bytearray()
    for piece in _pieces(batch[HEAD_BYTES:], compression_type):
        buffer += piece
        while (found := _whole_records(buffer, limit_bytes))[0]:
            count, end = found
            yield _batch_of(batch, count, buffer[:end])
            del buffer[:end]
            left_count -= count
    _whole_records(buffer, limit_bytes)
    if buffer or left_count:
        raise CorruptRecordException("the batch has more or fewer records than it says")


def rest_of(batch: bytes, read_count: int) -> bytes:
    """Return a batch that has no compression without its first records."""
    buffer = bytearray(batch) + bytes(VARINT_MAX_BYTES)
    at = HEAD_BYTES
    for _ in range(read_count):
        length_bytes, start = decode_varint(buffer, at)
        at = start + length_bytes
    left_count = int.from_bytes(batch[RECORDS_COUNT_AT:HEAD_BYTES], "big") - read_count
    return _batch_of(batch, left_count, buffer[at : len(batch)])


def _batch_of(batch: bytes, count: int, records: bytearray) -> bytes:
    head = bytearray(batch[:HEAD_BYTES])
    head[ATTRIBUTES_AT + 1] &= ~TYPE_BITS
    head[RECORDS_COUNT_AT:] = count.to_bytes(_LENGTH_BYTES, "big")
    return bytes(head + records)


def _whole_records(buffer: bytearray, limit_bytes: int) -> tuple[int, int]:
    """Return the number of the whole records at the beginning of a buffer, and where they end.

    Raises:
        TooLargeError: The first record is over a limit.
        CorruptRecordException: The first record is broken.
    """
    count = at = 0
    size_bytes = len(buffer)
    buffer += bytes(VARINT_MAX_BYTES)  # aiokafka's function does not look where the buffer ends
    try:
        while at < size_bytes and count < CUT_AT_ONCE_COUNT:
            end = _end_of_record(buffer, at, size_bytes, limit_bytes)
            if end > size_bytes:
                break
            count += 1
            at = end
    except (TooLargeError, CorruptRecordException):
        if not count:  # the records before it come first
            raise
    finally:
        del buffer[size_bytes:]
    return count, at


def _end_of_record(buffer: bytearray, at: int, size_bytes: int, limit_bytes: int) -> int:
    """Return where the record at this position ends, which may be behind the buffer."""
    try:
        length_bytes, start = decode_varint(buffer, at)
    except ValueError as error:  # the number has too many bytes
        if size_bytes - at < VARINT_MAX_BYTES:
            return size_bytes + 1
        raise CorruptRecordException(str(error)) from error
    if start > size_bytes:  # only a part of the number has come so far
        return size_bytes + 1
    if length_bytes <= 0:
        raise CorruptRecordException(f"a record of {length_bytes} bytes")
    if length_bytes > limit_bytes:
        raise TooLargeError(f"expected records of at most {limit_bytes} bytes, got more")
    end: int = start + length_bytes
    if length_bytes > SHORT_RECORD_BYTES and end <= size_bytes:
        _refuse_many_headers(buffer, start, end)
    return end


def _refuse_many_headers(buffer: bytearray, at: int, end: int) -> None:
    at += 1  # attributes
    for is_size in (False, False, True, True):  # time, offset; sizes of key and value
        if at >= end:
            return  # the record is broken, and aiokafka will say so
        number, at = decode_varint(buffer, at)
        at += max(number, 0) if is_size else 0
    count = decode_varint(buffer, at)[0] if at < end else 0
    if count > HEADERS_MAX_COUNT:
        raise TooLargeError(f"expected records of at most {HEADERS_MAX_COUNT} headers, got {count}")


def _pieces(packed: bytes, compression_type: int) -> Iterator[bytes]:
    """Undo a compression. Each piece has about `PIECE_BYTES`, or is a block of the compression."""
    if not compression_type:
        yield packed
        return
    read = _READERS.get(compression_type)
    if read is None:
        raise CorruptRecordException(f"unknown compression {compression_type}")
    size_bytes = 0
    try:
        for piece in read(packed):
            size_bytes += len(piece)
            if size_bytes > BATCH_MAX_BYTES:
                raise TooLargeError(f"expected at most {BATCH_MAX_BYTES} bytes unpacked, got more")
            yield piece
    except (zlib.error, zstandard.ZstdError, cramjam.DecompressionError, LookupError) as error:
        raise CorruptRecordException(str(error)) from error


def _gzip(packed: bytes) -> Iterator[bytes]:
    for _ in range(PARTS_MAX_COUNT):
        member = zlib.decompressobj(_GZIP_WBITS)
        while not member.eof:
            piece = member.decompress(packed, PIECE_BYTES)
            yield piece
            if not piece and not member.unconsumed_tail and not member.eof:
                raise CorruptRecordException("gzip: cut off")
            packed = member.unconsumed_tail
        packed = member.unused_data
        # Java's reader, and so the broker, ignores bytes after the last member.
        if not packed.startswith(_GZIP_MAGIC):
            return
    raise TooLargeError(f"expected at most {PARTS_MAX_COUNT} members of gzip, got more")


def _zstd(packed: bytes) -> Iterator[bytes]:
    stream = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
    while piece := stream.read(PIECE_BYTES):
        yield piece


def _lz4(packed: bytes) -> Iterator[bytes]:
    if not packed.startswith(_LZ4_MAGIC):
        raise CorruptRecordException("lz4: no frame")
    flags, descriptor = packed[4], packed[5]
    has_checksums, has_size, has_dictionary = flags & 0x10, flags & 0x08, flags & 0x01
    room = bytearray(_LZ4_BLOCK_BYTES[descriptor >> 4 & 7])
    at = 7 + (8 if has_size else 0) + (4 if has_dictionary else 0)
    for _ in range(PARTS_MAX_COUNT):
        length_bytes = int.from_bytes(packed[at : at + _LENGTH_BYTES], "little")
        if not length_bytes:
            return
        start = at + _LENGTH_BYTES
        at = start + (length_bytes & ~_LZ4_STORED_BITS)
        block = packed[start:at]
        if length_bytes & _LZ4_STORED_BITS:
            yield block
        else:
            used_bytes = cramjam.lz4.decompress_block_into(block, room)
            yield bytes(memoryview(room)[:used_bytes])
        at += _LENGTH_BYTES if has_checksums else 0
    raise TooLargeError(f"expected at most {PARTS_MAX_COUNT} blocks of LZ4, got more")


def _snappy(packed: bytes) -> Iterator[bytes]:
    if not packed.startswith(_XERIAL_MAGIC):
        yield _snappy_block(packed)
        return
    at = _XERIAL_HEAD_BYTES
    for _ in range(PARTS_MAX_COUNT):
        if at >= len(packed):
            return
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(packed[at:start], "big")
        yield _snappy_block(packed[start:at])
    raise TooLargeError(f"expected at most {PARTS_MAX_COUNT} blocks of snappy, got more")


def _snappy_block(packed: bytes) -> bytes:
    # A block begins with the size of its output. The library refuses a block with another size.
    if cramjam.snappy.decompress_raw_len(packed) > BLOCK_MAX_BYTES:
        raise TooLargeError(f"expected blocks of at most {BLOCK_MAX_BYTES} bytes, got more")
    return bytes(cramjam.snappy.decompress_raw(packed))


_READERS: Final[dict[int, Callable[[bytes], Iterator[bytes]]]] = {
    GZIP: _gzip,
    SNAPPY: _snappy,
    LZ4: _lz4,
    ZSTD: _zstd,
}
