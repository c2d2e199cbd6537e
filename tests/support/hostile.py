"""Messages drawn at random from the kinds of harm that `bombs.py` knows, in any combination.

From a seeded generator: the same seed draws the same messages.
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Final

import zstandard
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from pamqp.commands import Basic

from consumer.events.registry import CATALOGUE
from tests.support.bombs import Bomb, in_place, repeated
from tests.support.mutate import whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

LARGEST_BYTES: Final = 2_300_000
"""A little more than what is permitted."""
TABLE_MAX_BYTES: Final = 120_000
"""A content header is one frame, and RabbitMQ's frames have 128 KiB."""
TEXTS: Final = (
    *(b"x", b"\\n", b'\\"', b"\\\\", b"\\ud83d\\ude00", b"\\ud83d", b"\\u0000", b",[{", b"\\/"),
    *("\U0001f600".encode(), "\u00e9".encode(), b"\xff", b"\xc3", b"\x00", b"\t", b"0", b"true"),
)
ITEMS: Final = (
    *(b"1", b"0.5", b'""', b"[]", b"{}", b"null", b"-0", b"1e9", b'{"a":1}', b"[1,2]", b"[[[]]]"),
    *(b'{"a":{"b":[0.1,"x"]}}', b'"\\ud83d"', b'{"":""}', b"12345678901234567890123", b"1e-400"),
)
MAGICS: Final = (b"\0\0\0\0\1", b"\x03\0" + bytes(16), b"\xef\xbb\xbf", b"\x1f\x8b", b"\x28\xb5")
PACKERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": lambda body: gzip.compress(body, 1),
    "deflate": lambda body: zlib.compress(body, 1),
    "zstd": lambda body: zstandard.compress(body, 1),
}
METHOD: Final = b"\x00\x3c\x00\x3c" + Basic.Deliver("c", 17, False, "brands", "casino").marshal()


def message(source: Random) -> Bomb:
    """Draw a message."""
    event_type = source.choice(CATALOGUE)
    size_bytes = size(source, LARGEST_BYTES)
    kind = source.choice(list(_VALUES))
    value = _VALUES[kind](source, size_bytes)
    place = source.choice(("field", "field", "unknown field", "body"))
    body = value
    if place != "body":
        event = whole(event_type)
        event[source.choice(list(event)) if place == "field" else "unknown"] = "#"
        body = in_place(json.dumps(event, separators=(",", ":")).encode(), value)
    changes = []
    encoding = ""
    for _ in range(source.choice((0, 0, 1, 1, 2))):
        change = source.choice(("pack", "pack", "cut", "flip", "frame", "zeros", "text", "repeat"))
        if change == "pack":
            change = encoding = source.choice(list(PACKERS))
        body = _changed(source, change, body)
        changes.append(change)
    if source.random() < 0.1:
        encoding = source.choice(("", "gzip", "zstd", "br", "gzip, gzip", "utf-8"))
    name = " ".join((kind, "as", place, "of", event_type.name, *changes))
    return Bomb(name, event_type.name, body, encoding)


def size(source: Random, most: int) -> int:
    """Draw a size: as many small ones as large ones, by their number of digits."""
    return int(most ** source.uniform(0.2, 1.0))


def table(source: Random) -> bytes:
    """Draw the fields of a table of headers, whole or broken."""
    wanted_bytes = size(source, TABLE_MAX_BYTES)
    found = bytearray()
    while len(found) < wanted_bytes:
        name = source.randbytes(size(source, 100)) if source.random() < 0.1 else b"h%d" % len(found)
        field = bytes([len(name)]) + name + _field(source, wanted_bytes - len(found), 3)
        # Most are many of one kind.
        found += field * source.choice((1, 1, 1 + wanted_bytes // len(field)))
    del found[TABLE_MAX_BYTES:]
    if source.random() < 0.2:
        at = source.randrange(len(found))
        found[at : at + 4] = source.randbytes(4)
    return bytes(found)


def frames(source: Random, body: bytes) -> bytes:
    """Draw the frames of a delivery with a body and random headers."""
    fields = table(source)
    # The flags say: content type, headers, delivery mode, and type.
    properties = b"\xb0\x20" + b"\x10application/json" + len(fields).to_bytes(4, "big") + fields
    properties += b"\x02\x06CASINO"
    header = b"\x00\x3c\x00\x00" + len(body).to_bytes(8, "big") + properties
    parts = [body[at : at + 131_000] for at in range(0, len(body), 131_000)]
    return b"".join(
        bytes([kind]) + b"\x00\x01" + len(payload).to_bytes(4, "big") + payload + b"\xce"
        for kind, payload in [(1, METHOD), (2, header), *((3, part) for part in parts)]
    )


def batch(source: Random) -> bytes:
    """Draw a record batch of Kafka, as a broker stores it: at most 1 MB, and perhaps broken."""
    codec = source.choice((0, 1, 1, 2, 3, 4, 4))
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 30)
    value = _VALUES[source.choice(list(_VALUES))](
        source, size(source, 16_000_000 if codec else 900_000)
    )
    count = max(1, min(20_000, size(source, 18_000_000 if codec else 900_000) // (len(value) + 1)))
    headers = [("h", b"")] * (size(source, 15_000) if source.random() < 0.2 else 1)
    count = count if len(headers) == 1 else min(count, 100)
    for offset in range(count):
        builder.append(offset, 0, None, value, headers)
    built = bytes(builder.build())
    if source.random() < 0.2:
        at = source.randrange(61, len(built))
        built = built[:at] + source.randbytes(1) + built[at + 1 :]
    return built


def _field(source: Random, room_bytes: int, depth: int) -> bytes:
    kind = source.choice(b"tbBsuIilLfdDSxTVAF?" if depth else b"tIdSV")
    widths = {**dict.fromkeys(b"tbB", 1), **dict.fromkeys(b"su", 2), **dict.fromkeys(b"Iif", 4)}
    widths |= {**dict.fromkeys(b"lLdT", 8), ord("D"): 5, ord("V"): 0}
    if kind in widths:
        return bytes([kind]) + source.randbytes(widths[kind])
    if kind in b"Sx?":
        value = source.choice(TEXTS) * size(source, max(10, room_bytes // 4))
    else:
        name = b"\x01a" if kind == ord("F") else b""
        each = name + _field(source, room_bytes // 2, depth - 1)
        value = each * min(size(source, 3000), 1 + max(0, room_bytes) // len(each))
    return bytes([kind]) + len(value).to_bytes(4, "big") + value


def _changed(source: Random, change: str, body: bytes) -> bytes:
    if change in PACKERS:
        return PACKERS[change](body)
    at = source.randrange(len(body) + 1)
    match change:
        case "cut":
            return body[:at]
        case "flip":
            return body[:at] + source.randbytes(source.randint(1, 4)) + body[at + 1 :]
        case "frame":
            return source.choice(MAGICS) + body
        case "text":
            return json.dumps(body.decode("latin-1"), ensure_ascii=source.random() < 0.5).encode()
        case _:  # repeat, or add zeros
            return body + (body[at:] if change == "repeat" else bytes(size(source, 100_000)))


def _number(source: Random, size_bytes: int) -> bytes:
    digits = source.choice((b"9", b"0", b"123456789", b"5000"))
    head = source.choice((b"", b"-", b"1", b"1.", b"0.", b"1e", b"1e-", b"1.5e+"))
    number = head + digits * (size_bytes // len(digits) + 1)
    return b'"%b"' % number if source.random() < 0.4 else number


def _text(source: Random, size_bytes: int) -> bytes:
    parts = [source.choice(TEXTS) for _ in range(source.randint(1, 3))]
    part = b"".join(parts)
    return b'"' + part * (size_bytes // len(part) + 1) + source.choice((b'"', b'"', b'"', b""))


def _list(source: Random, size_bytes: int) -> bytes:
    item = source.choice(ITEMS)
    return repeated(item, max(1, size_bytes // (len(item) + 1)))


def _object(source: Random, size_bytes: int) -> bytes:
    item = source.choice(ITEMS)
    name = source.choice(("k%d", "%d", "same", "\U0001f600%d", "x" * source.randint(1, 300) + "%d"))
    each = len(name.encode()) + len(item) + 8
    names = (name % index if "%" in name else name for index in range(max(1, size_bytes // each)))
    return b"{" + b",".join(b'"%b":%b' % (each.encode(), item) for each in names) + b"}"


def _deep(source: Random, size_bytes: int) -> bytes:
    depth = size(source, max(10, min(100_000, size_bytes // 6)))
    opened, closed = source.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"[0,", b"]")))
    inner = _list(source, size_bytes // 2) if source.random() < 0.5 else b"1"
    return opened * depth + inner + closed * (depth if source.random() < 0.8 else depth - 1)


def _mixed(source: Random, size_bytes: int) -> bytes:
    parts = [
        source.choice((_number, _text, _list, _object, _deep))(source, size_bytes // 4)
        for _ in range(4)
    ]
    return b"[" + b",".join(parts) + b"]"


def _spaces(source: Random, size_bytes: int) -> bytes:
    space = source.choice((b" ", b"\n", b"\t\r\n"))
    return space * (size_bytes // 2 // len(space)) + _list(source, size_bytes // 2)


_VALUES: Final[dict[str, Callable[[Random, int], bytes]]] = {
    "number": _number,
    "text": _text,
    "list": _list,
    "object": _object,
    "depth": _deep,
    "mixture": _mixed,
    "spaces": _spaces,
}
