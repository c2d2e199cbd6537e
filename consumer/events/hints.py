"""Says what a refused body seems to be, in words that its sender knows.

Responsible for the hints at the end of an error: the format of a body that is not JSON, the bytes
at which JSON breaks, and the place or the spelling of a field that is missing. Not responsible for
the error itself (`refuse.py`). The cases were collected from public bug reports:
`tests/data/payloads_found.jsonl`.
"""

from __future__ import annotations

import contextlib
import re
from itertools import islice
from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, MemoryError)
"""All exceptions that msgspec raises for bytes that it cannot read. They were found by trying the
corpus of broken bodies in the tests. `UnicodeDecodeError` is not a `DecodeError`."""
SEARCHED_MAX_BYTES: Final = 1024 * 1024
"""In a larger body no hint is searched for."""
KEYS_MAX_COUNT: Final = 200
"""The largest number of keys that are looked at. Every message type has fewer fields."""
WRAPPERS: Final = frozenset(
    ("message", "payload", "data", "body", "event", "detail", "value", "after", "params", "log")
)
"""The fields in which frameworks send an event: MassTransit, job queues, Dapr, Debezium, SNS,
Logstash, EventBridge. Upper and lower case are the same."""
WRAPPERS_MAX_COUNT: Final = 2
"""So many wrappers may be inside each other: Debezium has the row in `payload.after`."""
STANDING_BYTES: Final = 20
"""An error shows at most this many of the bytes at which JSON breaks."""

_FORMATS: Final = (
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"{\0", "UTF-16"),
    (b"\0{", "UTF-16"),
    (b"\xac\xed\0\x05", "a serialized Java object"),
    (b"\x80", "a Python pickle"),
    (b"\x04\x22\x4d\x18", "compressed with LZ4"),
    (b"\x82SNAPPY", "compressed with Snappy"),
    (b"BZh", "compressed with bzip2"),
    (b"x\x9c", "compressed with deflate, and the message does not say so"),
    (b"\0\0\0", "Avro or Protobuf from a schema registry"),
    (b"\x03\0", "Avro from the registry of AWS Glue"),
    (b"\x03\x05", "compressed by the serializer of AWS Glue"),
    (b"Obj\x01", "Avro"),
    (b"<", "XML"),
    (b"eyJ", "base64"),
    (b'"eyJ', "base64"),
    (b"a:", "PHP's serialize"),
    (b"O:", "PHP's serialize"),
    (b"[object ", "a JavaScript object that was turned into text"),
    (b"[B@", "a Java array that was turned into text"),
    (b"map[", "a Go map that was turned into text"),
    (b"%{", "an Elixir map that was turned into text"),
    (b"{'", "a Python dictionary that was turned into text"),
    (b'{"type":"Buffer"', "a Buffer of Node.js that was turned into JSON"),
)
"""The first bytes of bodies that are not JSON objects of a message type, and what they are."""
_FORM: Final = re.compile(rb"[A-Za-z_]\w*=[^{}\s]*(?:&|$)")
_AT_BYTE: Final = re.compile(r"\(byte (\d+)\)$")

_decode_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text: Final = msgspec.json.Decoder(str).decode


def of_format(body: bytes) -> str:
    """Say what a body seems to be, beginning with `; `; empty if nothing is known about it."""
    for start, name in _FORMATS:
        if body.startswith(start):
            return f"; the body seems to be {name}"
    return "; the body seems to be form data" if _FORM.match(body) else ""


def of_place(error: str, body: bytes) -> str:
    """Return the bytes at which JSON breaks, beginning with `: `; empty if the error names none.

    Args:
        error: The text of msgspec's error.
        body: The body.
    """
    named = _AT_BYTE.search(error)
    # For bytes behind the first value, msgspec's position is one too high.
    start = int(named[1]) - ("trailing" in error) if named else 0
    standing = body[start : start + STANDING_BYTES].decode(errors="replace")
    return f": {ascii(standing)[1:-1]}" if named and standing else ""


def of_missing(name: str, body: bytes) -> str:
    """Say where the missing field of a body seems to be, or what the body is; empty if unknown.

    Args:
        name: A field that the event needs, and that the body does not have.
        body: The body.
    """
    if body.startswith(b'{"type":"Buffer"'):
        return of_format(body).removeprefix("; ")
    if len(body) > SEARCHED_MAX_BYTES:
        return ""
    with contextlib.suppress(*UNREADABLE):
        *around, found = _path_of(plain(name), body, WRAPPERS_MAX_COUNT) or [""]
        if around:
            spelling = f", as {found}" if found != name else ""
            return f"the event seems to be inside {'.'.join(around)}{spelling}"
        return f"the body has {found}" if found else ""
    return ""


def plain(name: str) -> str:
    """Return a field's name without what languages spell differently: `roundId`, `round-id`."""
    return name.replace("_", "").replace("-", "").lower()


def _path_of(wanted: str, body: bytes, wrappers_count: int) -> list[str]:
    """Return the names of the fields that lead to a field; empty if it is not found."""
    sent = list(islice(_decode_object(body).items(), KEYS_MAX_COUNT))
    for name, _ in sent:
        if plain(name) == wanted:
            return [name]
    wrappers = [(name, raw) for name, raw in sent if name.lower() in WRAPPERS]
    for name, raw in wrappers if wrappers_count else ():
        with contextlib.suppress(*UNREADABLE):
            if found := _path_of(wanted, _object(raw), wrappers_count - 1):
                return [name, *found]
    return []


def _object(raw: msgspec.Raw) -> bytes:
    """Return the object in a field, which may be a text with JSON in it; `{}` if there is none."""
    inner = bytes(raw).strip()
    if inner.startswith(b'"'):
        inner = _decode_text(inner).encode().lstrip()
    return inner if inner.startswith(b"{") else b"{}"
