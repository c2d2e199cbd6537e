"""Undoes the compression of Kafka's record batches, up to a limit for the size of the output.

aiokafka undoes it without a limit: 204 KB of gzip took 435 MB. The format of a batch is described
in https://kafka.apache.org/documentation/#recordbatch, and the compressions in
https://kafka.apache.org/documentation/#producerconfigs_compression.type. Java's clients write
snappy in blocks, each with its length before it (xerial); other clients write it as one block.
"""

from __future__ import annotations

import contextlib
import zlib
from typing import TYPE_CHECKING, Final

import cramjam
import zstandard
from aiokafka.errors import CorruptRecordException
from aiokafka.record.util import decode_varint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BATCH_MAX_BYTES: Final = 16 * 1024 * 1024
"""The largest size of a batch after its compression is undone. Brokers take compressed batches of
at most 1 MiB, if nobody has changed `max.message.bytes`."""
HEADERS_MAX_COUNT: Final = 10_000
"""The largest number of headers of one record. Two bytes make a header, and 100 bytes of memory."""

HEAD_BYTES: Final = 61
"""A batch begins with its offsets, times and attributes. The compressed records follow."""
ATTRIBUTES_AT: Final = 21
CODEC_BITS: Final = 0x07
GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
VARINT_MAX_BYTES: Final = 16
"""A number of a record takes less: 7 bits in each byte."""
MEMBERS_MAX_COUNT: Final = 1000
LZ4_USUAL_RATIO: Final = 16
XERIAL: Final = b"\x82SNAPPY\x00"
XERIAL_HEAD_BYTES: Final = 16
BLOCK_LENGTH_BYTES: Final = 4
SHORT_RECORD_BYTES: Final = 2 * HEADERS_MAX_COUNT
_GZIP_WBITS: Final = 31


class TooLargeError(Exception):
    """A batch, or the number of headers of one of its records, is over the limit.

    The text says what was expected and what was found.
    """


def unpacked(batch: bytes) -> bytes:
    """Return a batch without its compression. A batch without compression is returned as it is.

    Raises:
        TooLargeError: The batch is over a limit.
        CorruptRecordException: The compressed data is broken, or its compression is unknown.
    """
    codec = batch[ATTRIBUTES_AT + 1] & CODEC_BITS
    if not codec:
        return batch
    read = _READERS.get(codec)
    if read is None:
        raise CorruptRecordException(f"unknown compression {codec}")
    try:
        records = read(batch[HEAD_BYTES:])
    except (zlib.error, zstandard.ZstdError, cramjam.DecompressionError) as error:
        raise CorruptRecordException(str(error)) from error
    head = bytearray(batch[:HEAD_BYTES])
    head[ATTRIBUTES_AT + 1] &= ~CODEC_BITS
    return bytes(head) + records


def refuse_many_headers(batch: bytes) -> None:
    """Refuse a batch with a record that has more than `HEADERS_MAX_COUNT` headers.

    Args:
        batch: The batch without compression. What is broken in it is found when it is read.

    Raises:
        TooLargeError: There is such a record.
    """
    if len(batch) <= SHORT_RECORD_BYTES:
        return
    most = 0
    with contextlib.suppress(ValueError):
        most = max(_headers_of_long_records(batch), default=0)
    if most > HEADERS_MAX_COUNT:
        raise TooLargeError(f"expected at most {HEADERS_MAX_COUNT} headers in a record, got {most}")


def _headers_of_long_records(batch: bytes) -> Iterator[int]:
    """Give the number of headers of each record that is long enough to have too many."""
    # aiokafka's function does not look where the buffer ends.
    buffer = bytearray(batch) + bytes(VARINT_MAX_BYTES)
    at, end = HEAD_BYTES, len(batch)
    while at < end:
        length_bytes, at = decode_varint(buffer, at)
        if length_bytes > SHORT_RECORD_BYTES:
            yield _headers_count(buffer, at, end)
        at += max(length_bytes, 1)


def _headers_count(buffer: bytearray, at: int, end: int) -> int:
    """Return how many headers a record says it has; 0 if the record is broken."""
    at += 1  # attributes
    for skipped in (False, False, True, True):  # times, offsets, key, value
        if at >= end:
            return 0
        number, at = decode_varint(buffer, at)
        if skipped:
            at += max(number, 0)
    count: int = decode_varint(buffer, at)[0] if at < end else 0
    return count


def _limited(size_bytes: int) -> None:
    if size_bytes > BATCH_MAX_BYTES:
        raise TooLargeError(f"expected at most {BATCH_MAX_BYTES} bytes decompressed, got more")


def _gzip(packed: bytes) -> bytes:
    parts: list[bytes] = []
    size_bytes = 0
    while packed:
        member = zlib.decompressobj(_GZIP_WBITS)
        parts.append(member.decompress(packed, BATCH_MAX_BYTES - size_bytes + 1))
        size_bytes += len(parts[-1])
        _limited(size_bytes)
        if not member.eof or len(parts) > MEMBERS_MAX_COUNT:
            raise CorruptRecordException("gzip: cut off, or in too many members")
        packed = member.unused_data
    return b"".join(parts)


def _zstd(packed: bytes) -> bytes:
    stream = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
    records = stream.read(BATCH_MAX_BYTES + 1)
    _limited(len(records))
    return records


def _lz4(packed: bytes) -> bytes:
    for room_bytes in (LZ4_USUAL_RATIO * len(packed), BATCH_MAX_BYTES):
        room = bytearray(min(room_bytes, BATCH_MAX_BYTES))
        try:
            used_bytes = cramjam.lz4.decompress_into(packed, room)
        except cramjam.DecompressionError:
            continue  # broken, or the room is too small
        return bytes(memoryview(room)[:used_bytes])
    raise TooLargeError(
        f"expected LZ4 of at most {BATCH_MAX_BYTES} bytes decompressed, got more or broken data"
    )


def _snappy(packed: bytes) -> bytes:
    if not packed.startswith(XERIAL):
        return _snappy_block(packed, 0)
    parts: list[bytes] = []
    at, size_bytes = XERIAL_HEAD_BYTES, 0
    while at < len(packed):
        length_bytes = int.from_bytes(packed[at : at + BLOCK_LENGTH_BYTES], "big")
        at += BLOCK_LENGTH_BYTES
        parts.append(_snappy_block(packed[at : at + length_bytes], size_bytes))
        at += length_bytes
        size_bytes += len(parts[-1])
    return b"".join(parts)


def _snappy_block(packed: bytes, before_bytes: int) -> bytes:
    # A block begins with the size of its output, to which the library holds it.
    _limited(before_bytes + cramjam.snappy.decompress_raw_len(packed))
    return bytes(cramjam.snappy.decompress_raw(packed))


_READERS: Final[dict[int, Callable[[bytes], bytes]]] = {
    GZIP: _gzip,
    SNAPPY: _snappy,
    LZ4: _lz4,
    ZSTD: _zstd,
}
