"""What real senders sent, from public bug reports: `tests/data/payloads.jsonl`.

Each case has the messages, how they were sent, and what is right (`want`): events with their
subject and some of their data, dead letters with their reason and words of their error, and how
many messages are duplicates.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final, NamedTuple


class Case(NamedTuple):
    """One case.

    Attributes:
        name: its name in the file.
        bodies: the messages, in the order of sending.
        message_type: the type that they name.
        content_encoding: the content encoding that they name.
        want: what is right.
    """

    name: str
    bodies: list[bytes]
    message_type: str
    content_encoding: str | None
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
        row["want"],
    )


CASES: Final = [
    _read(json.loads(line))
    for line in (Path(__file__).parents[1] / "data" / "payloads.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


def fits(wanted: dict[str, Any], event: dict[str, Any]) -> bool:
    """Tell whether an event, as a CloudEvents object, is the one that is wanted."""
    data: dict[str, Any] = wanted["data"]
    found: dict[str, Any] = event["data"]
    return bool(event["type"] == wanted["subject"] and data.items() <= found.items())


def is_told(wanted: dict[str, Any], reason: str, error: str) -> bool:
    """Tell whether a dead letter is the one that is wanted."""
    return reason == wanted["reason"] and all(word in error for word in wanted.get("contains", ()))
