"""Readings of a process, the rates between two of them, and the table at 80 columns."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from consumer.cli.terminal.numbers import short_duration, short_number
from consumer.cli.top.address import base_url
from consumer.cli.top.port import PortRow, port_row
from consumer.cli.top.rates import ListenerRow, rows
from consumer.cli.top.read import ProcessReading, parse
from consumer.cli.top.table import table
from consumer.operations.metrics import Metrics
from consumer.options.address import reachable
from consumer.pipeline.books import LaneBooks

PROCESS = "127.0.0.1:9464"
WIDEST = ["100k", "100k", "99.9", "100k", "99.9M", "999M", "99.9k", "59s", "draining"]
EMPTY = b'{"parts":{}}'


def metrics_after(received: int, duplicates: int = 0, dead: int = 0) -> Metrics:
    """Return the metrics of a process with one listener, `payments`."""
    metrics = Metrics()
    LaneBooks(metrics, "payments").up.set(1)
    metrics.received.labels("payments").inc(received)
    metrics.duplicates.labels("payments").inc(duplicates)
    if received - duplicates - dead:
        metrics.forwarded.labels("payments", "game.bet").inc(received - duplicates - dead)
    if dead:
        metrics.dead_letters.labels("payments", "invalid").inc(dead)
    return metrics


def reading(at_s: float, metrics: Metrics, ready: bytes = EMPTY) -> ProcessReading:
    """Take a reading."""
    return parse(metrics.exposition().decode(), ready, at_s)


def test_first_reading_has_no_rates() -> None:
    """Totals since the start say nothing of now."""
    (row,) = rows(PROCESS, None, reading(0, metrics_after(10, dead=2)))
    assert (row.received_per_s, row.dead_letters_per_s, row.duplicates_ratio) == (None, None, None)
    assert (row.dead_letters_count, row.state, row.lag_count) == (2, "up", None)


def test_rates_are_differences() -> None:
    """By the time that really passed; a counter that is new began at 0."""
    before = reading(0, metrics_after(10))
    (row,) = rows(PROCESS, before, reading(4, metrics_after(50, duplicates=10, dead=2)))
    assert (row.received_per_s, row.forwarded_per_s) == (10, 7)
    assert (row.duplicates_ratio, row.dead_letters_per_s) == (0.25, 0.5)


def test_restarted_process_has_no_rate() -> None:
    """Never a negative one."""
    (row,) = rows(PROCESS, reading(0, metrics_after(10)), reading(1, metrics_after(9)))
    assert row.received_per_s is None


def test_quiet_listener_has_no_share_of_duplicates() -> None:
    """Nothing of nothing."""
    both = metrics_after(10, duplicates=5)
    (row,) = rows(PROCESS, reading(0, both), reading(1, both))
    assert (row.received_per_s, row.duplicates_ratio) == (0, None)


def test_trouble_of_listener_and_lane_is_the_listeners() -> None:
    """As `/readyz` says it."""
    ready = b"""{"draining":false,"parts":{
        "listener payments":{"up":false,"why":"refused"}, "store":{"up":false,"why":"away"},
        "lane payments":{"up":false,"why":"holding"}, "sink":{"up":true,"why":""}}}"""
    now = reading(0, metrics_after(1), ready)
    assert rows(PROCESS, None, now)[0].why == "refused; holding"
    assert now.whys["store"] == "away"


def test_trouble_of_the_sandbox_is_shown() -> None:
    """Under the name of its listener, or as the sandbox's part beside the live part."""
    ready = b"""{"parts":{"sink":{"up":false,"why":"gone"}},"sandbox":{"parts":{
        "sink":{"up":false,"why":"full"},"listener api-test":{"up":false,"why":"held"},
        "store":{"up":true,"why":""}}}}"""
    now = reading(0, metrics_after(1), ready)
    assert now.whys == {"sink": "gone", "sandbox sink": "full", "listener api-test": "held"}


def answered(metrics: Metrics, endpoint: str, status: int, count: int) -> None:
    """Count requests."""
    for _ in range(count):
        metrics.http_requests.of(endpoint, status).add(0.01)


def posted(stored: int, refused: int = 0) -> Metrics:
    """Return the metrics of a process with a public port that has answered requests."""
    metrics = metrics_after(stored)
    metrics.http_connections.set(3)
    for endpoint in ("ingest_casino", "ingest_many"):
        answered(metrics, endpoint, 200, stored // 2)
    answered(metrics, "ingest_casino", 400, 7)
    if refused:
        answered(metrics, "ingest_casino", 503, refused)
        metrics.http_shed.labels("full").inc(refused)
        metrics.key_refusals.labels("unknown").inc(refused)
    return metrics


def test_requests_of_the_port_are_counted_by_status() -> None:
    """Of all endpoints together; what did not happen in the interval is left out."""
    row = port_row(PROCESS, reading(0, posted(10)), reading(2, posted(30, refused=4)))
    assert row is not None
    assert row.requests_per_s == {"200": 10, "503": 2}
    assert (row.shed_per_s, row.key_refusals_per_s) == ({"full": 2}, {"unknown": 2})
    told = "requests/s: 200 10.0, 503 2.0; shed/s: full 2.0; refused keys/s: unknown 2.0"
    assert row.words() == f"3 connections; {told}"


def test_readers_are_shown_with_what_they_are_sent() -> None:
    """And with those who were let go."""
    before, now = posted(10), posted(10)
    for metrics in (before, now):
        metrics.stream_readers.set(12)
    now.stream_sent.inc(600)
    now.stream_let_go.labels("slow").inc(4)
    row = port_row(PROCESS, reading(0, before), reading(2, now))
    assert row is not None
    assert (row.readers_count, row.sent_per_s, row.let_go_per_s) == (12, 300, {"slow": 2})
    assert row.words() == "3 connections; 12 readers, 300 events/s; let go/s: slow 2.0"


def test_port_without_an_earlier_reading_has_no_rates() -> None:
    """After a restart neither."""
    for before in (None, msgspec.structs.replace(reading(0, posted(1)), started_s=1)):
        row = port_row(PROCESS, before, reading(1, posted(10)))
        assert row == PortRow(PROCESS, 3)
        assert row.words() == "3 connections"


def test_process_without_a_port_has_no_row() -> None:
    """Although the metrics are there, at 0."""
    assert port_row(PROCESS, None, reading(1, metrics_after(10))) is None


@pytest.mark.parametrize("several", [False, True])
def test_port_has_a_line_below_the_table(*, several: bool) -> None:
    """With the process, if there are several."""
    out = io.StringIO()
    row = PortRow(PROCESS, 3, requests_per_s={"200": 10.0})
    Console(file=out, width=80).print(table([], [row], {}, several=several))
    line = out.getvalue().splitlines()[-1].strip()
    head = f"{PROCESS} " if several else ""
    assert line == f"{head}public port: 3 connections; requests/s: 200 10.0"


@pytest.mark.parametrize("text", ["", "a 1", "go_threads 5", "{"])
def test_metrics_of_others_are_refused(text: str) -> None:
    """Some other port answered."""
    with pytest.raises(ValueError):  # noqa: PT011  # whatever the parser says
        parse(text, EMPTY, 0)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("a:1", "http://a:1"),
        ("http://a:1/", "http://a:1"),
        ("https://a/consumer/", "https://a/consumer"),
        ("[::1]:1", "http://[::1]:1"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    """With or without `http://`."""
    assert base_url(text) == url


@pytest.mark.parametrize("text", ["", "ftp://a", "a:b", "http://", "a:99999"])
def test_wrong_addresses(text: str) -> None:
    """Each is refused before anything is asked."""
    with pytest.raises(ValueError):  # noqa: PT011  # which one it was is told by the verb
        base_url(text)


@pytest.mark.parametrize(
    ("bind", "address"),
    [
        ("127.0.0.1:1", "127.0.0.1:1"),
        ("0.0.0.0:1", "127.0.0.1:1"),
        ("[::]:1", "[::1]:1"),
    ],
)
def test_own_process_is_asked_on_this_machine(bind: str, address: str) -> None:
    """An address to listen on is not always one to ask."""
    assert reachable(bind) == address


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "-"),
        (0, "0"),
        (0.0, "0"),
        (7, "7"),
        (0.25, "0.25"),
        (0.999, "1.0"),
        (12.34, "12.3"),
        (99.96, "100"),
        (999, "999"),
        (999.7, "1.0k"),
        (1234, "1.2k"),
        (999_999, "1.0M"),
        (86_400_000, "86.4M"),
        (1e15, ">999G"),
    ],
)
def test_numbers_are_short(number: float | None, text: str) -> None:
    """At most 5 characters."""
    assert short_number(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0, "0s"),
        (1.23, "1.2s"),
        (9.97, "10s"),
        (59.7, "1m"),
        (90, "2m"),
        (5400, "1.5h"),
    ],
)
def test_durations_are_short(seconds: float | None, text: str) -> None:
    """In one unit."""
    assert short_duration(seconds) == text


@pytest.mark.parametrize("several", [False, True])
def test_table_fits_80_columns(*, several: bool) -> None:
    """With the longest names and numbers there are; what is wrong stands below."""
    row = ListenerRow(
        process="consumer-0.consumer.example.com:9464",
        listener="l" * 64,
        state="draining",
        received_per_s=99_999.0,
        forwarded_per_s=99_999.0,
        duplicates_ratio=0.999,
        dead_letters_per_s=99_999.0,
        dead_letters_count=99_900_000,
        lag_count=999_000_000,
        in_flight_count=99_900,
        oldest_s=59.0,
        why="refused\x1b",
    )
    out = io.StringIO()
    Console(file=out, width=80).print(table([row], [], {"p store": "away"}, several=several))
    lines = out.getvalue().splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[1].split()[-9:] == WIDEST
    assert all(name in lines[0] for name in ("recv/s", "dup %", "dead/s", "lag", "oldest", "state"))
    assert lines[-1].strip() == "p store: away"
    assert "\x1b" not in out.getvalue()
