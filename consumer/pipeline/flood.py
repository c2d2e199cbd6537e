"""Between decoding and booking: is this still a source of events, or a flood of broken ones?

A bad deployment of a sender must not drain a queue into the dead letters. So a listener stops
itself when more than a share of what it took in lately became dead letters. Responsible for
counting, and for saying so; closing the listener and keeping it closed is `supervise.py`'s.
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
"""Of fewer deliveries nothing is concluded: the first broken one must not stop anything."""
BUCKETS_COUNT: Final = 60
"""The window moves on in such steps, of a second each by default: memory is bounded."""


class _Bucket(msgspec.Struct):
    number: int
    taken_count: int = 0
    dead_count: int = 0


class FloodGuard:
    """Watches one lane. Outlives its connections, as the lane does.

    Its clock is the lane's: a batch carries the time it was taken in at.

    Args:
        max_share: dead letters among the deliveries of the window, 0 to 1; 1: never stops.
        window_s: how far it looks back, in seconds.
    """

    def __init__(self, max_share: float, window_s: float) -> None:
        self._max_share = max_share
        self._window_s = window_s
        self._step_s = window_s / BUCKETS_COUNT
        self._buckets: deque[_Bucket] = deque()
        self._last: Rejected | None = None

    def look(self, batch: Batch) -> None:
        """Count a batch that is decoded and nothing else: not booked, claimed or stored.

        Raises:
            ListenerFlooded: too many are broken, this batch's included; let go of it.
        """
        if self._max_share >= 1:
            return
        bucket = self._bucket(batch)
        bucket.taken_count += len(batch.works)
        self.count_dead(batch)
        taken_count = sum(one.taken_count for one in self._buckets)
        dead_count = sum(one.dead_count for one in self._buckets)
        if taken_count < AT_LEAST_COUNT or dead_count <= self._max_share * taken_count:
            return
        raise ListenerFlooded(
            f"{dead_count / taken_count:.0%} of {taken_count} deliveries "
            f"in {self._window_s:g} s became dead letters",
            self._last,
        )

    def count_dead(self, batch: Batch) -> None:
        """Count what has become a dead letter since the last look at this batch.

        Conflicts are found after the claim, and what is too large when it is addressed. They
        count for the time at which their batch was taken in, so that no share is above 1.
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
        """Return the newest bucket, and forget those that are out of the window."""
        number = int(batch.since_s / self._step_s)
        if not self._buckets or self._buckets[-1].number != number:
            self._buckets.append(_Bucket(number))
        while self._buckets[0].number <= number - BUCKETS_COUNT:
            self._buckets.popleft()
        return self._buckets[-1]
