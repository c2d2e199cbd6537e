"""The requests of the public port are scraped as prometheus_client would count them itself."""

from __future__ import annotations

import random
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from consumer.operations.tallies import RequestTallies

BOUNDS_S: Final = (0.001, 0.01, 0.5, 1, 30)


def test_scrape_is_that_of_the_library() -> None:
    """Also for a time that is a bound, and for one beyond all bounds."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tallies = RequestTallies(BOUNDS_S)
    ours.register(tallies)
    requests = Counter(
        "consumer_http_requests",
        "Requests answered at the public port.",
        ("endpoint", "status"),
        registry=theirs,
    )
    seconds = Histogram(
        "consumer_http_request_seconds",
        "Time from the headers of a request to its answer.",
        ("endpoint",),
        buckets=BOUNDS_S,
        registry=theirs,
    )
    draw = random.Random(1)  # no secret
    for took_s in (*BOUNDS_S, 31.0, 0.0, *(draw.expovariate(2.0) for _ in range(200))):
        endpoint, status = draw.choice(("one", "other")), draw.choice((200, 503))
        tallies.of(endpoint, status).add(took_s)
        requests.labels(endpoint, str(status)).inc()
        seconds.labels(endpoint).observe(took_s)
    assert sorted(lines(ours)) == sorted(lines(theirs))


def lines(registry: CollectorRegistry) -> list[str]:
    """Return what is scraped, with sums that are rounded."""
    found = []
    for line in generate_latest(registry).decode().splitlines():
        name, _, value = line.rpartition(" ")
        found.append(f"{name} {float(value):.6f}" if "_sum" in name else line)
    return found


def test_without_requests_there_are_no_values() -> None:
    """But the metrics are there."""
    registry = CollectorRegistry()
    registry.register(RequestTallies(BOUNDS_S))
    assert [family.name for family in registry.collect()] == [
        "consumer_http_requests",
        "consumer_http_request_seconds",
    ]
