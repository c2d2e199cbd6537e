"""Stops a listener that takes in too many broken deliveries, between decoding and booking.

A bad deployment of a sender must not drain a queue into the dead letters. So a listener stops
itself when more than a given share of what it took in lately became dead letters. Responsible for
counting, and for raising `ListenerFlooded`. `lanes/supervise.py` closes the listener and keeps it
closed.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import ListenerFlooded

if TYPE_CHECKING:
    from consumer.errors import Rejected
    from consumer.pipeline.batch import Batch

AT_LEAST_COUNT: Final = 100
"""The number of deliveries from which the share counts. Without it, the first broken delivery would
stop a listener."""
BUCKETS_COUNT: Final = 60
"""The window is divided into this many buckets, so that memory is bounded."""


class _Bucket(msgspec.Struct):
    number: int
    taken_count: int = 0
    dead_count: int = 0


class FloodGuard:
    """Watches one lane, for as long as the lane lives, over all its connections.

    It reads no clock, because a batch carries the time at which it was taken in.

    Args:
        max_share_ratio: The largest share of dead letters among the deliveries of the window, from
            0 to 1. With 1, the guard never stops the listener.
        window_s: The length of the window, in seconds.
    """

    def __init__(self, max_share_ratio: float, window_s: float) -> None:
        self._max_share_ratio = max_share_ratio
        self._window_s = window_s
        self._step_s = window_s / BUCKETS_COUNT
        self._buckets: deque[_Bucket] = deque()
        self._last: Rejected | None = None

    def look(self, batch: Batch) -> None:
        """Count a batch that has been decoded, but not booked, claimed or stored yet.

        Raises:
            ListenerFlooded: Too many deliveries are broken, those of this batch included. The
                batch has to go back to its source.
        """
        if self._max_share_ratio >= 1:
            return
        bucket = self._bucket(batch)
        bucket.taken_count += len(batch.works)
        self.count_dead(batch)
        taken_count = sum(one.taken_count for one in self._buckets)
        dead_count = sum(one.dead_count for one in self._buckets)
        if taken_count < AT_LEAST_COUNT or dead_count <= self._max_share_ratio * taken_count:
            return
        raise ListenerFlooded(
            f"{dead_count / taken_count:.0%} of {taken_count} deliveries "
            f"in {self._window_s:g} s became dead letters",
            self._last,
        )

    def count_dead(self, batch: Batch) -> None:
        """Count the deliveries of a batch that died since the last call for the same batch.

        Conflicts are found after the claim, and events that are too large when they are
        addressed. They count for the time at which their batch was taken in, so that no share
        can be above 1.
        """
        dead = batch.dead()
        new_count = len(dead) - batch.counted_dead_count
        if not new_count:
            return
        batch.counted_dead_count = len(dead)
        _, self._last = dead[-1]
        number = int(batch.since_s / self._step_s)
        for bucket in self._buckets:
            if bucket.number == number:
                bucket.dead_count += new_count

    def _bucket(self, batch: Batch) -> _Bucket:
        """Return the newest bucket, and forget the buckets that have left the window."""
        number = int(batch.since_s / self._step_s)
        if not self._buckets or self._buckets[-1].number != number:
            self._buckets.append(_Bucket(number))
        while self._buckets[0].number <= number - BUCKETS_COUNT:
            self._buckets.popleft()
        return self._buckets[-1]
