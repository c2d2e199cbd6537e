"""Undoes the content encoding of a body, and stops at a limit for the size of its output.

Responsible for gzip, deflate and zstd as HTTP means them. The compression of a broker's own
protocol (Kafka's record batches) is undone by the broker's client.

A body of a few KB can stand for gigabytes. So the output is made in pieces, and decompression ends
as soon as the limit is passed. Memory holds the output so far and, for zstd, a window. The window
has at most 8 MiB, or the size of the limit if that is larger.
"""

from __future__ import annotations

import contextlib
import threading
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import zstandard

from consumer.errors import Misfit, Reason, Rejected
from consumer.events.refuse import SHOWN_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable

EXPECTED: Final = "none, identity, gzip, deflate or zstd"

MEMBERS_MAX_COUNT: Final = 10_000
"""A gzip body may have several members, and a zstd body several frames. Each of them costs
microseconds, even if it is empty. Millions of them would block the event loop for seconds."""
ZLIB_PIECE_BYTES: Final = 16 * 1024
"""The size of the pieces that zlib gets. The bytes of a piece that follow the end of a member are
copied, so a piece has to be small."""
ZSTD_PIECE_BYTES: Final = 256
"""The size of the pieces that zstd gets. 4 bytes can stand for a block of 128 KiB, and the library
has no limit for its output. A piece of this size makes at most 8 MiB."""
ZSTD_WINDOW_BYTES: Final = 8 * 1024 * 1024
"""The window that a sender may rely on: https://www.rfc-editor.org/rfc/rfc9659#section-3."""

_GZIP_WBITS: Final = 31
_ZLIB_WBITS: Final = 15
_RAW_WBITS: Final = -15
"""The three values are explained at
https://docs.python.org/3/library/zlib.html#zlib.decompress."""
_DEFLATE: Final = 8
_ZLIB_CHECK: Final = 31
_ZLIB_HEADER_BYTES: Final = 2


class _Stream(Protocol):
    """A member that is being decompressed, with the methods of zlib's objects."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: memoryview, max_length: int, /) -> bytes: ...


def decompress(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """Undo one content encoding.

    Args:
        body: The bytes as they arrived.
        encoding: The name as the sender wrote it. If it is empty or `identity`, the body is
            returned as it is.
        limit_bytes: The largest size of the output, in bytes; at least 1.

    Raises:
        Rejected: `unsupported_encoding` for any other name or a list of names; `malformed` for a
            body that is broken, cut off, or goes on behind its end; `too_large` over the limit.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    read = _READERS.get(name)
    if read is None:
        shown = ascii(encoding[:SHOWN_CHARACTERS])
        raise Rejected(Reason.UNSUPPORTED_ENCODING, Misfit("content-encoding", EXPECTED, shown))
    try:
        return read(body, limit_bytes)
    except (zlib.error, zstandard.ZstdError) as error:
        raise _malformed(f"{name}: {error}") from error


def _gzip(body: bytes, limit_bytes: int) -> bytes:
    return _members(body, lambda: zlib.decompressobj(_GZIP_WBITS), limit_bytes)


def _deflate(body: bytes, limit_bytes: int) -> bytes:
    """Read zlib's format, as RFC 9110 says, or raw data, which many senders give this name."""
    start = int.from_bytes(body[:_ZLIB_HEADER_BYTES], "big")
    # Raw data that looks like this header begins with a stored block whose padding is not zero.
    # No encoder makes such a block.
    is_zlib = start >> 8 & 0x0F == _DEFLATE and start % _ZLIB_CHECK == 0
    out = bytearray()
    at = _member(
        memoryview(body),
        zlib.decompressobj(_ZLIB_WBITS if is_zlib else _RAW_WBITS),
        ZLIB_PIECE_BYTES,
        limit_bytes,
        out,
    )
    if at < len(body):
        raise _malformed(f"deflate: {len(body) - at} bytes behind its end")
    return bytes(out)


def _zstd(body: bytes, limit_bytes: int) -> bytes:
    # A frame that states its size may ask for a window of that size. The size is checked first,
    # because otherwise a frame over the limit would be called malformed for its window.
    with contextlib.suppress(zstandard.ZstdError):  # a broken header is refused below
        if zstandard.frame_content_size(body) > limit_bytes:
            raise _too_large(limit_bytes)
    decompressor = _decompressors.of_window(max(ZSTD_WINDOW_BYTES, limit_bytes))
    return _members(body, lambda: _ZstdFrame(decompressor), limit_bytes, ZSTD_PIECE_BYTES)


class _Decompressors(threading.local):
    """The decompressors of a thread. To make a decompressor costs more than most bodies.

    All frames of a decompressor share its memory, so two threads must not use it at the same time.
    """

    def __init__(self) -> None:
        self.of_window = lru_cache(maxsize=8)(_zstd_decompressor)


def _zstd_decompressor(window_bytes: int) -> zstandard.ZstdDecompressor:
    return zstandard.ZstdDecompressor(max_window_size=window_bytes)


_decompressors: Final = _Decompressors()


class _ZstdFrame:
    """A zstd frame with the methods of zlib's objects. Only its small pieces limit its output."""

    def __init__(self, decompressor: zstandard.ZstdDecompressor) -> None:
        self._frame = decompressor.decompressobj()

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data

    def decompress(self, data: memoryview, _: int, /) -> bytes:
        return self._frame.decompress(data)


_READERS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
NAMES: Final = frozenset(_READERS)
"""The names of all content encodings that can be undone."""


def _members(
    body: bytes,
    start: Callable[[], _Stream],
    limit_bytes: int,
    piece_bytes: int = ZLIB_PIECE_BYTES,
) -> bytes:
    """Read member after member to the end of the body."""
    view = memoryview(body)
    out = bytearray()
    at = _member(view, start(), piece_bytes, limit_bytes, out)
    count = 1
    while at < len(body):
        if count >= MEMBERS_MAX_COUNT:
            raise _malformed(
                f"body: expected at most {MEMBERS_MAX_COUNT} compressed members, got more"
            )
        at += _member(view[at:], start(), piece_bytes, limit_bytes, out)
        count += 1
    return bytes(out)


def _member(
    view: memoryview, stream: _Stream, piece_bytes: int, limit_bytes: int, out: bytearray
) -> int:
    """Add what a member holds to `out`, and return where the member ends."""
    at = 0
    while not stream.eof:
        piece = view[at : at + piece_bytes]
        if not piece:
            raise _malformed("body: cut off, the compressed data has no end")
        out += stream.decompress(piece, limit_bytes - len(out) + 1)
        if len(out) > limit_bytes:
            raise _too_large(limit_bytes)
        # The whole piece was read, because its output did not reach the limit.
        at += len(piece) - len(stream.unused_data)
    return at


def _malformed(detail: str) -> Rejected:
    return Rejected(Reason.MALFORMED, detail)


def _too_large(limit_bytes: int) -> Rejected:
    expected = f"at most {limit_bytes} bytes decompressed"
    return Rejected(Reason.TOO_LARGE, Misfit("body", expected, "more"))
