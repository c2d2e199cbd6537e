"""What the process measures of a ledger, and how it checks the books by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw
import pytest

from consumer.clock import SystemClock
from consumer.deliveries.origin import Environment
from consumer.ledger.sqlite.ledger import SqliteLedger
from consumer.operations.metrics import Metrics
from consumer.wallet.watch import VERIFY_S, LedgerWatch
from tests.support.ledger_table import Table, back, bet, bet_win

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class LaterClock(SystemClock):
    """The machine's clock, with a time of day that jumps."""

    later_s = 0.0

    def now_s(self) -> float:
        """See `Clock.now_s`."""
        return super().now_s() + self.later_s


class Scene:
    """A ledger that is watched."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ledger = SqliteLedger(path)
        self.table = Table(self.ledger)
        self.metrics = Metrics()
        self.clock = LaterClock()
        self.watch = LedgerWatch(self.ledger, Environment.LIVE, self.metrics, self.clock)

    def value(self, name: str) -> float:
        """Return the value of a metric."""
        value = self.metrics.registry.get_sample_value(
            f"consumer_wallet_{name}", {"environment": "live"}
        )
        assert value is not None
        return value


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Return a ledger with a player."""
    scene = Scene(tmp_path / "wallet.db")
    await scene.ledger.open()
    await scene.table.sit()
    yield scene
    await scene.ledger.close()


async def test_age_of_the_outbox_is_that_of_its_oldest_row(scene: Scene) -> None:
    """And 0 as soon as nothing waits."""
    scene.clock.later_s += 30
    await scene.watch.look()
    assert 29 < scene.value("outbox_age_seconds") < 31
    await scene.table.moved()
    await scene.watch.look()
    assert scene.value("outbox_age_seconds") == 0


async def test_write_off_is_counted_and_logged(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person has to look at it. An old one is not logged again after a restart."""
    await scene.watch.look()
    await scene.table.ask(bet_win(("b", 100), ("w", 150)))
    await scene.table.ask(bet("t", 150, round_id="q"))
    await scene.table.ask(back("x", "b"))
    await scene.watch.look()
    assert scene.value("write_offs") == 1
    assert capsys.readouterr().out.count("money written off") == 1
    await LedgerWatch(scene.ledger, Environment.LIVE, scene.metrics, scene.clock).look()
    assert "written off" not in capsys.readouterr().out


async def test_books_are_checked_after_a_while(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault is logged, and counted until it is mended."""
    await scene.watch.verify()
    assert scene.value("faults") == 0
    apsw.Connection(str(scene.path)).execute("UPDATE account SET real = 7")
    await scene.watch.verify()
    assert scene.value("faults") == 0
    scene.clock.later_s += VERIFY_S
    await scene.watch.verify()
    assert scene.value("faults") == 1
    assert scene.value("verified_timestamp_seconds") == pytest.approx(scene.clock.now_s(), abs=1)
    assert "books do not fit" in capsys.readouterr().out


async def test_check_of_another_process_counts(scene: Scene) -> None:
    """So that many processes do not check all at once."""
    await scene.watch.verify()
    first_s = scene.value("verified_timestamp_seconds")
    scene.clock.later_s += VERIFY_S / 2
    await LedgerWatch(scene.ledger, Environment.LIVE, scene.metrics, scene.clock).verify()
    assert scene.value("verified_timestamp_seconds") == first_s
