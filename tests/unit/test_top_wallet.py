"""The line of `top` about the wallet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.cli.top.wallet import WalletRow, wallet_row
from tests.unit.test_top import EMPTY, PROCESS, metrics_after, reading

if TYPE_CHECKING:
    from consumer.operations.metrics import Metrics


def called(bets: int, refused: int = 0, took_s: float = 0.004) -> Metrics:
    """Return the metrics of a process with a wallet that has answered callbacks."""
    metrics = metrics_after(1)
    for environment, age_s in (("live", 1.5), ("test", 0.0)):
        metrics.wallet_outbox_age.labels(environment).set(age_s)
        metrics.wallet_faults.labels(environment).set(0)
    metrics.wallet_callbacks.labels("live", "bet", "OK").inc(bets)
    if refused:
        metrics.wallet_callbacks.labels("live", "bet", "INSUFFICIENT_FUNDS").inc(refused)
    for _ in range(bets + refused):
        metrics.wallet_callback.labels("live", "bet").observe(took_s)
    return metrics


def test_callbacks_are_counted_by_verb_and_code() -> None:
    """With the time in which nearly all were answered, and the age of the outbox."""
    row = wallet_row(PROCESS, reading(0, called(10)), reading(2, called(30, refused=4)))
    assert row is not None
    assert row.callbacks_per_s == {"bet OK": 10, "bet INSUFFICIENT_FUNDS": 2}
    assert row.words() == (
        "callbacks/s: bet INSUFFICIENT_FUNDS 2.0, bet OK 10.0; 99 % within 5 ms; "
        "oldest in the outbox: live 1.5s, test 0s"
    )


def test_time_of_the_interval_counts() -> None:
    """What was slow before, was slow before."""
    before = called(100, took_s=3)
    now = called(100, took_s=3)
    now.wallet_callback.labels("live", "bet").observe(0.002)
    row = wallet_row(PROCESS, reading(0, before), reading(2, now))
    assert row is not None
    assert row.p99_s == 0.0025


def test_slowest_callbacks_are_at_least_that_slow() -> None:
    """The last bucket has no upper bound."""
    row = wallet_row(PROCESS, reading(0, called(0)), reading(2, called(10, took_s=100)))
    assert row is not None
    assert row.p99_s == 30


def test_books_that_do_not_fit_are_told() -> None:
    """Also without an earlier reading."""
    metrics = called(0)
    metrics.wallet_faults.labels("live").set(3)
    row = wallet_row(PROCESS, None, reading(1, metrics))
    assert row == WalletRow(PROCESS, {"live": 1.5, "test": 0.0}, 3)
    assert row.words().endswith("the books do not fit in 3 places")


def test_process_without_a_wallet_has_no_row() -> None:
    """Although the metrics are there."""
    assert wallet_row(PROCESS, None, reading(1, metrics_after(10))) is None


def test_ledger_that_is_away_is_shown() -> None:
    """It is apart in `/readyz`."""
    ready = b'{"parts":{},"wallet":{"parts":{"ledger":{"up":false,"why":"gone"}}}}'
    assert reading(0, called(0), ready).whys == {"wallet ledger": "gone"}
    assert reading(0, called(0), EMPTY).whys == {}
