"""What an error says in addition, and that it stays quick and quiet when nothing is known."""

from __future__ import annotations

import json
import time

import pytest

from consumer.events import hints


def nested(*names: str, inner: object) -> bytes:
    """Put a value into objects inside each other."""
    for name in reversed(names):
        inner = {name: inner}
    return json.dumps(inner).encode()


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (nested(inner={"payload": {"a_b": 1}}), "the event seems to be inside payload"),
        (nested("Message", inner='{"a_b": 1}'), "the event seems to be inside Message"),
        (
            nested("payload", "after", inner={"aB": 1}),
            "the event seems to be inside payload.after, as aB",
        ),
        (nested("A-B", inner=1), "the body has A-B"),
        (nested("a", "payload", inner={"a_b": 1}), ""),
        (nested("data", "data", "data", inner={"a_b": 1}), ""),
        (nested("data", inner='{"a_b'), ""),
        (b'{"data": "{\\ud83d"}', ""),
        (b"[]", ""),
        (b"{", ""),
    ],
)
def test_missing_field_is_looked_for(body: bytes, hint: str) -> None:
    """In the body, and in the wrappers that frameworks have; two of them, and not three."""
    assert hints.of_missing("a_b", body) == hint


def test_search_for_a_field_takes_no_time() -> None:
    """Whoever may publish could send a wide object, or wrappers without end."""
    wide: object = {"message" if not number else f"k{number}": {} for number in range(50_000)}
    deep: object = {}
    for _ in range(400):
        deep = {"message": deep, "data": {}, "payload": {}}
    began_s = time.perf_counter()
    for body in (wide, deep):
        assert hints.of_missing("x", json.dumps(body).encode()) == ""
    assert time.perf_counter() - began_s < 0.5


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("JSON is malformed: invalid character (byte 2)", ": cd\\n\\x00\\ufffd"),
        ("JSON is malformed: trailing characters (byte 2)", ": bcd\\n\\x00\\ufffd"),
        ("JSON is malformed: invalid character (byte 9)", ""),
        ("Input data was truncated", ""),
    ],
)
def test_bytes_where_json_breaks_are_shown(error: str, shown: str) -> None:
    """Without control characters."""
    assert hints.of_place(error, b"abcd\n\0\xff") == shown


@pytest.mark.parametrize("body", [b"", b"{", b"hello", b"a=1 b", b"\0", b"=", b"{}"])
def test_unknown_format_is_not_guessed(body: bytes) -> None:
    """A wrong hint is worse than none."""
    assert hints.of_format(body) == ""
