"""docs/http.md against the code: its paths, its limits, its reasons."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from consumer.api.described import described_endpoints
from consumer.api.openapi import document
from consumer.http.head import HEAD_MAX_BYTES
from consumer.http.settings import HttpSettings
from consumer.listeners.http.many import LINES_MAX_COUNT
from consumer.listeners.http.paths import MANY_PATH, PATHS
from consumer.listeners.http.settings import HttpListenerSettings

PAGE: Final = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
LIMITS: Final = PAGE.partition("## Limits")[2].partition("## Programs")[0]

POSTED: Final = {MANY_PATH, *(path for _, path in PATHS.values())}
"""The paths to which events are posted."""


def limit(name: str) -> str:
    """Return the default of a limit, as the table has it."""
    found = re.search(rf"^\| {re.escape(name)}[^|]*\| ([^|]*)", LIMITS, re.MULTILINE)
    assert found, name
    return found[1].partition(", also")[0].strip()


def test_each_type_has_its_path() -> None:
    """In the order of the code."""
    rows = re.findall(r"^\| (\w+) \| `(\w+) (/\S+)` \|$", PAGE, re.MULTILINE)
    assert [(name, (method, path)) for name, method, path in rows] == list(PATHS.items())


def test_the_limits_are_the_defaults() -> None:
    """Of the table `[http]` and of the listener."""
    http, listener = HttpSettings(), HttpListenerSettings()
    assert limit("the body of a request") == f"{http.max_body_bytes // 2**20} MiB"
    assert limit("one event") == f"{http.max_event_bytes // 1024} KiB"
    assert limit("lines of a batch") == f"{LINES_MAX_COUNT:,}"
    assert limit("headers") == f"{HEAD_MAX_BYTES // 1024} KiB"
    assert limit("the time for an answer") == f"{listener.answer_timeout_s:g} s"
    assert limit("connections of one address") == str(http.max_connections_per_address_count)
    assert limit("a connection without a request") == f"{http.idle_timeout_s:g} s"


def test_each_status_of_the_document_is_on_the_page() -> None:
    """With what to do about it."""
    answers = PAGE.partition("## What to do with an answer")[2].partition("## Why")[0]
    for path, by_verb in document(described_endpoints())["paths"].items():
        told = answers + LIMITS if path in POSTED else PAGE
        for operation in by_verb.values():
            if {"Wallet", "Callbacks of games"} & set(operation["tags"]):
                continue  # docs/wallet.md and the document itself are about them
            for status in operation["responses"]:
                assert re.search(rf"\b{status}\b", told), f"{path}: {status}"


def test_each_example_of_json_can_be_read() -> None:
    """Somebody will copy it. A line of it may be an event of its own."""
    for code in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL):
        try:
            json.loads(code)
        except ValueError:
            assert [json.loads(line) for line in code.splitlines()]
