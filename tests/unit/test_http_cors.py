"""Which web pages may read answers: https://fetch.spec.whatwg.org/#http-cors-protocol."""

from __future__ import annotations

import pytest

from consumer.http.cors import Cors

PAGE = "https://console.example.com"
CORS = Cors((PAGE,))


def asked(origin: str = PAGE, **headers: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of a browser that asks before it sends."""
    names = {"origin": origin, "access-control-request-method": "POST", **headers}
    return [(name.encode(), text.encode()) for name, text in names.items()]


def test_page_that_is_listed_may_send() -> None:
    """With the headers that keys and bodies need."""
    answer = CORS.preflight("OPTIONS", asked())
    assert answer is not None
    assert answer.status == 200
    assert "PUT" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "x-api-key", "content-type", "x-request-id"} <= set(allowed)
    assert "*" not in "".join(answer.headers.values())


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "*",
        "http://console.example.com",
        "https://console.example.com:8443",
        "https://console.example.com.evil.example",
        "https://evil.example/https://console.example.com",
        "https://CONSOLE.example.com",
    ],
)
def test_other_pages_are_told_nothing(origin: str) -> None:
    """Origins are compared as they are. The answer may not be kept for other pages."""
    assert CORS.preflight("OPTIONS", asked(origin)) is None
    assert CORS.headers(origin) == {"vary": "Origin"}


def test_page_that_is_listed_may_read() -> None:
    """Also the headers that tell when to send again."""
    headers = CORS.headers(PAGE)
    assert headers["access-control-allow-origin"] == PAGE
    assert headers["vary"] == "Origin"
    assert "retry-after" in headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in headers


def test_request_without_an_origin_comes_from_no_page() -> None:
    """Its answer must not be kept for a page."""
    assert CORS.headers(None) == {"vary": "Origin"}
    assert CORS.preflight("OPTIONS", asked()[1:]) is None


def test_other_requests_are_no_questions() -> None:
    """They go on to their endpoint, which may have its own OPTIONS."""
    assert CORS.preflight("POST", asked()) is None
    assert CORS.preflight("OPTIONS", asked()[:1]) is None


def test_without_origins_there_is_no_cors() -> None:
    """Answers have no header more than they need."""
    assert Cors(()).headers(PAGE) == {}
    assert Cors(()).preflight("OPTIONS", asked()) is None
