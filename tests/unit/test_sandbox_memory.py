"""What the test games keep in memory is limited, whatever a wallet and its players do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from consumer.clock import SYSTEM_CLOCK
from consumer.http.answer import Problem
from consumer.sandbox import funds, game_server
from consumer.sandbox.journal import RECORDS_MAX_COUNT, GameCall, Journal, SentRequest
from tests.support.sandbox_scene import QUICK, sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.clock import Clock

CALL: Final = GameCall("bet", "t-1", {"transaction_id": "t-1"})
REQUEST: Final = SentRequest("POST", "/v1/wallet/bet", "t=1", {})


def test_journal_keeps_the_first_calls() -> None:
    """A call that is not kept can still be ended."""
    journal = Journal(SYSTEM_CLOCK)
    for _ in range(RECORDS_MAX_COUNT + 5):
        journal.ended(journal.sent(CALL, REQUEST, ""), None)
    assert len(journal.records) == RECORDS_MAX_COUNT


def test_closed_journal_keeps_nothing() -> None:
    """A round that goes on without its player is read by nobody."""
    journal = Journal(SYSTEM_CLOCK)
    record = journal.sent(CALL, REQUEST, "")
    journal.close()
    journal.ended(record, None)
    journal.sent(CALL, REQUEST, "")
    assert journal.records == []


async def test_only_the_newest_sessions_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wallet is asked again for the others."""
    monkeypatch.setattr(funds, "SESSIONS_MAX_COUNT", 1)
    async with sandbox(tmp_path, monkeypatch) as scene:
        for session in ("s-usual", "s-other"):
            await scene.server.state("slot", "b", session)
        scene.fails = lambda path: path.endswith("/balance")
        assert (await scene.play("slot", session="s-other"))["status"] == "settled"
        with pytest.raises(Problem):
            await scene.play("slot", session="s-usual")


async def test_round_that_goes_on_alone_keeps_no_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many of them may wait for a wallet for hours."""
    made: list[Journal] = []

    class Watched(Journal):
        def __init__(self, clock: Clock) -> None:
            super().__init__(clock)
            made.append(self)

    monkeypatch.setattr(game_server, "Journal", Watched)
    timing = msgspec.structs.replace(QUICK, round_s=0.2)
    async with sandbox(tmp_path, monkeypatch, timing=timing) as scene:
        scene.fails = lambda path: path.endswith("/win")
        assert (await scene.play("slot"))["exchanges"]
        assert [journal.records for journal in made] == [[]]


async def test_newest_balance_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is shown while the wallet is away."""
    timing = msgspec.structs.replace(QUICK, round_s=1.0)
    async with sandbox(tmp_path, monkeypatch, timing=timing) as scene:
        played = await scene.play("dice")
        assert played["balance"] != "100.00"
        scene.proxy.refuse()
        assert (await scene.play("dice"))["balance"] == played["balance"]
