"""The buckets of rates: what is left after which time, and how many are kept."""

from __future__ import annotations

import pytest

from consumer.access import allowance
from consumer.access.allowance import Allowance


def test_rate_holds_in_the_long_run() -> None:
    """Whoever asks all the time gets the rate, and the burst once."""
    limit = Allowance()
    let_in = sum(not limit.take("a", 5.0, number / 100) for number in range(10_000))
    assert let_in == pytest.approx(100 * 5 + 10, abs=1)


def test_rate_below_one_a_second_lets_one_in_at_a_time() -> None:
    """A bucket that never holds a whole token must not lock its key out for ever."""
    limit = Allowance()
    times_s = [second for second in range(100) if not limit.take("a", 0.1, float(second))]
    assert len(times_s) in (10, 11)


def test_waiting_as_long_as_told_is_enough() -> None:
    """However far the bucket is overdrawn."""
    limit = Allowance()
    limit.spend("a", 3.0, 0.0, 1000)
    wait_s = limit.wait_s("a", 3.0, 0.0)
    assert limit.wait_s("a", 3.0, wait_s - 0.5) > 0
    assert limit.wait_s("a", 3.0, wait_s) == 0


def test_changed_rate_counts_from_now_on() -> None:
    """A key that gets a lower rate loses the burst of its old rate."""
    limit = Allowance()
    assert not limit.take("a", 100.0, 0.0)
    let_in = sum(not limit.take("a", 1.0, 0.0) for _ in range(10))
    assert let_in == 2


def test_keys_that_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their buckets become full. A bucket in use is kept, and stays as empty as it was."""
    monkeypatch.setattr(allowance, "KEPT_COUNT", 100)
    limit = Allowance()
    limit.spend("busy", 1.0, 0.0, 1_000_000)
    for number in range(1000):
        limit.take(f"gone {number}", 1.0, float(number))
    assert len(limit._buckets) < 110  # noqa: SLF001  # nothing else shows it
    assert limit.wait_s("busy", 1.0, 1000.0) > 100


class CountedSearches(Allowance):
    """An allowance that counts how often it looks through all buckets."""

    searches_count = 0

    def _forget_full(self, now_s: float) -> None:
        self.searches_count += 1
        super()._forget_full(now_s)


def test_more_keys_in_use_than_are_kept_cost_no_search_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All of them are looked through only when their number has doubled."""
    monkeypatch.setattr(allowance, "KEPT_COUNT", 100)
    limit = CountedSearches()
    for number in range(1600):
        limit.spend(f"key {number}", 1.0, 0.0, 1000)
    assert limit.searches_count == 4
