"""What only GitSlotPark's dialect has: a signature in the body, result codes, players as names."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, cast

import pytest

from consumer.ledger.sessions import LedgerSessions, SeatedPlayer
from consumer.wallet.dialects.gitslotpark import sign
from tests.support.dialect_scene import DialectScene, dialect_scene
from tests.support.dialect_speakers import SlotSpeaker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.dialect_speakers import Heard

PUBLISHED: Final = {"secret": "1234567890"}
"""The secret of the published signature."""


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[DialectScene]:
    """Return a wallet, and a player `p` with 100.00 EUR."""
    async with dialect_scene(tmp_path, SlotSpeaker) as scene:
        yield scene


@pytest.fixture
def slot(scene: DialectScene) -> SlotSpeaker:
    """Return the provider."""
    return cast("SlotSpeaker", scene.speaker)


def test_published_signature_is_reproduced() -> None:
    """Of https://skysoft-e628c952.mintlify.app/concepts/data-sign."""
    fields = (
        "Partner01", "Player01", "12.30", "474e1a293c2f4e7ab122c52d68423fcb",
        "ab9c15f2efdd46278e4a56b303127234",
    )  # fmt: skip
    expected = "475D834ACC3AB61D7DF4EA42751C6275387BC1787A098D2D0E091698D9BF2043"
    assert sign(b"1234567890", fields) == expected


async def test_published_signature_opens_the_wallet(tmp_path: Path) -> None:
    """The whole published call, sent as it is."""
    async with dialect_scene(tmp_path, SlotSpeaker, **PUBLISHED) as scene:
        await scene.sit("Player01", "s-1", 50_00)
        fields = {
            "userID": "Player01", "amount": "12.30",
            "transactionID": "474e1a293c2f4e7ab122c52d68423fcb",
            "roundID": "ab9c15f2efdd46278e4a56b303127234",
        }  # fmt: skip
        proof = "475D834ACC3AB61D7DF4EA42751C6275387BC1787A098D2D0E091698D9BF2043"
        heard = await cast("SlotSpeaker", scene.speaker).call("Withdraw", fields, proof)
        scene.expect(heard, "OK", "37.70")


@pytest.mark.parametrize("proof", ["", "0" * 64, "é"])
async def test_wrong_signature_is_refused(
    scene: DialectScene, slot: SlotSpeaker, proof: str
) -> None:
    """With result 3."""
    scene.expect(await slot.call("GetBalance", {"userID": "p"}, proof), "BAD_SIGNATURE")


async def test_signature_in_lower_case_is_refused(scene: DialectScene, slot: SlotSpeaker) -> None:
    """GitSlotPark's page says that it is wrong."""
    proof = sign(b"a-shared-secret", ("Partner01", "p")).lower()
    scene.expect(await slot.call("GetBalance", {"userID": "p"}, proof), "BAD_SIGNATURE")


async def test_agent_of_another_brand_is_refused(scene: DialectScene, slot: SlotSpeaker) -> None:
    """It is part of what is signed, so a call for another brand does not fit here."""
    heard = await slot.call("GetBalance", {"userID": "p", "agentID": "Partner02"})
    scene.expect(heard, "BAD_SIGNATURE")


async def test_answer_has_what_gitslotpark_expects(slot: SlotSpeaker) -> None:
    """The balance is a number, exact to the digit."""
    heard = await slot.bet("t", "3.56")
    assert heard.document.pop("transactionID").isdigit()
    assert heard.document == {"result": 0, "balance": Decimal("96.44")}


@pytest.mark.parametrize(
    "amount", ["10", "10.0", "10.000", "-1.00", "01.00", "1e1", "", 10, None, "1.00\n", "9" * 30]
)
async def test_amount_in_another_form_is_refused(
    scene: DialectScene, slot: SlotSpeaker, amount: object
) -> None:
    """It has exactly two digits behind the point, because it is signed as a text."""
    fields = {"userID": "p", "amount": amount, "transactionID": "t", "roundID": "r"}
    scene.expect(await slot.call("Withdraw", fields), "BAD_AMOUNT")
    assert await scene.units() == 100_00


async def test_yen_have_no_digits_behind_the_point(scene: DialectScene, slot: SlotSpeaker) -> None:
    """So these have to be zeros."""
    await scene.sit("j", "s-j", 1000, currency="JPY")
    scene.expect(await slot.bet("t", "250", player="j"), "OK", "750")
    scene.expect(await slot.bet("u", "0.50", player="j"), "BAD_AMOUNT")


async def test_bet_and_win_are_both_booked_or_neither(
    scene: DialectScene, slot: SlotSpeaker
) -> None:
    """`BetWin` has one id for both. Again, it moves nothing."""
    for code in ("OK", "REPLAYED"):
        scene.expect(await _bet_win(slot, "t", "10.00", "5.00"), code, "95")
    scene.expect(await _bet_win(slot, "t", "10.00", "6.00"), "TRANSACTION_CONFLICT")
    for _ in range(2):
        scene.expect(await _bet_win(slot, "u", "95.01", "500.00"), "INSUFFICIENT_FUNDS")
    assert await scene.units() == 95_00


async def test_both_halves_go_back(scene: DialectScene, slot: SlotSpeaker) -> None:
    """Under the one id that they have."""
    await _bet_win(slot, "t", "10.00", "5.00")
    scene.expect(await slot.rollback("-", "t", "-"), "OK", "100")
    scene.expect(await slot.rollback("-", "t", "-"), "ROLLED_BACK_AGAIN", "100")
    scene.expect(await _bet_win(slot, "t", "10.00", "5.00"), "ROLLED_BACK")


async def test_a_bet_win_that_was_rolled_back_first_is_not_booked(
    scene: DialectScene, slot: SlotSpeaker
) -> None:
    """Neither its stake, nor its win."""
    scene.expect(await slot.rollback("-", "t", "-"), "UNKNOWN_BET")
    scene.expect(await _bet_win(slot, "t", "10.00", "5.00"), "ROLLED_BACK")
    assert await scene.units() == 100_00


async def test_signature_of_one_call_is_not_that_of_another(
    scene: DialectScene, slot: SlotSpeaker
) -> None:
    """Nothing separates the signed fields. So whoever saw a `BetWin` could pay its win again."""
    fields = {"betAmount": "2.00", "winAmount": "5.00", "transactionID": "t", "roundID": "r"}
    await slot.call("BetWin", {"userID": "p", **fields})
    proof = sign(b"a-shared-secret", ("Partner01", "p", "2.00", "5.00", "t", "r"))
    forged = {"userID": "p", "amount": "2.00", "transactionID": "5.00t", "roundID": "r"}
    scene.expect(await slot.call("Deposit", forged, proof), "BAD_REQUEST")
    assert await scene.units() == 103_00


async def test_a_round_has_no_dot(scene: DialectScene, slot: SlotSpeaker) -> None:
    """The signature of this bet would also be that of a `BetWin` with a win of 71.00."""
    fields = {"userID": "p", "amount": "1.00", "transactionID": "7", "roundID": "1.00abcd"}
    scene.expect(await slot.call("Withdraw", fields), "BAD_REQUEST")
    assert await scene.units() == 100_00


async def test_ids_of_one_length_cannot_be_cut_in_another_way(tmp_path: Path) -> None:
    """Whoever saw a call could else send it again under other ids."""
    async with dialect_scene(tmp_path, SlotSpeaker, id_characters=4) as scene:
        slot = cast("SlotSpeaker", scene.speaker)
        scene.expect(await slot.bet("tttt", "1", round_id="rrrr"), "OK", "99")
        proof = sign(b"a-shared-secret", ("Partner01", "p", "1.00", "tttt", "rrrr"))
        cut = {"userID": "p", "amount": "1.00", "transactionID": "ttt", "roundID": "trrrr"}
        scene.expect(await slot.call("Withdraw", cut, proof), "BAD_SIGNATURE")
        scene.expect(await slot.rollback("-", "tttt", "-"), "OK", "100")


async def test_player_whose_id_ends_like_an_amount_is_refused(
    scene: DialectScene, slot: SlotSpeaker
) -> None:
    """The calls of `p-110.00` would also be those of `p-1`."""
    await scene.sit("p-110.00", "s-q", 10_00)
    scene.expect(await slot.balance("-", "p-110.00"), "BAD_REQUEST")


async def test_a_win_that_came_too_early_is_paid_later(
    scene: DialectScene, slot: SlotSpeaker
) -> None:
    """GitSlotPark repeats it only after another status than 200."""
    scene.expect(await slot.win("w", "5"), "BET_NOT_FOUND")
    await slot.bet("t", "10")
    scene.expect(await slot.win("w", "5"), "OK", "95")


async def test_a_void_round_goes_back_in_any_order(tmp_path: Path) -> None:
    """If wins may go back, a bet waits for its win."""
    async with dialect_scene(tmp_path, SlotSpeaker, rollback_wins=True) as scene:
        slot = cast("SlotSpeaker", scene.speaker)
        await slot.bet("t", "10")
        await slot.win("w", "5")
        scene.expect(await slot.rollback("-", "t", "-"), "UNAVAILABLE")
        scene.expect(await slot.rollback("-", "w", "-"), "OK", "90")
        scene.expect(await slot.rollback("-", "t", "-"), "OK", "100")


async def test_a_session_that_ended_hides_no_open_one(
    scene: DialectScene, slot: SlotSpeaker
) -> None:
    """The player has opened another game, and closed it."""
    await scene.sit("p", "s-h", game_id="h", expires_s=4.1e9)
    await scene.ledger.end_session("b", "s-h")
    scene.expect(await slot.bet("t", "10"), "OK", "90")


async def test_a_copy_of_a_bet_finds_its_game(
    scene: DialectScene, slot: SlotSpeaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first copy was booked after this one had looked for the round, in vain."""
    await slot.bet("t", "10")
    await scene.sit("p", "s-h", game_id="h", expires_s=4.1e9)
    looks = iter([False])
    whole = LedgerSessions.of_round

    async def of_round(
        self: LedgerSessions, brand: str, provider: str, player_id: str, round_id: str, now_s: float
    ) -> SeatedPlayer | None:
        return (
            await whole(self, brand, provider, player_id, round_id, now_s)
            if next(looks, True)
            else None
        )

    monkeypatch.setattr(LedgerSessions, "of_round", of_round)
    scene.expect(await slot.bet("t", "10"), "REPLAYED", "90")


async def test_a_win_belongs_to_the_game_of_its_bet(scene: DialectScene, slot: SlotSpeaker) -> None:
    """Also if the player has opened another game in between, or has another currency there."""
    await slot.bet("t", "10")
    await scene.sit("p", "s-h", 50, currency="JPY", game_id="h", expires_s=4.1e9)
    scene.expect(await slot.win("w", "5"), "OK", "95")
    scene.expect(await slot.bet("t", "10"), "REPLAYED", "95")
    scene.expect(await slot.rollback("-", "t", "-"), "BET_SETTLED")
    scene.expect(await slot.bet("u", "10", round_id="q"), "OK", "40")


async def test_a_player_without_a_session_is_not_known(
    scene: DialectScene, slot: SlotSpeaker
) -> None:
    """Result 5: the call names no game and no currency, and nothing else does."""
    await scene.ledger.add_player("b", "q", "EUR")
    scene.expect(await slot.balance("-", "q"), "SESSION_NOT_FOUND")


async def test_another_players_transaction_does_not_go_back(
    scene: DialectScene, slot: SlotSpeaker
) -> None:
    """The player is signed, so it has to be right."""
    await scene.sit("q", "s-q", 10_00)
    await slot.bet("t", "10")
    scene.expect(await slot.rollback("-", "t", "-", player="q"), "TRANSACTION_CONFLICT")
    assert await scene.units() == 90_00


async def _bet_win(slot: SlotSpeaker, number: str, stake: str, prize: str) -> Heard:
    fields = {"betAmount": stake, "winAmount": prize, "transactionID": number, "roundID": "r"}
    return await slot.call("BetWin", {"userID": "p", **fields})
