"""Tests that deliveries are cut out of a stream of bytes, wherever the stream was split.

The frames are made by pamqp, so that an error of ours cannot hide in the expectation.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.commands import Basic, Channel, Queue
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from consumer.listeners.rabbitmq.frames import (
    FrameCutter,
    counted_bytes,
    read_properties,
    token_of,
)
from tests.support.fates import SENDER

HEARTBEAT = frame.marshal(Heartbeat(), 0)
ANSWER = frame.marshal(Queue.DeclareOk("q", 1, 1), 2)
CLOSE = frame.marshal(Channel.Close(404, "NOT_FOUND", 0, 0), 1)


def header_of(body_size: int, **properties: Any) -> ContentHeader:  # noqa: ANN401  # pamqp's own
    """Return a content header."""
    return ContentHeader(0, body_size, Basic.Properties(**properties))


def delivery_of(tag: int, body: bytes, *, frame_bytes: int = 100, **properties: Any) -> bytes:  # noqa: ANN401  # pamqp's own
    """Return the bytes of one delivery on the consuming channel."""
    parts = [body[at : at + frame_bytes] for at in range(0, len(body), frame_bytes)]
    deliver = Basic.Deliver("consumer.test", tag, tag % 2 == 0, "exchange", "key")
    head = frame.marshal(deliver, 1) + frame.marshal(header_of(len(body), **properties), 1)
    return head + b"".join(frame.marshal(ContentBody(part), 1) for part in parts)


def cut(*pieces: bytes) -> tuple[list[tuple[int, bytes, str | None]], bytes]:
    """Return the deliveries and what was handed on."""
    others: list[bytes] = []
    cutter = FrameCutter(others.append, SENDER)
    for piece in pieces:
        cutter.feed(piece)
    found = [(token_of(d).tag, d.body, d.message_type) for d in cutter.deliveries]
    assert cutter.held_bytes == sum(map(counted_bytes, cutter.deliveries))
    return found, b"".join(others)


STREAM = (
    HEARTBEAT
    + delivery_of(1, b"one", message_type="CASINO", headers={"type": "GAME"})
    + delivery_of(2, b"", message_type="LOGIN_V2")
    + ANSWER
    + delivery_of(3, bytes(range(256)) * 2, content_encoding="gzip")
    + HEARTBEAT
)
EXPECTED = (
    [(1, b"one", "CASINO"), (2, b"", "LOGIN_V2"), (3, bytes(range(256)) * 2, None)],
    HEARTBEAT + ANSWER + HEARTBEAT,
)


def test_splitting_at_every_byte_changes_nothing() -> None:
    """The stream comes in two pieces, split at each place in turn."""
    for at in range(len(STREAM) + 1):
        assert cut(STREAM[:at], STREAM[at:]) == EXPECTED


@given(st.lists(st.integers(0, len(STREAM))))
def test_splitting_anywhere_any_number_of_times_changes_nothing(places: list[int]) -> None:
    """Empty pieces and single bytes are among them."""
    edges = [0, *sorted(places), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in pairwise(edges)]
    assert cut(*pieces) == EXPECTED


def test_single_bytes_are_enough() -> None:
    """The slowest possible network hands over one byte after the other."""
    assert cut(*(STREAM[at : at + 1] for at in range(len(STREAM)))) == EXPECTED


def test_frames_of_other_channels_may_stand_between_the_parts_of_a_body() -> None:
    """The broker interleaves channels at frame borders."""
    method, header, first, second = (
        frame.marshal(part, 1)
        for part in (
            Basic.Deliver("c", 7, False, "", "k"),
            header_of(6),
            ContentBody(b"abc"),
            ContentBody(b"def"),
        )
    )
    stream = method + HEARTBEAT + header + ANSWER + first + HEARTBEAT + second
    assert cut(stream) == ([(7, b"abcdef", None)], HEARTBEAT + ANSWER + HEARTBEAT)


def test_a_method_ends_an_unfinished_delivery() -> None:
    """A channel that is closed in the middle of a body leaves no half message."""
    half = delivery_of(1, b"x" * 250)[:-50]
    whole_frames = half[: half.rindex(frame.marshal(ContentBody(b"x" * 100), 1)) + 108]
    assert cut(whole_frames + CLOSE) == ([], CLOSE)


def test_redelivery_and_encoding_are_read() -> None:
    """A bit of the method says the one, and a property before the headers says the other."""
    cutter = FrameCutter(lambda _: None, SENDER)
    cutter.feed(delivery_of(1, b"a") + delivery_of(2, b"b", content_encoding="gzip"))
    assert [d.redelivered for d in cutter.deliveries] == [False, True]
    assert [d.content_encoding for d in cutter.deliveries] == [None, "gzip"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"AMQP\x00\x00\x09\x01",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        frame.marshal(Basic.Deliver("c", 1, False, "", "k"), 1)
        + frame.marshal(ContentBody(b"body before header"), 1),
        delivery_of(1, b"body")[:-1] + b"\x00",
        frame.marshal(Basic.Deliver("c", 1, False, "", "k"), 1)
        + b"\x02\x00\x01\x00\x00\x00\x01x\xce",
    ],
    ids=["old header", "http", "order", "end octet", "short header"],
)
def test_garbage_makes_aiormq_give_up(garbage: bytes) -> None:
    """It gets a frame that it refuses, and nothing is delivered."""
    others: list[bytes] = []
    cutter = FrameCutter(others.append, SENDER)
    cutter.feed(garbage)
    cutter.feed(STREAM)
    assert cutter.broken
    assert not cutter.deliveries
    assert others == [b"\x01\x00\x00\x00\x00\x00\x00\xce"]


NAMES = st.text(max_size=40)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "content_type": NAMES,
        "content_encoding": NAMES.filter(bool),
        "headers": st.dictionaries(st.text("abcdefg", min_size=1), st.integers(0, 100) | NAMES),
        "delivery_mode": st.sampled_from([1, 2]),
        "priority": st.integers(0, 9),
        "correlation_id": NAMES,
        "reply_to": NAMES,
        "expiration": NAMES,
        "message_id": NAMES,
        "timestamp": st.just(datetime(2026, 1, 2, tzinfo=UTC)),
        "message_type": NAMES.filter(bool),
        "user_id": NAMES,
        "app_id": NAMES,
    },
)


@given(PROPERTIES)
def test_type_and_encoding_are_found_among_all_properties(properties: dict[str, Any]) -> None:
    """They are found whatever stands before them."""
    raw = header_of(0, **properties).marshal()
    expected = properties.get("message_type"), properties.get("content_encoding")
    assert read_properties(raw) == expected


@given(st.binary(max_size=200))
def test_a_broken_header_never_raises(junk: bytes) -> None:
    """A sender may put any bytes into the properties."""
    read_properties(header_of(0).marshal()[:12] + junk)


def test_more_words_of_flags_are_skipped() -> None:
    """The lowest flag says that another word of flags follows."""
    raw = header_of(0, message_type="CASINO").marshal()
    longer = raw[:12] + b"\x00\x21" + b"\x00\x01" + b"\x00\x00" + raw[14:]
    assert read_properties(longer) == ("CASINO", None)


def test_a_type_that_is_no_utf8_is_shown_escaped() -> None:
    """It ends as an unknown type, and it is not an error."""
    raw = header_of(0, message_type="XY").marshal().replace(b"XY", b"X\xff")
    assert read_properties(raw) == ("X\\xff", None)
