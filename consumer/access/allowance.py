"""Counts requests and events against the rates of the keys, in this process.

Each rate is a bucket of tokens that holds `BURST_S` seconds of the rate. A batch of events may take
more than there is; then the key waits until the bucket is above zero again.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

BURST_S: Final = 2.0
KEPT_COUNT: Final = 10_000
"""So many buckets are kept. Above that, the full ones are forgotten, which changes nothing. The
bucket of a key that is gone becomes full."""


class _Tokens(msgspec.Struct):
    per_s: float
    tokens_count: float
    filled_s: float

    def fill(self, per_s: float, now_s: float) -> None:
        """Add what came since the last time. A changed rate counts from now on."""
        self.per_s = per_s
        most_count = per_s * BURST_S
        grown_count = self.tokens_count + (now_s - self.filled_s) * per_s
        self.tokens_count = min(most_count, grown_count)
        self.filled_s = now_s

    @property
    def wait_s(self) -> float:
        return 0.0 if self.tokens_count > 0 else (1 - self.tokens_count) / self.per_s


class Allowance:
    """The buckets of one kind of rate, such as events a second. The caller tells the time."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Tokens] = {}
        self._max_count = KEPT_COUNT

    def wait_s(self, key_id: str, per_s: float, now_s: float) -> float:
        """Return how long a key has to wait, in seconds; 0 if it may go on.

        Args:
            key_id: The key's id.
            per_s: Its rate.
            now_s: The time on any clock that never goes back, in seconds.
        """
        return self._bucket(key_id, per_s, now_s).wait_s

    def take(self, key_id: str, per_s: float, now_s: float) -> float:
        """Take 1 from a key's bucket if the key may go on. Return what `wait_s` returns."""
        bucket = self._bucket(key_id, per_s, now_s)
        wait_s = bucket.wait_s
        if not wait_s:
            bucket.tokens_count -= 1
        return wait_s

    def spend(self, key_id: str, per_s: float, now_s: float, count: int) -> None:
        """Take from a key's bucket, also more than there is."""
        self._bucket(key_id, per_s, now_s).tokens_count -= count

    def left_count(self, key_id: str, per_s: float, now_s: float) -> int:
        """Return how many a key may have at once now. Nothing is taken."""
        return max(0, math.ceil(self._bucket(key_id, per_s, now_s).tokens_count))

    def _bucket(self, key_id: str, per_s: float, now_s: float) -> _Tokens:
        bucket = self._buckets.get(key_id)
        if bucket is None:
            if len(self._buckets) >= self._max_count:
                self._forget_full(now_s)
            bucket = self._buckets[key_id] = _Tokens(per_s, per_s * BURST_S, now_s)
        else:
            bucket.fill(per_s, now_s)
        return bucket

    def _forget_full(self, now_s: float) -> None:
        for bucket in self._buckets.values():
            bucket.fill(bucket.per_s, now_s)
        self._buckets = {
            key_id: bucket
            for key_id, bucket in self._buckets.items()
            if bucket.tokens_count < bucket.per_s * BURST_S
        }
        # If more keys than this are in use, each new one would make us look through all of them.
        self._max_count = max(KEPT_COUNT, 2 * len(self._buckets))
