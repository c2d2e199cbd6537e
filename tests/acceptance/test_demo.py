"""`consumer demo` as a newcomer starts it: a process, looked at from outside."""

from __future__ import annotations

import json
import subprocess
import sys

from consumer.events.registry import CATALOGUE

COUNT = 300
DEADLINE_S = 60


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the demo to its end."""
    return subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", "consumer", "demo", *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=DEADLINE_S,
    )


def test_books_balance() -> None:
    """Duplicates are dropped, broken events are dead letters, and that is exit code 0."""
    ended = demo("--count", str(COUNT), "--duplicates", "20%", "--broken", "10%")
    assert ended.returncode == 0, ended.stderr
    assert "The books balance" in ended.stderr
    rows = {line[:18].strip(): line[18:].split() for line in ended.stderr.splitlines()}
    assert rows["events forwarded"] == ["210", "210", "210"]
    assert rows["duplicates dropped"] == ["60", "60", "-"]
    assert rows["dead letters"] == ["30", "30", "30"]
    sent, counted, _ = rows["posted over HTTP"]
    assert sent == counted
    assert 15 <= int(sent) <= 30


def test_every_type_of_the_catalogue_is_shown() -> None:
    """Those that are rare in a casino too."""
    ended = demo("--count", "2000")
    assert ended.returncode == 0, ended.stderr
    sources = {json.loads(line)["source"] for line in ended.stdout.splitlines()}
    assert sources == {f"/demo/{one.name.lower()}" for one in CATALOGUE}


def test_pipe_gets_each_event_once() -> None:
    """Standard output is nothing but events, one JSON object a line."""
    ended = demo("--count", str(COUNT), "--duplicates", "20%", "--broken", "10%")
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(events) == 210
    assert len({(event["source"], event["id"]) for event in events}) == 210
    assert {event["specversion"] for event in events} == {"1.0"}


def test_same_seed_shows_the_same_events() -> None:
    """The demo can be repeated; only an event without a time of its own has that of its arrival."""
    shown = [
        [json.loads(line) for line in demo("--count", "200", "--seed", "9").stdout.splitlines()]
        for _ in range(2)
    ]
    for event in (*shown[0], *shown[1]):
        if event["type"] == "game.catalog":
            del event["time"]
    assert shown[0] == shown[1]
    assert shown[0]
