"""Takes many events in one request: lines of JSON, or a JSON array.

Each line is `{"type": "CASINO", "data": {…}}`. The lines go to the lane in pieces. Between two
pieces the key is checked again, so a batch of broken events is stopped like a series of single
events.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from consumer.deliveries.delivery import Delivery
from consumer.errors import Rejected
from consumer.events.hints import UNREADABLE
from consumer.events.refuse import missing, unreadable
from consumer.http.answer import Problem
from consumer.listeners.http.answers import LineResult, of_event, of_line, of_lines
from consumer.listeners.http.ingest import undone
from consumer.listeners.http.long_batches import LongBatches
from consumer.listeners.http.question import Posted
from consumer.listeners.http.shed import NotTaken, Shed

if TYPE_CHECKING:
    from consumer.access.key import Key
    from consumer.http.answer import Answer
    from consumer.http.request import Request
    from consumer.listeners.http.ingest import Ingest
    from consumer.listeners.http.question import Question

PIECE_COUNT: Final = 500
"""The number of lines that go to the lane together."""
LINES_MAX_COUNT: Final = 20_000
"""The largest number of line breaks, or of elements of an array. A body of 1 MiB, which may be 1
KiB before decompression, can hold a million lines of one byte. To cut such a body would block the
event loop for half a second."""
MARK: Final = b"\xef\xbb\xbf"
"""The byte order mark, which some libraries write before the first line."""


class _Line(msgspec.Struct, gc=False):
    type: str | None = None
    data: msgspec.Raw = msgspec.Raw()  # a default may be shared, as a Raw never changes


_decode_line: Final = msgspec.json.Decoder(_Line).decode
_decode_raw: Final = msgspec.json.Decoder(msgspec.Raw).decode
_decode_array: Final = msgspec.json.Decoder(
    Annotated[list[msgspec.Raw], msgspec.Meta(max_length=LINES_MAX_COUNT)]
).decode


class ManyEvents:
    """Answers requests that have many events each.

    Args:
        ingest: The way into the lanes.
        answer_timeout_s: How long a sender waits, in seconds.
    """

    def __init__(self, ingest: Ingest, answer_timeout_s: float) -> None:
        self._ingest = ingest
        self._answer_timeout_s = answer_timeout_s
        self._long = LongBatches()

    async def __call__(self, request: Request) -> Answer:
        """Post many events. The answer has a result for each event.

        Raises:
            Problem: There are no results. After 429 and 503, some of the events may be stored.
            KeyRefused: The key was revoked or changed meanwhile. Some events may be stored.
        """
        limits = self._ingest.limits
        key = self._ingest.key_of(request)
        body = await request.read_body(limits.max_body_bytes)
        body, encoding = undone(
            body, request.headers.get("content-encoding", ""), limits.max_body_bytes
        )
        if encoding.strip().lower() not in ("", "identity", "utf-8", "utf8"):
            raise Problem(
                415,
                "unsupported_encoding",
                "content-encoding: expected gzip, deflate, zstd or none, and the body in it",
            )
        try:
            lines = _cut(body.removeprefix(MARK), limits.max_event_bytes)
        except Rejected as rejected:
            return await self._bury(request, key, body, rejected)
        until_s = asyncio.get_running_loop().time() + self._answer_timeout_s
        if len(lines) <= PIECE_COUNT:
            return await self._post(request, key, lines, until_s)
        try:
            async with self._long.turn(key.id, until_s):
                return await self._post(request, key, lines, until_s)
        except NotTaken as refused:
            raise self._ingest.shed(refused) from refused

    async def _bury(self, request: Request, key: Key, body: bytes, rejected: Rejected) -> Answer:
        """Keep the whole body as one dead letter, because it is an array that cannot be read."""

        def make(question: Question) -> list[Delivery]:
            return [Delivery(body, None, Posted(question, 0), key.sender, unread=rejected)]

        (delivery,) = await self._ingest.ask(request, key, make)
        return of_event(delivery, self._ingest.limits.rejected_status, lambda _: [])

    async def _post(
        self, request: Request, key: Key, lines: list[tuple[int, bytes]], until_s: float
    ) -> Answer:
        results: list[LineResult] = []  # a delivery takes ten times the memory of its result
        for first in range(0, len(lines), PIECE_COUNT):
            piece = lines[first : first + PIECE_COUNT]
            if first:
                self._go_on(request, until_s)

            def make(question: Question, piece: list[tuple[int, bytes]] = piece) -> list[Delivery]:
                return [_delivery(question, key, number, line) for number, line in piece]

            deliveries = await self._ingest.ask(request, key, make)
            results += [
                of_line(number, one) for (number, _), one in zip(piece, deliveries, strict=True)
            ]
        return of_lines(results)

    def _go_on(self, request: Request, until_s: float) -> None:
        """Refuse the rest of a batch if its time is over, or if the key may not post now."""
        if asyncio.get_running_loop().time() > until_s:
            raise self._ingest.shed(NotTaken(Shed.LATE))
        self._ingest.key_of(request)


def _cut(body: bytes, max_event_bytes: int) -> list[tuple[int, bytes]]:
    """Return the lines of a body, or the elements of its array, each with its number from 1.

    Raises:
        Rejected: The body begins as an array, and cannot be read.
        Problem: 413: a line is too large, or there are too many lines.
    """
    found = _elements(body) if body.lstrip()[:1] == b"[" else _lines(body)
    lines = [(number, line) for number, line in found if line.strip()]
    for number, line in lines:
        if len(line) > max_event_bytes:
            text = f"line {number}: expected at most {max_event_bytes} bytes, got {len(line)}"
            raise Problem(413, "too_large", text)
    return lines


def _lines(body: bytes) -> list[tuple[int, bytes]]:
    try:
        _decode_raw(body)  # stops at the end of the first value, so many lines take no time
    except UNREADABLE:
        if body.count(b"\n") + (not body.endswith(b"\n")) > LINES_MAX_COUNT:
            raise _too_many() from None
        return list(enumerate(body.split(b"\n"), 1))
    return [(1, body)]  # the body is one event, perhaps with line breaks in it


def _elements(body: bytes) -> list[tuple[int, bytes]]:
    try:
        return [(number, bytes(raw)) for number, raw in enumerate(_decode_array(body), 1)]
    except msgspec.ValidationError as error:  # elements may be anything, so its length is wrong
        raise _too_many() from error
    except UNREADABLE as error:
        raise unreadable(error, body) from error


def _too_many() -> Problem:
    return Problem(413, "too_large", f"body: expected at most {LINES_MAX_COUNT} lines or elements")


def _delivery(question: Question, key: Key, number: int, line: bytes) -> Delivery:
    token = Posted(question, number)
    try:
        read = _decode_line(line)
    except UNREADABLE as error:
        return Delivery(line, None, token, key.sender, unread=unreadable(error, line))
    data = bytes(read.data)  # a Raw would keep the whole line
    if not data:
        return Delivery(line, None, token, key.sender, unread=missing("data"))
    return Delivery(data, read.type, token, key.sender)
