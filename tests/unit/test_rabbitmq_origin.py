"""Tests that every delivery can be described for a dead letter, whatever its sender wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, strategies as st
from pamqp import decode
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from consumer.listeners.rabbitmq.frames import KeptFrames
from consumer.listeners.rabbitmq.origin import TABLE_MAX_BYTES, describe

if TYPE_CHECKING:
    import pytest

METHOD = b"\x00\x3c\x00\x3c" + Basic.Deliver("c", 17, False, "brands", "casino").marshal()


def test_coordinates_headers_and_properties_are_shown() -> None:
    """They help to find the message and its sender."""
    properties = Basic.Properties(headers={"tenant": "a", "n": 1}, app_id="crm", message_type="X")
    origin = describe("payments", KeptFrames(17, METHOD, ContentHeader(0, 0, properties).marshal()))
    assert origin.coordinates == {
        "queue": "payments",
        "tag": "17",
        "exchange": "brands",
        "routing_key": "casino",
    }
    assert origin.headers == {
        "tenant": "a",
        "n": "1",
        "amqp.app_id": "crm",
        "amqp.message_type": "X",
    }


def test_a_header_cannot_pretend_to_be_a_property_of_ours() -> None:
    """A property that is there wins over a header that has the same name."""
    properties = Basic.Properties(headers={"amqp.user_id": "admin"}, user_id="guest")
    origin = describe("q", KeptFrames(1, METHOD, ContentHeader(0, 0, properties).marshal()))
    assert origin.headers["amqp.user_id"] == "guest"


def test_a_broken_header_table_is_shown_raw() -> None:
    """The dead letter hides nothing, and nothing is raised."""
    raw = ContentHeader(0, 0, Basic.Properties(headers={"a": "b"})).marshal()
    origin = describe("q", KeptFrames(1, METHOD, raw.replace(b"S", b"?")))
    assert "amqp.unreadable" in origin.headers


@given(method=st.binary(max_size=60), junk=st.binary(max_size=300))
def test_no_bytes_raise(method: bytes, junk: bytes) -> None:
    """A broken method does not raise, and neither does a broken header."""
    describe("q", KeptFrames(1, method, junk))
    describe("q", KeptFrames(1, METHOD, ContentHeader(0, 0).marshal()[:12] + b"\x20\x00" + junk))


@given(kind=st.binary(min_size=1, max_size=1), value=st.binary(max_size=40))
def test_no_table_value_raises(kind: bytes, value: bytes) -> None:
    """Every type of field may have any bytes behind it, such as a date out of range."""
    table = b"\x01k" + kind + value
    raw = ContentHeader(0, 0).marshal()[:12] + b"\x20\x00" + len(table).to_bytes(4, "big") + table
    describe("q", KeptFrames(1, METHOD, raw))


def test_only_the_beginning_of_a_large_table_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter keeps 6 KiB of it; a whole table of 118 KB took 75 ms."""
    decoded: list[bytes] = []
    embedded_value = decode.embedded_value

    def counted(value: bytes) -> tuple[int, Any]:
        decoded.append(value)
        return embedded_value(value)

    monkeypatch.setattr(decode, "embedded_value", counted)
    many: Any = {f"k{number}": number for number in range(12_000)}
    properties = Basic.Properties(headers=many, app_id="crm")
    raw = ContentHeader(0, 0, properties).marshal()
    headers = describe("q", KeptFrames(1, METHOD, raw)).headers
    assert headers["amqp.app_id"] == "crm"
    assert headers["k0"] == "0"
    assert TABLE_MAX_BYTES / 20 < len(headers) < TABLE_MAX_BYTES / 5
    assert len(decoded) == len(headers) - 1


def test_large_values_are_cut_or_named() -> None:
    """A large table inside the table is not decoded at all."""
    inner: Any = {f"k{number}": "v" for number in range(1000)}
    table: Any = {"text": "é" * 900, "inner": inner, "list": ["a"] * 500, "small": {"a": ["b"]}}
    raw = ContentHeader(0, 0, Basic.Properties(headers=table)).marshal()
    headers = describe("q", KeptFrames(1, METHOD, raw)).headers
    assert headers["text"] == "é" * 512
    assert headers["inner"].startswith("(table of ")
    assert headers["list"] == "(list of 3000 bytes)"
    assert headers["small"] == "{'a': ['b']}"


def test_a_table_as_deep_as_a_frame_allows_does_not_raise() -> None:
    """RabbitMQ passes tables that are nested thousands of levels deep."""
    table = b""
    for _ in range(20_000):
        table = b"\x01kF" + len(table).to_bytes(4, "big") + table
    raw = ContentHeader(0, 0).marshal()[:12] + b"\x20\x00" + len(table).to_bytes(4, "big") + table
    assert describe("q", KeptFrames(1, METHOD, raw)).headers == {"k": "(table of 139993 bytes)"}
