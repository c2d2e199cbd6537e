"""Messages that cost more than they look like: what somebody sends who may publish to one queue.

Each is made for a permitted size, because the dearest messages are those that are just permitted.
"""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
import zstandard

from tests.support.samples import casino, payment
from tests.support.vendor import LOTTERY_V2, SPORTSBOOK

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMBERS_COUNT: Final = 10_000
WINDOW_LOG: Final = 23
"""8 MiB, which every receiver of zstd has to permit."""


class Bomb(msgspec.Struct, frozen=True):
    """One message.

    Attributes:
        name: what it is made of.
        message_type: its type.
        body: its bytes.
        encoding: its content encoding; empty: none.
    """

    name: str
    message_type: str
    body: bytes
    encoding: str = ""


def bombs(permitted_bytes: int, values_count: int) -> Iterator[Bomb]:
    """Make one of each kind.

    Args:
        permitted_bytes: the largest body.
        values_count: the largest number of values in it.
    """
    room_bytes = permitted_bytes - 1000
    few = values_count - 50
    for name, value in {
        "ones": b"1",
        "fractions": b"0.5",
        "texts": b'""',
        "lists": b"[]",
        "objects": b"{}",
    }.items():
        each = few // 2 if value in (b"[]", b"{}") else few
        yield Bomb(f"{name}, permitted", "CUSTOM", custom(repeated(value, each)))
        yield Bomb(
            f"{name}, as many as fit",
            "CUSTOM",
            custom(repeated(value, room_bytes // (len(value) + 1))),
        )
    keys = b"{" + b",".join(b'"k%d":1' % index for index in range(few)) + b"}"
    yield Bomb("keys", "CUSTOM", custom(keys))
    yield Bomb("keys that nobody knows", "CASINO", casino()[:-1] + b"," + keys[1:])
    small = b"[" + b",".join(b'{"k%d":0.5}' % index for index in range(few // 2)) + b"]"
    yield Bomb("objects of one key", "CUSTOM", custom(small))
    for name, digits in {"digits": b"9", "zeros": b"0", "fraction": b"1."}.items():
        number = (b"1" if digits == b"0" else b"") + digits + digits[-1:] * 1
        number = number + (b"7" if digits == b"1." else digits) * (room_bytes - len(number))
        yield Bomb(f"number of {name}", "CUSTOM", custom(number, wrap=True))
        yield Bomb(f"amount of {name}", "CASINO", in_place(casino(amount="#"), number))
        yield Bomb(f"id of {name}", "CASINO", in_place(casino(user_id="#"), number))
        text = b'"' + number + b'"'
        yield Bomb(f"amount of {name} as text", "PAYMENT", in_place(payment(amount="#"), text))
    yield Bomb("exponent", "CUSTOM", custom(b"1e" + b"9" * room_bytes, wrap=True))
    yield from _deep(room_bytes)
    yield from _texts(room_bytes)
    yield from _nested(room_bytes, few)
    yield from _compressed(permitted_bytes, few)


def _deep(room_bytes: int) -> Iterator[Bomb]:
    for depth in (400, 800, 5000):
        wide = b"x" * (room_bytes // depth // 2)
        level = b'{"' + wide + b'":'
        deep = level * depth + b"1" + b"}" * depth
        yield Bomb(f"{depth} levels of wide keys", "CUSTOM", custom(deep))
        long = b"[" * depth + b'"' + b"x" * (room_bytes - 2 * depth) + b'"' + b"]" * depth
        yield Bomb(f"{depth} levels of lists", "CUSTOM", custom(long, wrap=True))
        yield Bomb(f"{depth} levels where a list is", "SPORTSBOOK", b'{"bets":' + long + b"}")


def _texts(room_bytes: int) -> Iterator[Bomb]:
    wide = "\U0001f600".encode() + b"x" * room_bytes
    yield Bomb("text with an emoji", "CUSTOM", custom(b'"' + wide + b'"', wrap=True))
    yield Bomb("text where a name is", "CASINO", in_place(casino(game_name="#"), b'"%b"' % wide))
    commas = b'"' + b",[{" * (room_bytes // 3) + b'"'
    yield Bomb("text of commas", "CUSTOM", custom(commas, wrap=True))
    pairs = rb"\ud83d\ude00" * (room_bytes // 12 - 1)
    yield Bomb("half a pair at the end", "CASINO", in_place(casino(x="#"), b'"%b\\ud83d"' % pairs))
    yield Bomb("escapes", "CASINO", in_place(casino(x="#"), b'"' + b"\\n" * (room_bytes // 2)))
    yield Bomb("open quotes", "CASINO", casino()[:-1] + b',"' + b'\\"' * (room_bytes // 2))
    yield Bomb("quotes and commas", "CASINO", casino()[:-1] + b'"",' * (room_bytes // 3))
    yield Bomb("spaces", "CASINO", b" " * room_bytes + casino())
    yield Bomb("bytes that are not UTF-8", "CASINO", in_place(casino(x="#"), b'"%b\xff"' % wide))


def _nested(room_bytes: int, few: int) -> Iterator[Bomb]:
    line: dict[str, Any] = {"line_id": 1, "numbers": [1]}
    broken: dict[str, Any] = {"line_id": True}
    for name, changed in {"": {}, ", the last broken": broken}.items():
        count = min(room_bytes // 35, few // 6)
        body = {**LOTTERY_V2.body, "lines": [line] * count + [line | changed]}
        yield Bomb(f"lines{name}", "LOTTERY_V2", compact(body))
    bet = SPORTSBOOK.body["bets"][0]
    size_bytes = len(compact(bet)) + 1
    count = min(room_bytes // size_bytes, few // compact(bet).count(b",") // 2)
    for name, changed in {"": {}, " with unknown fields": {"x": 1}}.items():
        body = {**SPORTSBOOK.body, "bets": [bet | changed] * count}
        yield Bomb(f"bets{name}", "SPORTSBOOK", compact(body))
    balance = {"amount": "1.5", "currency": "EUR"}
    balances = [balance] * min(room_bytes // 40, few // 4)
    body = {"user_id": "1", "origin": "o", "timestamp": "2026-01-01T00:00:00Z"}
    yield Bomb("balances", "USER_BALANCES_UPDATE", compact({**body, "balances": balances}))
    tags = repeated(b'"t"', few)
    tagged = compact({**body, "tags": "#"})
    yield Bomb("tags", "USER_TAGS", tagged.replace(b'"#"', tags))


def _compressed(permitted_bytes: int, few: int) -> Iterator[Bomb]:
    plenty = bytes(64 * permitted_bytes)
    packed = {
        "gzip": gzip.compress(plenty),
        "deflate": zlib.compress(plenty),
        "zstd": zstandard.compress(plenty),
    }
    for name, body in packed.items():
        yield Bomb(f"{name} of zeros", "CUSTOM", body, name)
    yield Bomb("gzip without a name", "CUSTOM", packed["gzip"])
    permitted = custom(repeated(b"0.5", few))
    yield Bomb("gzip of fractions", "CUSTOM", gzip.compress(permitted), "gzip")
    spaces = b" " * (permitted_bytes - 1000) + casino()
    yield Bomb("gzip of spaces", "CASINO", gzip.compress(spaces), "gzip")
    yield Bomb("gzip in gzip", "CUSTOM", gzip.compress(packed["gzip"]), "gzip")
    empty = gzip.compress(b"") * MEMBERS_COUNT
    yield Bomb("empty members", "CASINO", empty + gzip.compress(casino()), "gzip")
    parameters = zstandard.ZstdCompressionParameters(window_log=WINDOW_LOG)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    yield Bomb("zstd window", "CASINO", stream.compress(casino()) + stream.flush(), "zstd")
    frames = zstandard.compress(b"") * MEMBERS_COUNT
    yield Bomb("empty frames", "CASINO", frames + zstandard.compress(casino()), "zstd")


def custom(value: bytes, *, wrap: bool = False) -> bytes:
    """Return a CUSTOM event that holds a JSON value."""
    event = {
        "notification_type": "n",
        "user_id": "1",
        "origin": "o",
        "timestamp": "2026-01-01T00:00:00Z",
        "data": "#",
    }
    return in_place(compact(event), b'{"a":' + value + b"}" if wrap or value[:1] != b"{" else value)


def in_place(body: bytes, value: bytes) -> bytes:
    """Return a body with a JSON value in place of the text `#`."""
    return body.replace(b'"#"', value)


def repeated(value: bytes, count: int) -> bytes:
    """Return a list that holds a JSON value several times."""
    return b"[" + (value + b",") * (count - 1) + value + b"]"


def compact(value: object) -> bytes:
    """Return JSON without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()
