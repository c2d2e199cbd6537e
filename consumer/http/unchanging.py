"""Answers with a text that is the same for everybody: a document, or a file of a page.

The text is made and compressed once, in a thread, so that no event waits for it. A client that has
the text already gets 304.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.http.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from consumer.http.request import Request

HEADERS: Final = {
    # The client asks each time whether its copy is still right, because a new version of the
    # process has the same paths. `private`: `Vary` may name another header in its place.
    "cache-control": "private, no-cache",
    "vary": "Accept-Encoding",
    "x-content-type-options": "nosniff",
}
COMPRESSED_MIN_BYTES: Final = 1024
"""A smaller text is not compressed: it fits into a packet as it is."""


class _Made(msgspec.Struct, frozen=True):
    """A text in both of its forms.

    Attributes:
        plain: The bytes.
        zipped: The bytes, compressed with gzip. None if this is not worth it.
        tag: What stands for the bytes in an ETag.
    """

    plain: bytes
    zipped: bytes | None
    tag: str


class Unchanging:
    """Answers every request with one text.

    Args:
        make: Makes the text. It is called in a thread, and seldom more than once.
        content_type: The media type of the text.
        headers: Further headers of the answer. Names in lower case.
    """

    def __init__(
        self,
        make: Callable[[], bytes],
        content_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._make = make
        self._content_type = content_type
        self._headers = HEADERS | dict(headers or {})
        self._made: _Made | None = None

    async def __call__(self, request: Request) -> Answer:
        """Return 200 with the text, or 304 if the client has it."""
        made = self._made
        if made is None:
            made = self._made = await asyncio.to_thread(self._prepare)
        body, etag = made.plain, f'"{made.tag}"'
        if made.zipped is not None and takes_gzip(request.headers.get("accept-encoding", "")):
            body, etag = made.zipped, f'"{made.tag}-gzip"'
        headers = {**self._headers, "etag": etag}
        if has_copy(request.headers.get("if-none-match", ""), etag):
            return Answer(304, b"", self._content_type, headers)
        if body is made.zipped:
            headers["content-encoding"] = "gzip"
        return Answer(200, body, self._content_type, headers)

    def _prepare(self) -> _Made:
        plain = self._make()
        # `mtime=0`: processes that share a port send the same bytes under the same ETag.
        zipped = gzip.compress(plain, mtime=0) if len(plain) >= COMPRESSED_MIN_BYTES else None
        return _Made(plain, zipped, hashlib.sha256(plain).hexdigest()[:32])


def takes_gzip(accepted: str) -> bool:
    """Tell whether a client takes gzip, by its header `Accept-Encoding`."""
    weights: dict[str, str] = {}
    for part in accepted.lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        weights[coding] = weight
    weight = weights.get("gzip", weights.get("*", "0"))
    return weight.strip("0.") != "" or weight == ""


def has_copy(known: str, etag: str) -> bool:
    """Tell whether a client has this text, by its header `If-None-Match`."""
    tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
    return etag in tags or tags == ["*"]
