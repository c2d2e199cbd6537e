"""Describes a RabbitMQ delivery for its dead letter, from the raw frames that were kept.

The description may be slow, but it never fails: it gives a readable text for any bytes of a sender.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from pamqp.commands import Basic
from pamqp.exceptions import PAMQPException
from pamqp.header import ContentHeader

from consumer.deliveries.origin import Origin

if TYPE_CHECKING:
    from consumer.listeners.rabbitmq.frames import KeptFrames

PROPERTY_PREFIX = "amqp."
"""The beginning of every property's name. If a header of the sender has the name of a property, the
property is shown."""

_METHOD_ARGUMENTS_AT = 4
_PROPERTIES_AT = 12
_SHOWN_BYTES = 1024
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
        raw = token.header[_PROPERTIES_AT:][:_SHOWN_BYTES]
        headers = {f"{PROPERTY_PREFIX}unreadable": _text(raw)}
    return Origin(coordinates=coordinates, headers=headers)


def _headers(raw: bytes) -> dict[str, str]:
    header = ContentHeader()
    header.unmarshal(raw)
    properties = dict(header.properties)
    table = properties.pop("headers", None)
    shown = {}
    if isinstance(table, dict):
        shown = {str(name): _text(value) for name, value in table.items()}
    for name, value in properties.items():
        if value not in (None, ""):
            shown[PROPERTY_PREFIX + name] = _text(value)
    return shown


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "backslashreplace")
    return str(value)
