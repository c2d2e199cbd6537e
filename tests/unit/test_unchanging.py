"""Documents and files of pages: made once, compressed, and not sent to those who have them."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

import pytest

from consumer.http.answer import Answer
from consumer.http.cycle import written
from consumer.http.request import Request
from consumer.http.unchanging import Unchanging, has_copy, takes_gzip

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE: Final = b"a text " * 1000


async def nobody_reads(_: int) -> bytes:
    """Fail: a GET has no body."""
    raise AssertionError


def asking(**headers: str) -> Request:
    """Return a request with these headers, `_` in place of `-`."""
    return Request(
        id="1",
        method="GET",
        path="/a",
        parameters={},
        query=b"",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        address="127.0.0.1",
        key=None,
        read_body=nobody_reads,
    )


def counted(text: bytes, calls: list[int]) -> Callable[[], bytes]:
    """Return a function that makes a text and counts how often."""

    def make() -> bytes:
        calls.append(1)
        return text

    return make


async def test_text_is_made_once_and_sent_as_it_is() -> None:
    """With what makes a copy of it right."""
    calls: list[int] = []
    unchanging = Unchanging(counted(LARGE, calls), "text/css", {"x-frame-options": "DENY"})
    first, second = await unchanging(asking()), await unchanging(asking())
    assert first == second
    assert (first.status, first.body, first.content_type) == (200, LARGE, "text/css")
    assert "content-encoding" not in first.headers
    assert first.headers["x-frame-options"] == "DENY"
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Accept-Encoding"
    assert calls == [1]


async def test_client_that_takes_gzip_gets_it_under_another_etag() -> None:
    """Else a cache could give the wrong bytes to the other client."""
    unchanging = Unchanging(lambda: LARGE, "text/css")
    plain = await unchanging(asking())
    zipped = await unchanging(asking(accept_encoding="br, gzip"))
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(zipped.body) == LARGE
    assert zipped.headers["etag"] != plain.headers["etag"]


async def test_small_text_is_not_compressed() -> None:
    """It fits into a packet."""
    answer = await Unchanging(lambda: b"small", "text/css")(asking(accept_encoding="gzip"))
    assert answer.body == b"small"
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize("accepted", ["", "gzip"])
async def test_client_that_has_the_text_gets_304_without_it(accepted: str) -> None:
    """Each form by its own ETag, which a client repeats."""
    unchanging = Unchanging(lambda: LARGE, "text/css")
    etag = (await unchanging(asking(accept_encoding=accepted))).headers["etag"]
    answer = await unchanging(asking(accept_encoding=accepted, if_none_match=etag))
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", etag)
    assert "content-encoding" not in answer.headers


async def test_another_text_has_another_etag() -> None:
    """A new version of the process has the same paths."""
    old = await Unchanging(lambda: b"old", "text/css")(asking())
    new = await Unchanging(lambda: b"new", "text/css")(asking(if_none_match=old.headers["etag"]))
    assert (new.status, new.body) == (200, b"new")


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("GZIP;q=0.5", True),
        ("gzip; q=1.0", True),
        ("*", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("identity", False),
    ],
)
def test_who_takes_gzip(accepted: str, *, takes: bool) -> None:
    """By RFC 9110, 12.5.3."""
    assert takes_gzip(accepted) is takes


@pytest.mark.parametrize(
    ("known", "has"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ("", False),
        ('"b"', False),
        ("a", False),
    ],
)
def test_who_has_the_text(known: str, *, has: bool) -> None:
    """By RFC 9110, 13.1.2: the comparison is weak."""
    assert has_copy(known, '"a"') is has


@pytest.mark.parametrize("status", [204, 304])
def test_answer_that_has_no_body_has_no_length(status: int) -> None:
    """Of 304, it would have to be the length of the text that the client has: RFC 9110, 8.6."""
    text = written(Answer(status), "etag: 1\r\n", (), keep_alive=True)
    assert text.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-length" not in text
    assert text.endswith(b"\r\n\r\n")
