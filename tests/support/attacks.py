"""What somebody sends who may publish to one source: many bombs, and harm of other kinds.

The bodies come from `bombs.py`. Here are the ways to send them, and the harm that is not in a body:
headers, record batches, and many messages of which each is small.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Final

import msgspec

from tests.support.bombs import bombs, custom, repeated
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEGABYTE: Final = 1024 * 1024
PERMITTED_BYTES: Final = 2 * MEGABYTE
"""The largest body, if no option and no server says otherwise."""
VALUES_COUNT: Final = 52_428
SENT_BYTES: Final = 1_000_000
"""A little less than the largest message of NATS and Kafka with their usual settings."""
STORED_HEADERS_BYTES: Final = 60_000
"""A little less than the largest headers of a message that JetStream stores."""
COUNT: Final = 6
"""So many of each bomb: what was found first were six."""
USUAL: Final = {
    "rabbitmq": (
        "many ones, gzip",
        "zeros in 16 KB, gzip",
        "800 KB of ones",
        "table of 118 KB, long texts",
        "bomb: objects of one key",
    ),
    "kafka": ("9,000 headers, broken event", "batch of 200 MB, gzip", "batch of 15 MB, gzip"),
    "nats": ("1000 unknown fields", "60 KB of headers, broken event"),
    "core": ("1 MB of headers, broken event",),
}
"""The attacks of the short run, by the kind of source: each does its harm in another way."""


class Sent(msgspec.Struct, frozen=True):
    """A message of an attack.

    Attributes:
        body: its bytes.
        message_type: its type.
        encoding: its content encoding; empty: none.
        headers: its other headers.
    """

    body: bytes
    message_type: str = "CUSTOM"
    encoding: str = ""
    headers: dict[str, str] = {}


class Attack(msgspec.Struct, frozen=True):
    """Messages that are sent one after the other to one source.

    Attributes:
        kind: of the source: `rabbitmq`, `kafka`, `nats`, or `core` for a NATS subject alone.
        name: what is in the messages.
        messages: all of them.
        codec: the compression of Kafka's record batches. Then each message is a batch of its own.
        records_count: the number of records with that body in such a batch.
    """

    kind: str
    name: str
    messages: list[Sent]
    codec: str = ""
    records_count: int = 1

    @property
    def is_usual(self) -> bool:
        """True for an attack of the short run."""
        return self.name in USUAL[self.kind]


def attacks(kind: str) -> Iterator[Attack]:
    """Make every attack on a kind of source, one after the other.

    Args:
        kind: see `Attack`.
    """
    for name, make in _OF_ALL.items():
        yield Attack(kind, name, make())
    for name, make in _OF_KIND[kind].items():
        yield Attack(kind, name, make())
    if kind == "kafka":
        yield from _batches()
    # RabbitMQ takes what is permitted; the others only what their message may hold.
    permitted_bytes = PERMITTED_BYTES if kind == "rabbitmq" else SENT_BYTES
    for bomb in bombs(permitted_bytes, VALUES_COUNT):
        if len(bomb.body) <= permitted_bytes:
            sent = Sent(bomb.body, bomb.message_type, bomb.encoding)
            yield Attack(kind, f"bomb: {bomb.name}", [sent] * COUNT)


def _many_ones() -> list[Sent]:
    packed = gzip.compress(custom(repeated(b"1", 4_000_000)))
    return [Sent(packed, encoding="gzip")] * COUNT


def _zeros() -> list[Sent]:
    return [Sent(gzip.compress(bytes(16 * MEGABYTE)), encoding="gzip")] * 100


def _plain() -> list[Sent]:
    return [Sent(custom(repeated(b"1", 400_000)))] * 20


def _conflicts() -> list[Sent]:
    return [Sent(casino(activity_id="same", amount=n), "CASINO") for n in range(500)]


def _unknown_fields() -> list[Sent]:
    unknown = {f"unknown{index}": index for index in range(1000)}
    return [Sent(casino(activity_id=f"e{n}", **unknown), "CASINO") for n in range(500)]


def _broken() -> list[Sent]:
    return [Sent(casino(activity_id=f"e{n}", amount="x"), "CASINO") for n in range(500)]


def _headers(each_bytes: int, total_bytes: int) -> dict[str, str]:
    name_bytes = len("h00000")
    value = "x" * (each_bytes - name_bytes)
    return {f"h{index:05}": value for index in range(total_bytes // each_bytes)}


def _with_headers(count: int, each_bytes: int, total_bytes: int, **changes: object) -> list[Sent]:
    headers = _headers(each_bytes, total_bytes)
    return [
        Sent(casino(activity_id=f"e{number}", **changes), "CASINO", headers=headers)
        for number in range(count)
    ]


def _batches() -> Iterator[Attack]:
    for codec, most_count in {"gzip": 20, "snappy": 2, "lz4": 20, "zstd": 20}.items():
        large = [Sent(bytes(10 * MEGABYTE))] * COUNT
        yield Attack("kafka", f"batch of {10 * most_count} MB, {codec}", large, codec, most_count)
        just = [Sent(bytes(15 * MEGABYTE))] * COUNT
        yield Attack("kafka", f"batch of 15 MB, {codec}", just, codec)
    yield Attack("kafka", "batch of 50,000 empty records, gzip", [Sent(b"")] * 2, "gzip", 50_000)
    record = Sent(json.dumps({"a": "x" * 1000}).encode())
    yield Attack("kafka", "batch of 15,000 broken events, zstd", [record] * 2, "zstd", 15_000)


_OF_ALL: Final[dict[str, Callable[[], list[Sent]]]] = {
    "many ones, gzip": _many_ones,
    "zeros in 16 KB, gzip": _zeros,
    "800 KB of ones": _plain,
    "conflicts of one identity": _conflicts,
    "1000 unknown fields": _unknown_fields,
    "broken events": _broken,
}
_OF_KIND: Final[dict[str, dict[str, Callable[[], list[Sent]]]]] = {
    "rabbitmq": {
        # A name has a byte before it, and a text has five: the table has 118 KB.
        "table of 118 KB": lambda: _with_headers(500, 12, 77_000),
        "table of 118 KB, broken event": lambda: _with_headers(500, 12, 77_000, amount="x"),
        "table of 118 KB, long texts": lambda: _with_headers(500, 2000, 116_000, amount="x"),
    },
    "kafka": {
        "100,000 headers": lambda: _with_headers(COUNT, 6, 600_000),
        "9,000 headers": lambda: _with_headers(100, 6, 54_000),
        "9,000 headers, broken event": lambda: _with_headers(100, 6, 54_000, amount="x"),
    },
    "nats": {
        "60 KB of headers": lambda: _with_headers(100, 6, 36_000),
        "60 KB of headers, broken event": lambda: _with_headers(100, 6, 36_000, amount="x"),
    },
    "core": {
        "1 MB of headers": lambda: _with_headers(COUNT, 6, 600_000),
        "1 MB of headers, broken event": lambda: _with_headers(COUNT, 6, 600_000, amount="x"),
    },
}
