"""A file becomes events, whatever its layout."""

from __future__ import annotations

import gzip
import json
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st

from consumer.errors import ConsumerError
from consumer.tools.validation import cut
from consumer.tools.validation.cut import EventFile

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, int | str]
OBJECTS: st.SearchStrategy[list[Json]] = st.lists(
    st.dictionaries(st.text(), st.integers() | st.text()), min_size=1
)


def numbered(data: bytes) -> list[tuple[int, bytes]]:
    """Return each event with its line."""
    return [(one.line, one.body) for one in EventFile(BytesIO(data))]


def _lines(events: list[Json]) -> str:
    return "\n".join(map(json.dumps, events))


def _laid_out(events: list[Json]) -> str:
    never_empty: list[Json] = [{"a": 1, **event} for event in events]
    return "\n".join(json.dumps(event, indent=2) for event in never_empty)


def test_lines_are_events_and_empty_ones_are_not() -> None:
    """Numbers are those of an editor."""
    assert numbered(b'{"a":1}\n\n  \n{"a":2}') == [(1, b'{"a":1}'), (4, b'{"a":2}')]


def test_documents_over_several_lines() -> None:
    """As `jq .` writes them, one or many."""
    found = numbered(b'{\n "a": 1\n}\n{\n "a": 2\n}\n')
    assert [line for line, _ in found] == [1, 4]
    assert [json.loads(body) for _, body in found] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("data", [b'[{"a":1},\n\n{"a":1}]', b'\n[{"a":1}\n,{"a":1}]'])
def test_events_of_an_array_have_their_lines(data: bytes) -> None:
    """Also where two of them are equal, and they are called by their number."""
    file = EventFile(BytesIO(data))
    assert file.unit == "event"
    lines = data.split(b"\n")
    for number, one in enumerate(file, 1):
        assert (one.event_number, one.body) == (number, b'{"a":1}')
        assert b"a" in lines[one.line - 1]


@pytest.mark.parametrize("write", [json.dumps, _lines, _laid_out], ids=["array", "lines", "pretty"])
@given(events=OBJECTS)
def test_nothing_is_lost_or_added(write: Callable[[list[Json]], str], events: list[Json]) -> None:
    """Each event comes out once, in order."""
    found = [json.loads(body) for _, body in numbered(write(events).encode())]
    least: Json = {"a": 1}
    assert [least | one for one in found] == [least | one for one in events]


def test_a_broken_first_line_is_one_line() -> None:
    """It does not swallow the good one behind it."""
    found = numbered(b'{"a": \n{"a":1}\nrubbish\n')
    assert [body for _, body in found] == [b'{"a": ', b'{"a":1}', b"rubbish"]


def test_a_broken_array_is_one_event() -> None:
    """So that its error can be told."""
    assert numbered(b'[{"a":1},') == [(1, b'[{"a":1},')]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"[]"])
def test_nothing_is_no_event(data: bytes) -> None:
    """An empty file has none."""
    assert numbered(data) == []


def test_gzip_is_unpacked() -> None:
    """Whatever the file is called."""
    assert numbered(gzip.compress(b'\xef\xbb\xbf{"a":1}\n')) == [(1, b'{"a":1}')]


@pytest.mark.parametrize(
    "data",
    [b"\x1f\x8bno", gzip.compress(b'{"a":1}\n' * 10_000)[:50]],
    ids=["no header", "cut off"],
)
def test_broken_gzip_is_an_error(data: bytes) -> None:
    """With a text, not a traceback."""
    with pytest.raises(ConsumerError, match="cannot be read"):
        numbered(data)


def test_an_array_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read whole, so it says how to do without."""
    monkeypatch.setattr(cut, "ARRAY_MAX_BYTES", 5)
    with pytest.raises(ConsumerError, match="one event a line"):
        numbered(b'[{"a":1}]')


@pytest.mark.parametrize("size_bytes", [10, 11, 12, 21, 22, 23, 100])
def test_a_long_line_is_measured_and_not_kept(
    size_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it is; the next line is an event."""
    monkeypatch.setattr(cut, "EVENT_MAX_BYTES", 10)
    first, second = EventFile(BytesIO(b"x" * size_bytes + b"\n{}"))
    assert first.body == (b"" if size_bytes > 10 else b"x" * 10)
    assert first.size_bytes == size_bytes
    assert (second.line, second.body) == (2, b"{}")


def test_a_long_event_of_an_array_is_measured_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a long line is: a file has the same errors in every layout."""
    monkeypatch.setattr(cut, "EVENT_MAX_BYTES", 10)
    first, second = EventFile(BytesIO(b'["' + b"x" * 20 + b'",{}]'))
    assert (first.body, first.size_bytes) == (b"", 22)
    assert (second.body, second.size_bytes) == (b"{}", 2)


def test_a_long_document_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are short, together they are too much."""
    monkeypatch.setattr(cut, "EVENT_MAX_BYTES", 10)
    first, second = EventFile(BytesIO(b'{\n"a":1,\n"b":2\n}\n{\n}'))
    assert (first.body, first.size_bytes > 10) == (b"", True)
    assert (second.line, second.body) == (5, b"{\n}\n")
