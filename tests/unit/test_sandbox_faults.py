"""Each fault of the test games, over real HTTP against the real wallet: the money is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from consumer.sandbox.faults import DETAILS, TITLES, GameFault
from consumer.sandbox.games.offered import OFFERED
from tests.support.sandbox_scene import EUR, heard, sandbox

if TYPE_CHECKING:
    from pathlib import Path


class Played(NamedTuple):
    """What a round with some faults looks like.

    Attributes:
        game: The game.
        faults: The faults that are switched on.
        heard: The calls and their answers, see `sandbox_scene.heard`.
        status: How the round ends.
        why: The code of the refusal.
    """

    game: str
    faults: tuple[GameFault, ...]
    heard: list[str]
    status: str = "settled"
    why: str | None = None


F: Final = GameFault
ROUNDS: Final = (
    Played("slot", (), ["bet 200", "win 200"]),
    Played("slot", (F.LOSE_BET_ANSWER,), ["bet lost", "bet 200 again", "win 200"]),
    Played("slot", (F.LOSE_WIN_ANSWER,), ["bet 200", "win lost", "win 200 again"]),
    Played("slot", (F.TWIN_LATER,), ["bet 200", "win 200", "bet 200 again", "win 200 again"]),
    Played("slot", (F.DELAY,), ["bet 200", "win 200"]),
    Played("slot", (F.REORDER,), ["win 404 BET_NOT_FOUND", "bet 200", "win 200"]),
    Played(
        "slot",
        (F.SIGN_WRONGLY,),
        ["bet 401 BAD_SIGNATURE", "bet 200", "win 401 BAD_SIGNATURE", "win 200"],
    ),
    Played(
        "slot",
        (F.ROLL_BACK_BEFORE_BET,),
        ["rollback 200", "bet 409 ROLLED_BACK"],
        "refused",
        "ROLLED_BACK",
    ),
    Played("slot", (F.ROLL_BACK,), ["bet 200", "rollback 200", "round-end 200"], "rolled_back"),
    Played(
        "slot",
        (F.ROLL_BACK, F.REORDER, F.TWIN_LATER),
        [
            "win 404 BET_NOT_FOUND",
            "bet 200",
            "rollback 200",
            "round-end 200",
            "bet 409 ROLLED_BACK",
        ],
        "rolled_back",
    ),
    Played(
        "slot",
        (F.LOSE_BET_ANSWER, F.LOSE_WIN_ANSWER, F.REORDER),
        ["win 404 BET_NOT_FOUND", "bet lost", "bet 200 again", "win lost", "win 200 again"],
    ),
    Played("dice", (), ["bet-win 200"]),
    Played("dice", (F.LOSE_BET_ANSWER,), ["bet-win lost", "bet-win 200 again"]),
    Played("dice", (F.TWIN_LATER,), ["bet-win 200", "bet-win 200 again"]),
    Played("dice", (F.DELAY,), ["bet-win 200"]),
    Played("dice", (F.SIGN_WRONGLY,), ["bet-win 401 BAD_SIGNATURE", "bet-win 200"]),
    Played(
        "dice",
        (F.ROLL_BACK_BEFORE_BET,),
        ["rollback 200", "bet-win 409 ROLLED_BACK"],
        "refused",
        "ROLLED_BACK",
    ),
    Played("dice", (F.ROLL_BACK,), ["bet-win 200", "rollback 200"], "rolled_back"),
)


def named(round_: Played) -> str:
    """Return the name of a test of a round."""
    return f"{round_.game}-{'+'.join(round_.faults) or 'nothing'}"


def moved_units(played: dict[str, Any]) -> int:
    """Return what a round says that it has moved, in cents."""
    if played["status"] != "settled":
        return 0
    return EUR.read(played["win"]) - EUR.read(played["stake"])


@pytest.mark.parametrize("expected", ROUNDS, ids=named)
async def test_round_bears_its_faults(
    expected: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call is answered as the contract says, the money moves once, and no round stays open."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        before_units = await scene.balance_units()
        played = await scene.play(expected.game, *expected.faults)
        after_units = await scene.balance_units()
        assert heard(played) == expected.heard
        assert (played["status"], played["why"]) == (expected.status, expected.why)
        assert after_units == before_units + moved_units(played)
        assert played["balance"] == EUR.write(after_units)
        assert await scene.open_rounds_count() == 0


@pytest.mark.parametrize(("game", "verbs"), [("slot", ["bet", "win"]), ("dice", ["bet-win"])])
async def test_of_twins_at_once_one_is_a_repetition(
    game: str, verbs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of them comes first."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        before_units = await scene.balance_units()
        played = await scene.play(game, GameFault.TWIN_AT_ONCE)
        assert sorted(heard(played)) == [f"{v} 200{a}" for v in verbs for a in ("", " again")]
        assert await scene.balance_units() == before_units + moved_units(played)


@pytest.mark.parametrize("game", OFFERED)
async def test_all_faults_at_once_move_nothing(
    game: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rollback came first, so the bet is refused, however often it comes."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        played = await scene.play(game, *OFFERED[game].faults)
        assert (played["status"], played["why"]) == ("refused", "ROLLED_BACK")
        assert await scene.balance_units() == 100_00


async def test_many_rounds_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With faults that repeat, wins are paid as often as they are shown."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        moved = 0
        for _ in range(10):
            for game in OFFERED:
                played = await scene.play(game, GameFault.TWIN_AT_ONCE, GameFault.TWIN_LATER)
                moved += moved_units(played)
        assert await scene.balance_units() == 100_00 + moved


async def test_poor_player_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page gets the reason, for programs and for people, and no outcome."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        for game in OFFERED:
            played = await scene.play(game, session="s-poor")
            assert (played["status"], played["why"]) == ("refused", "INSUFFICIENT_FUNDS")
            assert played["why_text"] == "the player has not enough money"
            assert played["outcome"] is None
            assert played["balance"] == "0.05"


@pytest.mark.parametrize(
    ("session", "code"), [("s-expired", "SESSION_EXPIRED"), ("s-frozen", "PLAYER_FROZEN")]
)
async def test_refusal_of_the_player_is_told(
    session: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repetition of the bet gets it again."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        played = await scene.play("slot", GameFault.TWIN_LATER, session=session)
        assert (played["status"], played["why"]) == ("refused", code)
        assert [each["answer"]["code"] for each in played["exchanges"]] == [code, code]


async def test_delay_comes_before_each_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before the wrong signature, which is a call of its own."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        faults = (GameFault.DELAY, GameFault.SIGN_WRONGLY, GameFault.TWIN_LATER)
        last_ms = 0
        for each in (await scene.play("dice", *faults))["exchanges"]:
            assert each["at_ms"] >= last_ms + 19
            last_ms = each["at_ms"] + each["took_ms"]


async def test_repetition_has_a_note_and_a_new_signature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The body is the same to the byte, and the ids are."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        first, again, _ = (await scene.play("slot", GameFault.LOSE_BET_ANSWER))["exchanges"]
        assert first["note"] == "The answer was lost on the way."
        assert first["answer"] is None
        assert first["transaction_id"] == again["transaction_id"]
        assert first["request"]["body"] == again["request"]["body"]
        assert again["at_ms"] >= first["at_ms"] + first["took_ms"]


async def test_win_names_its_bet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the wallet can tell whose stake has won."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        bet, win = (await scene.play("slot"))["exchanges"]
        assert win["request"]["body"]["bet_transaction_id"] == bet["transaction_id"]
        assert win["transaction_id"] != bet["transaction_id"]


async def test_wrong_signature_is_that_of_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the id of the right key, so that the proof alone is wrong."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        first, second = (await scene.play("dice", GameFault.SIGN_WRONGLY))["exchanges"]
        assert first["note"] == "Signed with a wrong key."
        assert ",k=k1," in first["request"]["signature"]
        assert first["request"]["signature"] != second["request"]["signature"]


async def test_void_dice_shows_what_was_rolled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was booked before it went back. The win is 0, whatever was rolled."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        played = await scene.play("dice", GameFault.ROLL_BACK)
        assert played["outcome"]["target"] == "50.00"
        assert played["win"] == "0.00"


def test_every_fault_has_its_texts() -> None:
    """The page shows them as they are."""
    assert set(TITLES) == set(DETAILS) == set(GameFault)
    assert all(text.endswith(".") for text in DETAILS.values())
