"""Cuts a file into events: one a line, or one JSON document, or several, or a JSON array.

Lines and documents pass one at a time, so a file may be of any size; an array is read whole.
What is inside an event is none of its business.
"""

from __future__ import annotations

import gzip
import io
import itertools
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import msgspec

from consumer.errors import ConsumerError
from consumer.events.refuse import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT_MAX_BYTES: Final = 16 * 1024 * 1024
"""More than any broker takes by default."""
ARRAY_MAX_BYTES: Final = 256 * 1024 * 1024
BOM: Final = b"\xef\xbb\xbf"
GZIP: Final = b"\x1f\x8b"

_decode_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Record(msgspec.Struct, frozen=True):
    """One event as it stands in a file.

    Attributes:
        event: The event's number; the first event is 1. 0: this is not an event, but the file.
        line: The line on which it begins; the first line is 1.
        body: The event's bytes, without the end of the line. Empty if they are too many.
        size_bytes: The size of the body, in bytes. A body over `EVENT_MAX_BYTES` is not read.
    """

    event: int
    line: int
    body: bytes = b""
    size_bytes: int = 0


class EventFile:
    """The events of one file, once.

    Args:
        stream: positioned at its beginning; gzip is unpacked.

    Attributes:
        unit: what people call an event by: `line`, or `event` in an array.
        has_bom: it begins with a byte order mark, which is skipped.
        crlf_line: the first line that ends with CR LF; 0: none.

    Raises:
        ConsumerError: it cannot be read or unpacked.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = _buffered(stream)
        self.crlf_line = 0
        if self._peek().startswith(GZIP):
            self._stream = _buffered(cast("BinaryIO", gzip.GzipFile(fileobj=self._stream)))
        self.has_bom = self._peek().startswith(BOM)
        if self.has_bom:
            self._stream.read(len(BOM))
        self.unit = "event" if self._peek().lstrip().startswith(b"[") else "line"

    def __iter__(self) -> Iterator[Record]:
        """Give each event.

        Raises:
            ConsumerError: it cannot be read or unpacked, or is an array that is too large.
        """
        if self.unit == "event":
            return self._array()
        lines = self._lines()
        head = list(itertools.islice(lines, 2))
        every = itertools.chain(head, lines)
        records = _documents(every) if _is_laid_out(head) else every
        return (msgspec.structs.replace(one, event=event) for event, one in enumerate(records, 1))

    def _peek(self) -> bytes:
        try:
            return self._stream.peek()
        except (OSError, EOFError, zlib.error) as error:
            raise ConsumerError(f"cannot be read: {error}") from error

    def _readline(self) -> bytes:
        try:
            return self._stream.readline(EVENT_MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise ConsumerError(f"cannot be read: {error}") from error

    def _lines(self) -> Iterator[Record]:
        """Give each line that is not empty."""
        number = 0
        while line := self._readline():
            number += 1
            size_bytes, piece = len(line), line
            while len(piece) > EVENT_MAX_BYTES and not piece.endswith(b"\n"):
                piece = self._readline()
                size_bytes += len(piece)
            if not self.crlf_line and line.endswith(b"\r\n"):
                self.crlf_line = number
            size_bytes -= piece.endswith(b"\n")
            if size_bytes > EVENT_MAX_BYTES:
                yield Record(0, number, b"", size_bytes)
            elif not line.isspace():
                yield Record(0, number, line.rstrip(b"\r\n"), size_bytes)

    def _array(self) -> Iterator[Record]:
        """Give each event of an array; if it is none, all of it as one."""
        try:
            data = self._stream.read(ARRAY_MAX_BYTES + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise ConsumerError(f"cannot be read: {error}") from error
        if len(data) > ARRAY_MAX_BYTES:
            raise ConsumerError(
                f"an array of more than {ARRAY_MAX_BYTES} bytes: write one event a line, "
                "as `jq -c '.[]'` does"
            )
        try:
            events = _decode_list(data)
        except UNREADABLE:
            yield Record(1, 1, data)  # which will be told to be no JSON
            return
        at, line = 0, 1
        for event, raw in enumerate(events, 1):
            body = bytes(raw)
            begin = data.index(body, at)  # only the bracket, or spaces and a comma, are before it
            line += data.count(b"\n", at, begin)
            yield Record(event, line, body)
            at = begin + len(body)
            line += body.count(b"\n")


def _buffered(stream: BinaryIO) -> io.BufferedReader:
    if isinstance(stream, io.BufferedReader):
        return stream
    return io.BufferedReader(cast("io.RawIOBase", stream))


def _is_laid_out(head: list[Record]) -> bool:
    """Tell whether an event takes several lines: the first one is no JSON, and goes on."""
    begins = [one.body.lstrip().startswith(b"{") for one in head]
    if begins != [True, False]:
        return False
    try:
        msgspec.json.decode(head[0].body, type=msgspec.Raw)
    except UNREADABLE:
        return True
    return False


def _documents(lines: Iterator[Record]) -> Iterator[Record]:
    """Join lines; a brace at the very beginning of one begins the next document."""
    first: Record | None = None
    body = bytearray()
    size_bytes = 0
    for line in lines:
        if first is not None and line.body.startswith(b"{"):
            yield Record(0, first.line, bytes(body), size_bytes)
            first, size_bytes = None, 0
            body.clear()
        first = first or line
        size_bytes += line.size_bytes + 1
        body += line.body + b"\n"
        if size_bytes > EVENT_MAX_BYTES:
            body.clear()
    if first is not None:
        yield Record(0, first.line, bytes(body), size_bytes)
