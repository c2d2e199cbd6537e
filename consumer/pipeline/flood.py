"""Stops a listener that takes in too many broken deliveries, between decoding and booking.

A bad deployment of a sender must not drain a queue into the dead letters. So a listener stops
itself when more than a given share of what it took in lately became dead letters. Responsible for
counting, and for raising `ListenerFlooded`. `lanes/supervise.py` closes the listener, and tries
it again after a pause.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import ListenerFlooded, Reason

if TYPE_CHECKING:
    from consumer.errors import Rejected
    from consumer.pipeline.batch import Batch

AT_LEAST_COUNT: Final = 100
"""The number of deliveries from which the share counts. Without it, the first broken delivery would
stop a listener."""
BUCKETS_COUNT: Final = 60
"""The window is divided into this many buckets, so that memory is bounded."""
SYSTEMATIC_SHARE_RATIO: Final = 0.9
"""The share of one cause among the dead letters from which the guard names this cause."""
ADVICE: Final = {
    Reason.UNSUPPORTED_ENCODING: "the sender sets a content encoding that is none, or an unknown "
    "one; have it leave that property or header out",
    Reason.MISSING_TYPE: "no message names its type; have the sender set the property or header "
    "type, or see type_from for NATS",
    Reason.FORBIDDEN_TYPE: "the messages have types that are not in the option types; add them, or "
    "have the sender use another source",
    Reason.OWNED_BY_WALLET: "the brand sends bets and wins that the wallet sends; have it stop, or "
    "take the vendor out of owns_vendors",
    Reason.CONFLICT: "the sender uses its ids again for other events",
    Reason.TOO_LARGE: "raise max_payload of the server, or max_decoded_bytes",
}
"""What is wrong, and what to do, if nearly all deliveries die of one cause. For the other reasons,
the last error says it."""


class _Bucket(msgspec.Struct):
    number: int
    taken_count: int = 0
    causes: Counter[tuple[Reason, str]] = msgspec.field(default_factory=Counter)


def _cause_of(rejected: Rejected) -> tuple[Reason, str]:
    """Return the reason and the field of the event. The field is one of the catalogue's."""
    field = rejected.misfit.field if rejected.misfit else ""
    return rejected.reason, re.split(r"[.\[]", field)[0]


def _systematic(causes: Counter[tuple[Reason, str]]) -> str:
    """Name the one cause of nearly all dead letters; empty if there is none."""
    ((reason, field), count), *_ = causes.most_common(1)
    share_ratio = count / causes.total()
    if share_ratio < SYSTEMATIC_SHARE_RATIO:
        return ""
    advice = f" ({ADVICE[reason]})" if reason in ADVICE else ""
    return f", {share_ratio:.0%} of them: {reason.value} {field}".rstrip() + advice


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

    def forget(self) -> None:
        """Begin to count anew, because the listener is tried again."""
        self._buckets.clear()

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
        causes: Counter[tuple[Reason, str]] = Counter()
        for one in self._buckets:
            causes.update(one.causes)
        dead_count = causes.total()
        if taken_count < AT_LEAST_COUNT or dead_count <= self._max_share_ratio * taken_count:
            return
        raise ListenerFlooded(
            f"{dead_count / taken_count:.0%} of {taken_count} deliveries "
            f"in {self._window_s:g} s became dead letters{_systematic(causes)}",
            self._last,
        )

    def count_dead(self, batch: Batch) -> None:
        """Count the deliveries of a batch that died since the last call for the same batch.

        Conflicts and events that are too large are found after `look`. They count for the time at
        which their batch was taken in, so that no share can be above 1.
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
                # Deliveries that died later may stand before others of the batch. Then a few causes
                # are counted for others, which does not matter for a share of 90 %.
                bucket.causes.update(_cause_of(rejected) for _, rejected in dead[-new_count:])

    def _bucket(self, batch: Batch) -> _Bucket:
        """Return the newest bucket, and forget the buckets that have left the window."""
        number = int(batch.since_s / self._step_s)
        if not self._buckets or self._buckets[-1].number != number:
            self._buckets.append(_Bucket(number))
        while self._buckets[0].number <= number - BUCKETS_COUNT:
            self._buckets.popleft()
        return self._buckets[-1]
