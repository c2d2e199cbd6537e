"""Lists every metric once, with its name, its labels and its meaning.

Names begin with `consumer_`, quantities end in a base unit, and each label has a bounded number of
values.
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from consumer.operations.parts_up import PartsUp
from consumer.operations.tallies import RequestTallies

disable_created_metrics()  # type: ignore[no-untyped-call]  # nobody reads this second series

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_AGES_S: Final = (
    -3600,
    -60,
    -1,
    0.01,
    0.05,
    0.1,
    0.5,
    1,
    5,
    15,
    60,
    300,
    900,
    3600,
    21_600,
    86_400,
    604_800,
)
_LISTENER: Final = ("listener",)
_COUNTS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500)


class Metrics:
    """All metrics of the process, on a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self.received = self._counter("received", "Deliveries taken in.", *_LISTENER)
        self.forwarded = self._counter(
            "forwarded", "Events stored in the sink.", "listener", "subject"
        )
        self.duplicates = self._counter(
            "duplicates", "Deliveries of an event that is stored already.", *_LISTENER
        )
        self.shadow_duplicates = self._counter(
            "shadow_duplicates", "Events forwarded only because of shadow mode.", "listener", "kind"
        )
        self.dead_letters = self._counter(
            "dead_letters", "Deliveries kept as dead letters.", "listener", "reason"
        )
        self.retries = self._counter(
            "retries", "Tries that failed and are repeated.", "listener", "stage"
        )
        self.oddities = self._counter(
            "oddities", "Oddities in events that were accepted.", "listener", "oddity"
        )
        self.old_claims = self._counter(
            "old_claims",
            "Events published again after the sink may have forgotten them.",
            *_LISTENER,
        )
        self.source_lost = self._counter(
            "source_lost",
            "Messages that a source lost before they were read, at most.",
            *_LISTENER,
        )
        self.tombstones = self._counter(
            "tombstones", "Records without a value that were skipped.", *_LISTENER
        )
        self.listener_restarts = self._counter(
            "listener_restarts", "Connections that ended in trouble.", "listener", "reason"
        )
        self.in_flight = self._gauge(
            "in_flight", "Deliveries taken in and not ended yet.", *_LISTENER
        )
        self.oldest_unsettled = self._gauge(
            "oldest_unsettled_seconds", "Age of the oldest delivery in flight.", *_LISTENER
        )
        self.lag = self._gauge("lag", "Messages that wait at the source.", *_LISTENER)
        self.listener_up = self._gauge(
            "listener_up", "1 if connected and taking in, else 0.", *_LISTENER
        )
        self.listener_paused = self._gauge(
            "listener_paused", "1 while an operator has paused the listener, else 0.", *_LISTENER
        )
        self.loop_lag = self._gauge("loop_lag_seconds", "How late the event loop is, in seconds.")
        self.log_dropped = self._counter(
            "log_dropped", "Log lines dropped, because standard error took no more."
        )
        self.batch_events = self._histogram(
            "batch_events", "Deliveries in each batch.", _COUNTS, *_LISTENER
        )
        self.stage = self._histogram(
            "stage_seconds", "Time a batch spent in a stage.", _SECONDS, "stage"
        )
        self.event_age = self._histogram(
            "event_age_seconds",
            "Time from an event's own time until it is stored, for the first event of each batch. "
            "Negative for an event from the future.",
            _AGES_S,
            *_LISTENER,
        )
        self.http_requests = RequestTallies(_SECONDS)
        self.registry.register(self.http_requests)
        self.parts_up = PartsUp(self.registry)
        self.http_connections = self._gauge(
            "http_connections", "Open connections at the public port."
        )
        self.http_shed = self._counter(
            "http_shed",
            "Connections and requests that were cut off or refused to protect the others.",
            "reason",
        )
        self.stream_readers = self._gauge(
            "stream_readers", "Open streams of events at the public port."
        )
        self.stream_sent = self._counter(
            "stream_sent", "Events that were sent over streams of the public port."
        )
        self.stream_let_go = self._counter(
            "stream_let_go", "Streams that were closed by us before their client left.", "reason"
        )
        self.wallet_callbacks = self._counter(
            "wallet_callbacks",
            "Callbacks of games that were answered: OK, REPLAYED, or the code of the refusal.",
            "environment",
            "verb",
            "code",
        )
        self.wallet_callback = self._histogram(
            "wallet_callback_seconds",
            "Time from the headers of a callback to its answer.",
            _SECONDS,
            "environment",
            "verb",
        )
        self.wallet_outbox_age = self._gauge(
            "wallet_outbox_age_seconds",
            "Age of the oldest movement of money whose events wait. 0: none waits.",
            "environment",
        )
        self.wallet_write_offs = self._gauge(
            "wallet_write_offs",
            "Rollbacks that could not take everything back, since the ledger was made.",
            "environment",
        )
        self.wallet_faults = self._gauge(
            "wallet_faults",
            "Places where the last check of the books found that they do not fit.",
            "environment",
        )
        self.wallet_verified = self._gauge(
            "wallet_verified_timestamp_seconds",
            "When the last check of the books ended, in seconds since 1970.",
            "environment",
        )
        self.key_refusals = self._counter(
            "key_refusals", "Requests refused because of their key.", "reason"
        )
        self._gauge("build_info", "Always 1.", "version", "python").labels(
            version("consumer"), platform.python_version()
        ).set(1)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"consumer_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"consumer_{name}", meaning, labels, registry=self.registry)

    def _histogram(
        self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(
            f"consumer_{name}", meaning, labels, buckets=buckets, registry=self.registry
        )

    def exposition(self) -> bytes:
        """Return everything in the Prometheus text format."""
        return generate_latest(self.registry)
