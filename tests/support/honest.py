"""What real senders sent, from public bug reports: `payloads.jsonl` and `payloads_found.jsonl`.

Each case has the messages, how they were sent, and what is right (`want`): events with their
subject and some of their data, dead letters with their reason and words of their error, and how
many messages are duplicates.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final, NamedTuple

EVERYWHERE: Final = ("memory", "rabbitmq", "kafka", "nats")


class Case(NamedTuple):
    """One case.

    Attributes:
        name: its name in the file.
        bodies: the messages, in the order of sending.
        message_type: the type that they name; None: none.
        content_encoding: the content encoding that they name.
        headers: what else they carry.
        transports: where they are sent; the other transports carry the type in another way.
        want: what is right.
    """

    name: str
    bodies: list[bytes]
    message_type: str | None
    content_encoding: str | None
    headers: dict[str, str]
    transports: tuple[str, ...]
    want: dict[str, Any]


def _read(row: dict[str, Any]) -> Case:
    first = base64.b64decode(row["base64"]) if "base64" in row else row["body"].encode()
    properties = row.get("properties", {})
    headers = properties.get("headers", {})
    return Case(
        row["name"],
        [first, *(body.encode() for body in row.get("then_body", []))],
        headers.get("type", row["type"]),
        properties.get("content_encoding", headers.get("content-encoding")),
        row.get("headers", {}),
        tuple(row.get("transports", EVERYWHERE)),
        row["want"],
    )


def _read_all(name: str) -> list[Case]:
    text = (Path(__file__).parents[1] / "data" / name).read_text(encoding="utf-8")
    return [_read(json.loads(line)) for line in text.splitlines()]


CASES: Final = _read_all("payloads.jsonl")
FOUND: Final = _read_all("payloads_found.jsonl")


def fits(wanted: dict[str, Any], event: dict[str, Any]) -> bool:
    """Tell whether an event, as a CloudEvents object, is the one that is wanted."""
    data: dict[str, Any] = wanted["data"]
    found: dict[str, Any] = event["data"]
    return bool(event["type"] == wanted["subject"] and data.items() <= found.items())


def is_told(wanted: dict[str, Any], reason: str, error: str) -> bool:
    """Tell whether a dead letter is the one that is wanted."""
    return reason == wanted["reason"] and all(word in error for word in wanted.get("contains", ()))
