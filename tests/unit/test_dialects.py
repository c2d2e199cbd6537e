"""The table of cases of docs/wallet.md, through each dialect, with that provider's codes."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from consumer.ledger.answers import LedgerUnavailable
from consumer.ledger.orders import BonusIssue
from tests.support.dialect_scene import DialectScene, dialect_scene
from tests.support.dialect_speakers import SPEAKERS, Speaker
from tests.support.ledgers import faults_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(params=SPEAKERS, ids=lambda made: made.name)
def made(request: pytest.FixtureRequest) -> type[Speaker]:
    """Return a dialect."""
    found: type[Speaker] = request.param
    return found


@pytest.fixture
async def scene(tmp_path: Path, made: type[Speaker]) -> AsyncIterator[DialectScene]:
    """Return a wallet, and a player `p` with 100.00 EUR. The books fit when the test ends."""
    async with dialect_scene(tmp_path, made) as scene:
        yield scene
        assert await faults_of(scene.ledger) == []


async def test_a_round_moves_its_stake_and_its_win(scene: DialectScene) -> None:
    """And each answer has the balance."""
    speaker = scene.speaker
    scene.expect(await speaker.balance("s", "p"), "OK", "100.00")
    scene.expect(await speaker.bet("t", "12.30"), "OK", "87.70")
    scene.expect(await speaker.win("w", "2.35"), "OK", "90.05")
    assert await scene.units() == 90_05


async def test_the_same_call_again_moves_nothing(scene: DialectScene) -> None:
    """Also after other calls, and after the end of the session. The balance is that of now."""
    speaker = scene.speaker
    await speaker.bet("t", "10")
    scene.expect(await speaker.bet("t", "10"), "REPLAYED", "90.00")
    await speaker.win("w", "5")
    await scene.ledger.end_session("b", "s")
    scene.expect(await speaker.bet("t", "10"), "REPLAYED", "95.00")
    scene.expect(await speaker.win("w", "5"), "REPLAYED", "95.00")


async def test_twins_are_one_call(scene: DialectScene) -> None:
    """Of two at the same moment, both are told that it is done."""
    async with asyncio.TaskGroup() as group:
        twins = [group.create_task(scene.speaker.bet("t", "10")) for _ in range(5)]
    good = {scene.speaker.codes[code] for code in ("OK", "REPLAYED")}
    assert {(one.result().status, one.result().code) for one in twins} <= good
    assert await scene.units() == 90_00


@pytest.mark.parametrize("changes", [{"amount": "11"}, {"round_id": "q"}, {"player": "q"}])
async def test_other_content_under_an_id_is_refused(
    scene: DialectScene, changes: dict[str, str]
) -> None:
    """Nothing moves."""
    await scene.sit("q", "s-q", 50_00)
    await scene.speaker.bet("t", "10")
    amount, place = changes.get("amount", "10"), dict(changes)
    place.pop("amount", None)
    if "player" in place:
        place["seat"] = "s-q"
    scene.expect(await scene.speaker.bet("t", amount, **place), "TRANSACTION_CONFLICT")
    assert (await scene.units(), await scene.units("q")) == (90_00, 50_00)


async def test_a_bet_without_enough_money_is_refused_for_ever(scene: DialectScene) -> None:
    """With the true balance, where the dialect has a place for it."""
    speaker = scene.speaker
    for _ in range(2):
        heard = await speaker.bet("t", "100.01")
        scene.expect(heard, "INSUFFICIENT_FUNDS")
        assert heard.balance in (None, Decimal(100))
    scene.expect(await speaker.rollback("b", "t", "100.01"), "OK", "100.00")
    assert await scene.units() == 100_00


async def test_a_rollback_before_its_bet_is_remembered(scene: DialectScene) -> None:
    """The bet that comes late charges nothing."""
    speaker = scene.speaker
    for _ in range(2):
        scene.expect(await speaker.rollback("b", "t", "10"), "UNKNOWN_BET")
    scene.expect(await speaker.bet("t", "10"), "ROLLED_BACK")
    assert await scene.units() == 100_00


async def test_a_rollback_gives_a_bet_back_once(scene: DialectScene) -> None:
    """However often it comes, also under another id."""
    speaker = scene.speaker
    await speaker.bet("t", "10")
    scene.expect(await speaker.rollback("b", "t", "10"), "OK", "100.00")
    for number in ("b", "c"):
        again = await speaker.rollback(number, "t", "10")
        scene.expect(again, "ROLLED_BACK_AGAIN", "100.00")
    scene.expect(await speaker.bet("t", "10"), "ROLLED_BACK")
    scene.expect(await speaker.win("w", "5"), "ROLLED_BACK")
    assert await scene.units() == 100_00


async def test_a_bet_that_was_paid_does_not_go_back(scene: DialectScene) -> None:
    """Nor does its win."""
    speaker = scene.speaker
    await speaker.bet("t", "10")
    await speaker.win("w", "5")
    scene.expect(await speaker.rollback("b", "t", "10"), "BET_SETTLED")
    scene.expect(await speaker.rollback("c", "w", "5"), "NOT_REVERSIBLE")
    assert await scene.units() == 95_00


async def test_what_is_owed_is_paid_after_the_session(scene: DialectScene) -> None:
    """Also to a player who is frozen."""
    speaker = scene.speaker
    for number in ("t", "u"):
        await speaker.bet(number, "10", round_id=number)
    await scene.ledger.end_session("b", "s")
    await scene.ledger.freeze("b", "p", frozen=True)
    scene.expect(await speaker.win("w", "5", round_id="t"), "OK", "85.00")
    scene.expect(await speaker.rollback("b", "u", "10", round_id="u"), "OK", "95.00")


async def test_a_win_without_a_stake_is_refused(scene: DialectScene) -> None:
    """Nothing is paid for nothing."""
    scene.expect(await scene.speaker.win("w", "5"), "BET_NOT_FOUND")
    assert await scene.units() == 100_00


async def test_nobody_bets_after_the_session(scene: DialectScene) -> None:
    """And the same bet stays refused."""
    await scene.ledger.end_session("b", "s")
    for _ in range(2):
        scene.expect(await scene.speaker.bet("t", "1"), "SESSION_EXPIRED")


async def test_a_frozen_player_does_not_bet(scene: DialectScene) -> None:
    """The balance is shown."""
    await scene.ledger.freeze("b", "p", frozen=True)
    scene.expect(await scene.speaker.bet("t", "1"), "PLAYER_FROZEN")
    scene.expect(await scene.speaker.balance("s", "p"), "OK", "100.00")


async def test_a_game_that_is_not_listed_is_refused(scene: DialectScene) -> None:
    """Once the brand lists others of the provider."""
    await scene.list_game("other")
    scene.expect(await scene.speaker.bet("t", "1"), "GAME_NOT_FOUND")


async def test_a_stake_of_nothing_is_taken(scene: DialectScene) -> None:
    """And a win of nothing."""
    scene.expect(await scene.speaker.bet("t", "0"), "OK", "100.00")
    scene.expect(await scene.speaker.win("w", "0"), "OK", "100.00")


async def test_bonus_money_is_part_of_the_balance(scene: DialectScene) -> None:
    """A player can bet with both."""
    await scene.ledger.operate(
        BonusIssue(brand="b", player_id="p", currency="EUR", amount_units=50_00, reference="x")
    )
    scene.expect(await scene.speaker.balance("s", "p"), "OK", "150.00")
    scene.expect(await scene.speaker.bet("t", "120"), "OK", "30.00")


async def test_a_session_of_another_provider_is_not_found(scene: DialectScene) -> None:
    """Nor one that is not there."""
    await scene.sit("q", "s-q", 10_00, provider="native")
    for seat, player in (("s-q", "q"), ("nobody's", "nobody")):
        place = {"seat": seat, "player": player}
        scene.expect(await scene.speaker.balance(seat, player), "SESSION_NOT_FOUND")
        scene.expect(await scene.speaker.bet("t", "1", **place), "SESSION_NOT_FOUND")
    assert await scene.units("q") == 10_00


@pytest.mark.parametrize(
    "place", ["x/d/live", "x/b/test", "x/b/nowhere", "y/b/live", "native/b/live"]
)
async def test_a_path_that_is_not_served_is_refused(scene: DialectScene, place: str) -> None:
    """A brand that is not configured, an environment without a key, another provider."""
    scene.speaker.place = place
    scene.expect(await scene.speaker.balance("s", "p"), "NO_SUCH_PARTNER")
    scene.expect(await scene.speaker.bet("t", "1"), "NO_SUCH_PARTNER")


async def test_another_brand_has_another_player(scene: DialectScene) -> None:
    """The path names the brand, so a call on another path must not reach this one."""
    scene.speaker.place = "x/c/live"
    scene.expect(await scene.speaker.bet("t", "1"), "SESSION_NOT_FOUND")
    assert await scene.units() == 100_00


async def test_a_key_for_one_brand_opens_no_other(tmp_path: Path, made: type[Speaker]) -> None:
    """If the options say for which."""
    async with dialect_scene(tmp_path, made, brands=("c",)) as scene:
        scene.expect(await scene.speaker.balance("s", "p"), "NO_SUCH_PARTNER")


async def test_a_win_goes_back_if_the_provider_may_do_so(
    tmp_path: Path, made: type[Speaker]
) -> None:
    """See `rollback_wins`."""
    async with dialect_scene(tmp_path, made, rollback_wins=True) as scene:
        await scene.speaker.bet("t", "10")
        await scene.speaker.win("w", "5")
        scene.expect(await scene.speaker.rollback("b", "w", "5"), "OK", "90.00")


@pytest.mark.parametrize("error", [LedgerUnavailable("away"), TimeoutError()])
async def test_a_call_of_which_nobody_knows_is_to_be_repeated(
    scene: DialectScene, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """With the status after which the provider repeats it, or takes the bet back."""

    async def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(scene.ledger, "call_back", fail)
        scene.expect(await scene.speaker.bet("t", "10"), "UNAVAILABLE")
        scene.expect(await scene.speaker.rollback("b", "t", "10"), "UNAVAILABLE")
    scene.expect(await scene.speaker.bet("t", "10"), "OK", "90.00")


async def test_calls_are_counted_by_our_own_codes(scene: DialectScene) -> None:
    """So an alert needs to know no dialect."""
    await scene.speaker.bet("t", "10")
    await scene.speaker.bet("t", "10")
    await scene.speaker.bet("u", "1000")
    told = scene.metrics.exposition().decode()
    for code in ("OK", "REPLAYED", "INSUFFICIENT_FUNDS"):
        labels = f'code="{code}",environment="live",verb="bet"'
        assert f"consumer_wallet_callbacks_total{{{labels}}} 1.0" in told
