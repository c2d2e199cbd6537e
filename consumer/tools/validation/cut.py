"""Cuts a file into events: lines, JSON documents over several lines, or the parts of a JSON array.

Responsible for finding where events begin and end. Lines and documents are read one at a time, so a
file of them may have any size. An array is read as a whole. Not responsible for what is inside an
event.
"""

from __future__ import annotations

import gzip
import io
import itertools
import zlib
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import msgspec

from consumer.errors import ConsumerError
from consumer.events.hints import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT_MAX_BYTES: Final = 16 * 1024 * 1024
"""A larger event is not read: no broker takes it by default."""
ARRAY_MAX_BYTES: Final = 256 * 1024 * 1024
GZIP: Final = b"\x1f\x8b"

_decode_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Record(msgspec.Struct, frozen=True):
    """An event as it stands in a file.

    Attributes:
        event_number: The event's number in the file, from 1. 0 stands for the file itself.
        line: The number of the line where the event begins, from 1.
        body: The event's bytes without the line's end. They are left out if `size_bytes` is more
            than `EVENT_MAX_BYTES`.
        size_bytes: The size of the body, in bytes. It is 0 for a file that is no JSON array.
    """

    event_number: int
    line: int
    body: bytes = b""
    size_bytes: int = 0


class EventFile:
    """The events of a file. It can be iterated over once.

    Args:
        stream: The file, positioned at its beginning. A file that is packed with gzip is unpacked.
        labelled: If true, each message names a content encoding. Then a file that does not begin as
            JSON is the body of one message, as it is sent, and is not unpacked here.

    Attributes:
        unit: What people number the events by: `line`, or `event` in an array.
        has_bom: True if the file begins with a byte order mark, which is skipped.
        crlf_line: The number of the first line read so far that ends with CR LF. 0 means that no
            line does.

    Raises:
        ConsumerError: The file cannot be read or unpacked.
    """

    def __init__(self, stream: BinaryIO, *, labelled: bool = False) -> None:
        self._stream = _buffered(stream)
        self.crlf_line = 0
        self._is_body = labelled and not _begins_json(self._peek())
        if not labelled and self._peek().startswith(GZIP):
            self._stream = _buffered(cast("BinaryIO", gzip.GzipFile(fileobj=self._stream)))
        self.has_bom = self._peek().startswith(BOM_UTF8)
        if self.has_bom:
            self._stream.read(len(BOM_UTF8))
        self.unit = "event" if self._peek().lstrip().startswith(b"[") else "line"

    def __iter__(self) -> Iterator[Record]:
        """Yield each event.

        Raises:
            ConsumerError: The file cannot be read or unpacked, or is an array that is too large.
        """
        if self._is_body:
            return self._whole()
        if self.unit == "event":
            return self._array()
        lines = self._lines()
        head = list(itertools.islice(lines, 2))
        every = itertools.chain(head, lines)
        records = _documents(every) if _is_laid_out(head) else every
        return (
            msgspec.structs.replace(record, event_number=number)
            for number, record in enumerate(records, 1)
        )

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
        """Yield each line that is not empty."""
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

    def _whole(self) -> Iterator[Record]:
        """Yield the file as the body of one message."""
        data = self._stream.read(EVENT_MAX_BYTES + 1)
        rest_bytes = sum(map(len, iter(lambda: self._stream.read(EVENT_MAX_BYTES), b"")))
        yield Record(1, 1, data, len(data) + rest_bytes)

    def _array(self) -> Iterator[Record]:
        """Yield each event of an array, or the whole file if it is no JSON array."""
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
            yield Record(1, 1, data)  # the validator will say that this is not JSON
            return
        at, line = 0, 1
        for number, raw in enumerate(events, 1):
            body = bytes(raw)
            begin = data.index(body, at)  # only a bracket, a comma or spaces are before it
            line += data.count(b"\n", at, begin)
            fits = len(body) <= EVENT_MAX_BYTES
            yield Record(number, line, body if fits else b"", len(body))
            at = begin + len(body)
            line += body.count(b"\n")


def _begins_json(head: bytes) -> bool:
    """Tell whether a file holds JSON, or nothing. No compressed data of JSON begins in this way."""
    start = head.removeprefix(BOM_UTF8).lstrip()
    return not start or start.startswith((b"{", b"["))


def _buffered(stream: BinaryIO) -> io.BufferedReader:
    if isinstance(stream, io.BufferedReader):
        return stream
    return io.BufferedReader(cast("io.RawIOBase", stream))


def _is_laid_out(head: list[Record]) -> bool:
    """Tell whether the events take several lines each.

    They do if the first line begins an object but is no whole JSON, and the second line does not
    begin an object.
    """
    begins = [line.body.lstrip().startswith(b"{") for line in head]
    if begins != [True, False]:
        return False
    try:
        msgspec.json.decode(head[0].body, type=msgspec.Raw)
    except UNREADABLE:
        return True
    return False


def _documents(lines: Iterator[Record]) -> Iterator[Record]:
    """Join lines to documents. A line whose first character is a brace begins the next document."""
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
