"""The alerts whose faults no test can bring about in seconds, fed by real metrics of the process.

tests/acceptance/test_alerts.py has those of faults that really happen.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from consumer.deliveries.origin import Environment
from consumer.operations.health import Health
from consumer.operations.metrics import Metrics
from consumer.pipeline.books import LaneBooks
from consumer.wallet.counted import show_from_the_start
from tests.support.alerts import NAMES, RULES, STEP_S, Scrape, fired, read

Fault = Callable[[Metrics], object]
TESTS: Final = Path(__file__).parents[1]


def _broken_books(metrics: Metrics) -> None:
    metrics.received.labels("lane").inc()


def _paused(metrics: Metrics) -> None:
    metrics.listener_up.labels("lane").set(0)
    metrics.listener_paused.labels("lane").set(1)


def _slow_callbacks(metrics: Metrics) -> None:
    for _ in range(100):
        metrics.wallet_callback.labels("live", "bet").observe(2.0)


def _sandbox_away(metrics: Metrics) -> None:
    health = Health()
    health.apart("sandbox").down("sink", "away")
    metrics.parts_up.health = health


FAULTS: Final[dict[str, Fault]] = {
    "ConsumerListenerPaused": _paused,
    "ConsumerReadersLetGo": lambda metrics: metrics.stream_let_go.labels("slow").inc(),
    "ConsumerKeysNotRead": lambda metrics: metrics.key_refusals.labels("unread").inc(),
    "ConsumerWalletAway": lambda metrics: metrics.wallet_callbacks.labels(
        "live", "bet", "UNAVAILABLE"
    ).inc(),
    "ConsumerWalletSlow": _slow_callbacks,
    "ConsumerWalletOutboxOld": lambda metrics: metrics.wallet_outbox_age.labels("live").set(61),
    "ConsumerWalletBooks": lambda metrics: metrics.wallet_faults.labels("live").set(1),
    "ConsumerWalletWriteOff": lambda metrics: metrics.wallet_write_offs.labels("live").inc(),
    "ConsumerSandboxDown": _sandbox_away,
    "ConsumerInternalErrors": lambda metrics: metrics.dead_letters.labels("lane", "internal").inc(),
    "ConsumerOldClaims": lambda metrics: metrics.old_claims.labels("lane").inc(),
    "ConsumerLoopLag": lambda metrics: metrics.loop_lag.set(0.6),
    "ConsumerBooksDoNotBalance": _broken_books,
}
"""What each fault does to the metrics between two scrapes. It goes on."""
WITH_OTHERS: Final = {
    # A letter that was never received is a share of letters, and does not balance.
    "ConsumerInternalErrors": {"ConsumerDeadLetters", "ConsumerBooksDoNotBalance"},
}


def _started() -> Metrics:
    """Make the metrics of a process that has begun."""
    metrics = Metrics()
    LaneBooks(metrics, "lane").up.set(1)
    show_from_the_start(metrics, Environment)
    for reason in ("slow", "memory"):
        metrics.stream_let_go.labels(reason)
    metrics.key_refusals.labels("unread")
    metrics.wallet_write_offs.labels("live").set(0)
    return metrics


def _scrape(metrics: Metrics, number: int) -> Scrape:
    return Scrape(number * STEP_S, read(metrics.exposition().decode()))


@pytest.mark.parametrize("alert", FAULTS)
async def test_alert_fires_at_its_fault(alert: str, tmp_path: Path) -> None:
    """And no other."""
    metrics = _started()
    scrapes = [_scrape(metrics, 0)]
    for number in (1, 2):
        FAULTS[alert](metrics)
        scrapes.append(_scrape(metrics, number))
    found = await fired(scrapes, tmp_path, minutes=70)
    assert alert in found
    assert found <= {alert} | WITH_OTHERS.get(alert, set())


async def test_no_alert_fires_without_a_fault(tmp_path: Path) -> None:
    """As soon as the process has begun."""
    metrics = _started()
    assert await fired([_scrape(metrics, number) for number in range(3)], tmp_path) == set()


@pytest.mark.parametrize("paused", [0, 1])
async def test_paused_listener_of_the_sandbox_is_not_down(paused: int, tmp_path: Path) -> None:
    """Somebody wanted it so. Without the pause, the same metrics are a fault."""
    metrics = _started()
    books = LaneBooks(metrics, "lane-test")
    books.up.set(0)
    books.paused.set(paused)
    found = await fired([_scrape(metrics, number) for number in range(3)], tmp_path, minutes=70)
    assert found == {"ConsumerListenerPaused" if paused else "ConsumerSandboxDown"}


@pytest.mark.parametrize("part", ["sink", "store", "dead_letters", "keys", "wallet ledger"])
def test_text_about_a_part_says_what_stops_with_it(part: str) -> None:
    """Without the keys or the ledger, events are still taken in."""
    (text,) = re.findall(r'alert: ConsumerPartDown\n(?: .*\n)*? +do: "(.*)"', RULES.read_text())
    assert re.search(rf"\b{part}\b( or \w+)?: \w", text)


def test_every_alert_has_its_test() -> None:
    """Here, or at a real daemon."""
    real = (TESTS / "acceptance" / "test_alerts.py").read_text(encoding="utf-8")
    assert {name for name in NAMES if name not in FAULTS and f'"{name}"' not in real} == set()
