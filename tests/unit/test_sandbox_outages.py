"""A wallet that is away: the games go on until every order is answered, also without a player."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest
from structlog.testing import capture_logs

from consumer.http.answer import Problem
from consumer.sandbox import game_server
from consumer.sandbox.faults import GameFault
from consumer.sandbox.rounds.plan import RoundPlan
from tests.support.eventually import eventually
from tests.support.sandbox_scene import QUICK, SandboxScene, heard, sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BRIEF: Final = msgspec.structs.replace(QUICK, round_s=1.0, answer_s=0.5)
"""A page that hardly waits."""


def first(count: int, ending: str) -> Callable[[str], bool]:
    """Return what is true for the first calls of a kind."""
    seen: list[str] = []

    def fails(path: str) -> bool:
        if not path.endswith(ending):
            return False
        seen.append(path)
        return len(seen) <= count

    return fails


async def begin(group: asyncio.TaskGroup, scene: SandboxScene) -> asyncio.Task[dict[str, Any]]:
    """Ask for a round of the slot, and return once the round is under way."""
    asked = group.create_task(scene.play("slot"))
    await eventually(lambda: scene.server.open_count == 1)
    return asked


async def all_ended(scene: SandboxScene) -> None:
    """Return once no round is under way any more."""
    await eventually(lambda: scene.server.open_count == 0, what="the end of all rounds")


async def test_bet_is_sent_again_after_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same id, as often as it takes and the player may wait."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        scene.fails = first(2, "/bet")
        played = await scene.play("slot")
        assert heard(played)[:3] == ["bet 503 UNAVAILABLE", "bet 503 UNAVAILABLE", "bet 200"]
        ids = {each["transaction_id"] for each in played["exchanges"][:3]}
        assert len(ids) == 1
        assert played["status"] == "settled"


@pytest.mark.parametrize(("game", "verb"), [("slot", "bet"), ("dice", "bet-win")])
async def test_bet_without_an_answer_is_taken_back(
    game: str, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wallet has booked it, and nobody has heard so."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        scene.forgets = lambda path: path.endswith(f"/{verb}")
        played = await scene.play(game)
        assert heard(played)[:4] == [f"{verb} 503 UNAVAILABLE"] * 3 + ["rollback 200"]
        assert (played["status"], played["why"]) == ("rolled_back", "NO_ANSWER")
        assert played["outcome"] is None
        assert await scene.balance_units() == 100_00
        assert await scene.open_rounds_count() == 0


@pytest.mark.parametrize(("code", "calls_count"), [("BAD_SIGNATURE", 4), ("WRONG_CURRENCY", 2)])
async def test_bet_in_doubt_is_taken_back(
    code: str, calls_count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wallet has booked it, but says only that the repetition is not signed well.

    A refusal of the order itself leaves no doubt: such an answer says that nothing was booked.
    """
    async with sandbox(tmp_path, monkeypatch) as scene:
        is_first = first(1, "/bet")
        scene.refusal = (401, code)
        scene.refuses = lambda path: path.endswith("/bet") and not is_first(path)
        scene.forgets = lambda path: path.endswith("/bet")
        played = await scene.play("slot")
        assert len(played["exchanges"]) == calls_count
        if calls_count == 4:
            assert heard(played)[2:] == ["rollback 200", "round-end 200"]
            assert await scene.balance_units() == 100_00


@pytest.mark.parametrize("game", ["slot", "dice"])
async def test_bet_that_comes_after_its_rollback_takes_nothing(
    game: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wallet never got it. Then it comes late, and is refused."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        scene.fails = first(3, "/bet" if game == "slot" else "/bet-win")
        played = await scene.play(game, GameFault.TWIN_LATER)
        assert played["status"] == "rolled_back"
        assert heard(played)[-1].endswith("409 ROLLED_BACK")
        assert await scene.balance_units() == 100_00


async def test_win_is_paid_after_the_player_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request ends in time and says `open`. The win is sent until it is booked."""
    async with sandbox(tmp_path, monkeypatch, timing=BRIEF) as scene:
        scene.fails = lambda path: path.endswith("/win")
        played = await scene.play("slot")
        assert (played["status"], played["balance"]) == ("open", "99.00")
        assert played["outcome"]["reels"]
        assert await scene.balance_units() == 99_00
        scene.fails = lambda _: False
        await all_ended(scene)
        win_units = int(played["win"].replace(".", ""))
        assert await scene.balance_units() == 99_00 + win_units
        assert await scene.open_rounds_count() == 0


@pytest.mark.parametrize("game", ["slot", "dice"])
async def test_refused_connections_end_in_a_rollback(
    game: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is known, the wallet goes away, and comes back after the player has gone."""
    async with sandbox(tmp_path, monkeypatch, timing=BRIEF) as scene:
        await scene.server.state(game, "b", "s-usual")
        scene.proxy.refuse()
        played = await scene.play(game)
        assert (played["status"], played["balance"]) == ("open", "100.00")
        assert {each["answer"] for each in played["exchanges"]} == {None}
        assert played["exchanges"][0]["note"] == "No answer came."
        scene.proxy.accept()
        await all_ended(scene)
        assert await scene.balance_units() == 100_00


async def test_wallet_that_hangs_is_left_after_the_time_of_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its calls arrive once it wakes up: the bet, and then its rollback."""
    timing = msgspec.structs.replace(BRIEF, bet_tries_count=1)
    async with sandbox(tmp_path, monkeypatch, timing=timing) as scene:
        await scene.server.state("slot", "b", "s-usual")
        scene.proxy.freeze()
        played = await scene.play("slot")
        assert played["status"] == "open"
        scene.proxy.thaw()
        await all_ended(scene)
        assert await scene.balance_units() == 100_00
        assert await scene.open_rounds_count() == 0


async def test_round_waits_as_long_as_the_wallet_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Retry-After` counts more than the usual pause, up to a limit."""
    timing = msgspec.structs.replace(QUICK, longest_pause_s=0.2)
    async with sandbox(tmp_path, monkeypatch, timing=timing) as scene:
        scene.fails = first(1, "/bet-win")
        scene.retry_after = "1"
        one, two = (await scene.play("dice"))["exchanges"]
        assert two["at_ms"] - one["at_ms"] - one["took_ms"] >= 190


async def test_pauses_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the wallet asks for less."""
    timing = msgspec.structs.replace(QUICK, first_pause_s=0.02, longest_pause_s=1.0)
    async with sandbox(tmp_path, monkeypatch, timing=timing) as scene:
        scene.fails = first(3, "/win")
        scene.retry_after = "0"
        _, *wins = (await scene.play("slot"))["exchanges"]
        pauses_ms = [
            two["at_ms"] - one["at_ms"] - one["took_ms"] for one, two in itertools.pairwise(wins)
        ]
        assert len(pauses_ms) == 3
        assert all(pause_ms >= 19 * 2**n for n, pause_ms in enumerate(pauses_ms))


@pytest.mark.parametrize("failing", [0, 1], ids=["first fails", "second fails"])
async def test_answer_of_one_twin_is_enough(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of them gets through."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        is_first = first(1, "/bet-win")
        scene.fails = lambda path: path.endswith("win") and is_first(path) == (not failing)
        played = await scene.play("dice", GameFault.TWIN_AT_ONCE)
        assert len(played["exchanges"]) == 2
        assert played["status"] == "settled"


async def test_calls_at_once_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wallet's port takes a limited number of connections of one address."""
    monkeypatch.setattr(game_server, "CALLS_MAX_COUNT", 1)
    async with sandbox(tmp_path, monkeypatch) as scene:
        played = await scene.play("slot", GameFault.TWIN_AT_ONCE)
        one, two, *_ = played["exchanges"]
        assert two["at_ms"] >= one["at_ms"] + one["took_ms"]
        assert played["status"] == "settled"


async def test_owed_win_that_is_refused_is_an_error_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone has to look at it. The log has no session."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        scene.refuses = lambda path: path.endswith("/win")
        with capture_logs() as logs:
            played = await scene.play("slot")
        assert (played["status"], played["why"], played["win"]) == ("refused", "BAD_AMOUNT", "0.00")
        warnings = [each for each in logs if each["log_level"] == "warning"]
        assert [each["event"] for each in warnings] == ["owed play money refused"]
        assert "s-usual" not in str(logs)


async def test_page_that_leaves_does_not_end_its_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round that has begun is always played to its end."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        await scene.server.state("slot", "b", "s-usual")
        scene.fails = lambda path: path.endswith("/win")
        async with asyncio.TaskGroup() as group:
            asked = await begin(group, scene)
            asked.cancel()
        scene.fails = lambda _: False
        await all_ended(scene)
        assert await scene.open_rounds_count() == 0


async def test_end_of_the_server_drops_rounds_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pages get 503, and not silence."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        scene.fails = lambda path: path.endswith("/win")
        with capture_logs() as logs:
            async with asyncio.TaskGroup() as group:
                asked = group.create_task(raised_by(scene))
                await eventually(lambda: scene.server.open_count == 1)
                scene.running.cancel()
        assert asked.result().status == 503
        assert scene.server.open_count == 0
        assert {
            "rounds": 1,
            "event": "rounds of test games dropped",
            "log_level": "warning",
        } in logs


async def test_server_that_closes_answers_those_who_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the process would wait for a test game before it stops. The round goes on."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        await scene.server.state("slot", "b", "s-usual")
        scene.fails = lambda path: path.endswith("/win")
        async with asyncio.TaskGroup() as group:
            asked = await begin(group, scene)
            scene.server.close()
        assert asked.result()["status"] == "open"
        scene.fails = lambda _: False
        await all_ended(scene)
        assert await scene.open_rounds_count() == 0


async def test_bug_of_ours_costs_one_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Live money is served by the same process."""

    def broken(self: object) -> None:
        raise KeyError(str(self))

    async with sandbox(tmp_path, monkeypatch) as scene:
        with monkeypatch.context() as patch, capture_logs() as logs:
            patch.setattr(RoundPlan, "bet", broken)
            assert (await scene.play("slot"))["status"] == "open"
        assert "round of a test game failed" in {each["event"] for each in logs}
        assert (await scene.play("slot"))["status"] == "settled"


async def raised_by(scene: SandboxScene) -> Problem:
    """Play, and return the problem."""
    with pytest.raises(Problem) as caught:
        await scene.play("slot")
    return caught.value


async def test_new_session_needs_the_wallet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is played in a currency that nobody knows."""
    async with sandbox(tmp_path, monkeypatch, timing=BRIEF) as scene:
        scene.proxy.refuse()
        problem = await raised_by(scene)
        assert (problem.status, problem.facts["code"]) == (503, "UNAVAILABLE")
        assert problem.headers["retry-after"] == "5"
