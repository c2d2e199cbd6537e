"""Counts what one lane has received, and how each delivery ended.

The books balance: for each listener, at every scrape,
`received = forwarded + duplicates + dead letters + in flight`. This holds because a batch is
booked in one step, without an await between its counters, and a scrape runs on the same event loop.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from consumer.deliveries.delivery import Dead, Forwarded
from consumer.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import Counter as MetricCounter, Histogram

    from consumer.operations.metrics import Metrics
    from consumer.pipeline.batch import Batch


STAGES: Final = ("claim", "publish", "dead_letter")
"""The stages at which a lane may be held: the label `stage` of the retries."""
TROUBLES: Final = ("lost", "refused", "stalled", "held_too_long", "flooded")
"""The reasons of `ListenerUnavailable`."""


class LaneBooks:
    """One lane's metrics. Their labels are looked up once.

    Every counter of which the labels are known is there from the start. Prometheus sees no increase
    in a counter that is born with its first increment, so an alert on it would not fire.

    Args:
        metrics: The metrics of the process.
        listener: The lane's name.
    """

    def __init__(self, metrics: Metrics, listener: str) -> None:
        self._metrics = metrics
        self._listener = listener
        self.in_flight_count = 0
        self._received = metrics.received.labels(listener)
        self._duplicates = metrics.duplicates.labels(listener)
        self._batch_events = metrics.batch_events.labels(listener)
        self._event_age = metrics.event_age.labels(listener)
        self._old_claims = metrics.old_claims.labels(listener)
        # To look up a metric by its labels takes longer than to count.
        self._stages: dict[str, Histogram] = {}
        self._forwarded: dict[str, MetricCounter] = {}
        self._source_lost = metrics.source_lost.labels(listener)
        self._tombstones = metrics.tombstones.labels(listener)
        self.up = metrics.listener_up.labels(listener)
        self.up.set(0)
        self.paused = metrics.listener_paused.labels(listener)
        for reason in Reason:
            metrics.dead_letters.labels(listener, reason.value)
        for stage in STAGES:
            metrics.retries.labels(listener, stage)
        for trouble in TROUBLES:
            metrics.listener_restarts.labels(listener, trouble)
        metrics.in_flight.labels(listener).set_function(lambda: self.in_flight_count)

    def watch_age(self, oldest_s: Callable[[], float]) -> None:
        """Show the age of the oldest delivery in flight as a metric.

        Args:
            oldest_s: The function that returns this age, in seconds.
        """
        self._metrics.oldest_unsettled.labels(self._listener).set_function(oldest_s)

    def note_lag(self, waiting_count: int | None) -> None:
        """Show how many messages wait at the source. None: the number is not known."""
        if waiting_count is None:
            self._metrics.lag.remove(self._listener)
        else:
            self._metrics.lag.labels(self._listener).set(waiting_count)

    def took_in(self, batch: Batch) -> None:
        """Book a new batch as in flight."""
        count = len(batch.works)
        self._received.inc(count)
        self.in_flight_count += count
        self._batch_events.observe(count)

    def retried(self, stage: str) -> None:
        """Count a try that failed."""
        self._metrics.retries.labels(self._listener, stage).inc()

    def old_claim(self) -> None:
        """Count an event that is published although the sink may have forgotten its message id."""
        self._old_claims.inc()

    def passed_over(self, lost_count: int, empty_count: int) -> None:
        """Count what the source has lost, and what only deletes an older message."""
        self._source_lost.inc(lost_count)
        self._tombstones.inc(empty_count)

    def restarted(self, reason: str) -> None:
        """Count a connection that ended in trouble."""
        self._metrics.listener_restarts.labels(self._listener, reason).inc()

    def took(self, stage: str, spent_s: float) -> None:
        """Note how long a batch spent in a stage, in seconds."""
        histogram = self._stages.get(stage)
        if histogram is None:
            histogram = self._stages[stage] = self._metrics.stage.labels(stage)
        histogram.observe(spent_s)

    def concluded(self, batch: Batch, now_s: float) -> None:
        """Book a batch in which every delivery has ended. This must not await: see the module."""
        subjects: Counter[str] = Counter()
        oddities: Counter[str] = Counter()
        for work in batch.works:
            end = work.delivery.end
            if isinstance(end, Forwarded):
                subjects[end.event.subject] += 1
                if end.event.oddities:
                    oddities.update([oddity.name for oddity in end.event.oddities])
                if end.shadow is not None:
                    instead = end.shadow.instead
                    self._metrics.shadow_duplicates.labels(self._listener, instead).inc()
            elif isinstance(end, Dead):
                reason = end.rejected.reason.value
                self._metrics.dead_letters.labels(self._listener, reason).inc()
            else:
                self._duplicates.inc()
        for subject, count in subjects.items():
            self._forwarded_on(subject).inc(count)
        for name, count in oddities.items():
            self._metrics.oddities.labels(self._listener, name).inc(count)
        self.in_flight_count -= len(batch.works)
        self._observe_age(batch, now_s)

    def _forwarded_on(self, subject: str) -> MetricCounter:
        counter = self._forwarded.get(subject)
        if counter is None:
            counter = self._metrics.forwarded.labels(self._listener, subject)
            self._forwarded[subject] = counter
        return counter

    def _observe_age(self, batch: Batch, now_s: float) -> None:
        first = next((work.event for work in batch.works if work.event is not None), None)
        if first is not None and first.time_s is not None:
            self._event_age.observe(now_s - first.time_s)
