"""Describes a RabbitMQ delivery for its dead letter, from the raw frames that were kept.

The description never fails: it gives a readable text for any bytes of a sender. A sender's table of
headers may have 128 KiB. A letter keeps only the beginning, so only the beginning is decoded.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from pamqp import decode
from pamqp.commands import Basic
from pamqp.exceptions import PAMQPException
from pamqp.header import ContentHeader

from consumer.deliveries.origin import Origin
from consumer.listeners.rabbitmq.frames import HAS_TABLE, PROPERTIES_AT, find_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.listeners.rabbitmq.frames import KeptFrames

PROPERTY_PREFIX = "amqp."
"""The beginning of every property's name. If a header of the sender has the name of a property, the
property is shown."""
TABLE_MAX_BYTES: Final = 8 * 1024
"""The headers are not shown any more after this many bytes of them. A letter keeps 6 KiB."""
VALUE_MAX_BYTES: Final = 1024
"""A text is shown up to this many bytes. A larger table or list inside the table is not decoded."""

_METHOD_ARGUMENTS_AT = 4
_SHOWN_BYTES = 1024
_LENGTH_BYTES = 4
_TEXT, _BYTES, _TABLE, _LIST = b"S", b"x", b"F", b"A"
_long = struct.Struct(">I").unpack_from
_UNREADABLE = (
    PAMQPException,
    struct.error,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    OSError,
    RecursionError,
    MemoryError,
)
"""The errors that pamqp raises for broken tables. tests/unit/test_rabbitmq_origin.py found them."""


def describe(queue: str, token: KeptFrames) -> Origin:
    """Return where the delivery came from, with the sender's headers and the properties.

    If the headers or the properties cannot be read, the bytes of both are shown escaped, as
    `amqp.unreadable`.
    """
    coordinates = {"queue": queue, "tag": str(token.tag)}
    try:
        deliver = Basic.Deliver()
        deliver.unmarshal(token.method[_METHOD_ARGUMENTS_AT:])
        coordinates["exchange"] = str(deliver.exchange)
        coordinates["routing_key"] = str(deliver.routing_key)
    except _UNREADABLE:
        coordinates["deliver"] = _text(token.method[:_SHOWN_BYTES])
    try:
        headers = _headers(token.header)
    except _UNREADABLE:
        raw = token.header[PROPERTIES_AT:][:_SHOWN_BYTES]
        headers = {f"{PROPERTY_PREFIX}unreadable": _text(raw)}
    return Origin(coordinates=coordinates, headers=headers)


def _headers(raw: bytes) -> dict[str, str]:
    without_table, table = _apart(raw)
    shown = dict(_fields(table))
    header = ContentHeader()
    header.unmarshal(without_table)
    for name, value in dict(header.properties).items():
        if value not in (None, ""):
            shown[PROPERTY_PREFIX + name] = _text(value)
    return shown


def _apart(raw: bytes) -> tuple[bytes, bytes]:
    """Return the payload of a content header without the sender's table, and the table's fields."""
    flags, at = find_table(raw)
    if not flags & HAS_TABLE:
        return raw, b""
    start = at + _LENGTH_BYTES
    end = start + _long(raw, at)[0]
    if end > len(raw):
        raise ValueError(end)
    rest = (flags & ~HAS_TABLE).to_bytes(2, "big") + raw[PROPERTIES_AT + 2 : at] + raw[end:]
    return raw[:PROPERTIES_AT] + rest, raw[start:end]


def _fields(table: bytes) -> Iterator[tuple[str, str]]:
    """Give the names and values at the beginning of a table, as texts."""
    at, shown_bytes = 0, 0
    while at < len(table) and shown_bytes < TABLE_MAX_BYTES:
        began, start = at, at + 1
        at = start + table[at]
        if at >= len(table):
            raise ValueError(at)
        name = table[start:at].decode()
        kind = table[at : at + 1]
        if kind in (_TEXT, _BYTES, _TABLE, _LIST):
            size_bytes = _long(table, at + 1)[0]
            value_at = at + 1 + _LENGTH_BYTES
            end = value_at + size_bytes
            if end > len(table):
                raise ValueError(end)
        else:
            size_bytes, value_at, end = 0, at, 0
        if kind in (_TEXT, _BYTES):
            yield name, _text(table[value_at : min(end, value_at + VALUE_MAX_BYTES)])
            at = end
            shown_bytes += value_at - began + min(size_bytes, VALUE_MAX_BYTES)
        elif size_bytes > VALUE_MAX_BYTES:
            yield name, f"({'table' if kind == _TABLE else 'list'} of {size_bytes} bytes)"
            at = end
            shown_bytes += value_at - began
        else:
            consumed_bytes, value = decode.embedded_value(table[at : at + 1 + 16 + size_bytes])
            yield name, _text(value)
            at += consumed_bytes
            shown_bytes += at - began


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "backslashreplace")
    return str(value)
