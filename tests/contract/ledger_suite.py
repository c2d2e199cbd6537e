"""What every ledger does, wherever it keeps its money: one player, and what a game asks of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from consumer.ledger.answers import Funds, LedgerRefusal, OrderRefused
from consumer.ledger.orders import (
    LIMIT_UNITS,
    Caller,
    SpendOrder,
)
from consumer.ledger.reads import LedgerReads
from consumer.ledger.shown import EndedSession, ProviderKey
from tests.contract.ledger_digits import LedgerDigits
from tests.contract.ledger_games import LedgerGameRules
from tests.contract.ledger_outbox import LedgerOutboxRules
from tests.contract.ledger_places import LedgerPlaces
from tests.contract.ledger_refusals import LedgerRefusals
from tests.contract.ledger_rounds import LedgerRounds
from tests.contract.ledger_sessions import LedgerSessionRules
from tests.support.ledger_table import ACME, Table, back, bet, bet_win, refused, win

if TYPE_CHECKING:
    from consumer.ledger.base import Ledger
    from consumer.ledger.orders import Callback
    from tests.support.ledgers import LedgerPlace


class LedgerContract(
    LedgerPlaces,
    LedgerRefusals,
    LedgerRounds,
    LedgerGameRules,
    LedgerSessionRules,
    LedgerOutboxRules,
    LedgerDigits,
):
    """The suite. A subclass has a fixture `place`: an empty database."""

    async def test_a_bet_takes_its_stake(self, table: Table) -> None:
        """And says what is left."""
        (booked,) = await table.ask(bet("t", 30))
        assert (booked.amount_units, booked.balance_after_units) == (30, 70)
        assert booked.now == Funds("EUR", 70, 0)
        assert await table.funds() == (70, 0)

    async def test_the_same_order_again_gets_the_stored_facts(self, table: Table) -> None:
        """Also with another session of the player, and after other orders. `now` is of now."""
        (first,) = await table.ask(bet("t", 30))
        await table.ask(bet("u", 20))
        await table.begin("s2")
        (again,) = await table.ask(bet("t", 30, session="s2"))
        assert (again.ledger_id, again.balance_after_units) == (first.ledger_id, 70)
        assert (again.replayed, again.now) == (True, Funds("EUR", 50, 0))

    @pytest.mark.parametrize(
        "other", [bet("t", 31), bet("t", 30, round_id="q"), bet("t", 30, game_id="h"), win("t", 30)]
    )
    async def test_another_order_with_the_id_is_a_conflict(
        self, table: Table, other: Callback
    ) -> None:
        """And nothing moves."""
        await table.ask(bet("t", 30))
        assert await refused(table.ask(other)) is LedgerRefusal.TRANSACTION_CONFLICT
        assert await table.funds() == (70, 0)

    async def test_another_player_with_the_id_is_a_conflict(self, table: Table) -> None:
        """A provider's ids are its own, not those of each player."""
        await table.sit(player="q", session="s-q")
        await table.ask(bet("t", 30))
        found = await refused(table.ask(bet("t", 30, session="s-q")))
        assert found is LedgerRefusal.TRANSACTION_CONFLICT

    async def test_another_brand_or_provider_has_no_such_session(self, table: Table) -> None:
        """Nor does anybody have one that is not there."""
        for caller in (Caller("c", "acme"), Caller("b", "other")):
            asked = table.ledger.call_back(caller, bet("t", 1))
            assert await refused(asked) is LedgerRefusal.SESSION_NOT_FOUND
            asked_funds = table.ledger.funds(caller, "s")
            assert await refused(asked_funds) is LedgerRefusal.SESSION_NOT_FOUND

    async def test_a_bet_without_enough_money_is_refused_for_ever(self, table: Table) -> None:
        """Otherwise a provider that asks again would bet after it was told that it cannot."""
        with pytest.raises(OrderRefused) as caught:
            await table.ask(bet("t", 101))
        assert caught.value.refusal is LedgerRefusal.INSUFFICIENT_FUNDS
        assert caught.value.now == Funds("EUR", 100, 0)
        await table.deposit(100)
        assert await refused(table.ask(bet("t", 101))) is LedgerRefusal.INSUFFICIENT_FUNDS
        (booked,) = await table.ask(back("b", "t"))
        assert (booked.balance_after_units, await table.funds()) == (200, (200, 0))

    async def test_an_expired_session_takes_no_bets_but_wins(self, table: Table) -> None:
        """The money of a win is owed."""
        await table.ask(bet("t", 30))
        await table.begin("old", expires_s=1.0)
        assert await refused(table.ask(bet("u", 1, session="old"))) is LedgerRefusal.SESSION_EXPIRED
        assert await refused(table.ask(bet("u", 1))) is LedgerRefusal.SESSION_EXPIRED
        await table.ask(win("w", 50, session="old"))
        await table.ask(back("b", "t2", session="old"))
        assert await table.funds() == (120, 0)

    async def test_a_frozen_player_takes_no_bets_but_wins(self, table: Table) -> None:
        """In each currency, also in those that come later."""
        await table.ask(bet("t", 30))
        assert await table.ledger.freeze("b", "p", frozen=True)
        assert (await table.ledger.add_player("b", "p", "USD")).frozen
        assert await refused(table.ask(bet("u", 1))) is LedgerRefusal.PLAYER_FROZEN
        await table.ask(win("w", 50))
        await table.ledger.freeze("b", "p", frozen=False)
        await table.ask(bet("v", 1))
        assert not await table.ledger.freeze("b", "nobody", frozen=True)

    async def test_currency_and_game_are_checked(self, table: Table) -> None:
        """Neither refusal is stored. Any game is good until one is listed."""
        found = await refused(table.ask(bet("t", 1, currency="USD")))
        assert found is LedgerRefusal.WRONG_CURRENCY
        await table.ask(bet("t", 1))
        await table.list_game("h")
        assert await refused(table.ask(bet("u", 1))) is LedgerRefusal.GAME_NOT_FOUND
        await table.ask(bet("u", 1, game_id="h"))

    async def test_a_rollback_gives_the_stake_back_once(self, table: Table) -> None:
        """Also under another id. The bet is not taken any more."""
        await table.ask(bet("t", 30))
        (first,) = await table.ask(back("b1", "t"))
        (same,) = await table.ask(back("b1", "t"))
        (other,) = await table.ask(back("b2", "t"))
        (other_again,) = await table.ask(back("b2", "t"))
        assert {same.ledger_id, other.ledger_id, other_again.ledger_id} == {first.ledger_id}
        assert (first.amount_units, first.replayed, other.replayed) == (30, False, True)
        assert await refused(table.ask(bet("t", 30))) is LedgerRefusal.ROLLED_BACK
        assert await table.funds() == (100, 0)

    async def test_a_rollback_before_its_bet_is_remembered(self, table: Table) -> None:
        """The bet that comes later charges nothing."""
        (first,) = await table.ask(back("b1", "t"))
        assert (first.amount_units, first.balance_after_units, first.now) == (0, None, None)
        (again,) = await table.ask(back("b2", "t"))
        assert (again.ledger_id, again.replayed) == (first.ledger_id, True)
        assert await refused(table.ask(bet("t", 30))) is LedgerRefusal.ROLLED_BACK
        assert await refused(table.ask(bet("t", 31))) is LedgerRefusal.ROLLED_BACK
        assert await table.funds() == (100, 0)

    async def test_a_settled_bet_stays(self, table: Table) -> None:
        """If a win names it, or it is the round's only bet. Another bet of the round goes back."""
        await table.ask(bet("t", 10))
        await table.ask(bet("u", 10))
        await table.ask(win("w", 5, bet_transaction_id="t"))
        assert await refused(table.ask(back("b", "t"))) is LedgerRefusal.BET_SETTLED
        await table.ask(back("b2", "u"))
        assert await table.funds() == (95, 0)
        await table.ask(bet("v", 10, round_id="q"))
        await table.ask(win("x", 5, round_id="q"))
        assert await refused(table.ask(back("b3", "v"))) is LedgerRefusal.BET_SETTLED

    async def test_what_no_rollback_gives_back(self, table: Table) -> None:
        """A win, another rollback, and another amount."""
        await table.ask(bet("t", 10))
        await table.ask(win("w", 5))
        await table.ask(back("b", "unknown"))
        for order in (back("b1", "w"), back("b2", "b"), back("b3", "t", amount_units=9)):
            assert await refused(table.ask(order)) is LedgerRefusal.NOT_REVERSIBLE

    async def test_wins_go_back_where_the_provider_may(self, ledger: Ledger) -> None:
        """What the player does not have any more is written off."""
        table = Table(ledger, Caller("b", "acme", reverses_wins=True))
        await table.sit(10)
        await table.ask(bet("t", 10))
        await table.ask(win("w", 50))
        await table.ask(bet("u", 45, round_id="q"))
        await table.ask(back("b", "w"))
        assert await table.funds() == (0, 0)
        await table.ask(back("b2", "t"))
        assert await table.funds() == (10, 0)

    async def test_half_of_a_bet_with_its_win_takes_both_back(self, table: Table) -> None:
        """Whichever half is named."""
        booked = await table.ask(bet_win(("t", 30), ("w", 50)))
        assert [one.balance_after_units for one in booked] == [70, 120]
        again = await table.ask(bet_win(("t", 30), ("w", 50)))
        assert [one.ledger_id for one in again] == [one.ledger_id for one in booked]
        (first,) = await table.ask(back("b1", "w"))
        (second,) = await table.ask(back("b2", "t"))
        assert second.ledger_id == first.ledger_id
        assert await table.funds() == (100, 0)
        asked = table.ask(bet_win(("t", 30), ("w", 50)))
        assert await refused(asked) is LedgerRefusal.ROLLED_BACK

    async def test_a_bet_with_its_win_is_both_or_neither(self, table: Table) -> None:
        """A refusal holds for both ids."""
        asked = table.ask(bet_win(("t", 101), ("w", 500)))
        assert await refused(asked) is LedgerRefusal.INSUFFICIENT_FUNDS
        await table.deposit(100)
        asked = table.ask(bet_win(("t", 101), ("w", 500)))
        assert await refused(asked) is LedgerRefusal.INSUFFICIENT_FUNDS
        assert await table.funds() == (200, 0)

    async def test_a_win_needs_a_stake(self, table: Table) -> None:
        """In its round, or in the bet that it names, which has to be of its round."""
        assert await refused(table.ask(win("w", 5))) is LedgerRefusal.BET_NOT_FOUND
        await table.ask(bet("t", 10))
        for named, refusal in (
            ("u", LedgerRefusal.BET_NOT_FOUND),
            ("t", LedgerRefusal.TRANSACTION_CONFLICT),
        ):
            order = win("w", 5, bet_transaction_id=named, round_id="q")
            assert await refused(table.ask(order)) is refusal
        await table.ask(back("b", "t"))
        for order in (win("w", 5), win("w", 5, bet_transaction_id="t")):
            assert await refused(table.ask(order)) is LedgerRefusal.ROLLED_BACK

    async def test_a_closed_round_takes_no_bets_but_wins(self, table: Table) -> None:
        """The end of a round may be told by its last win."""
        await table.ask(bet("t", 10))
        await table.ask(win("w", 0, round_end=True))
        assert await refused(table.ask(bet("u", 1))) is LedgerRefusal.ROUND_CLOSED
        await table.ask(win("x", 5))
        assert await table.funds() == (95, 0)

    async def test_a_win_is_paid_as_its_stake_was(self, table: Table) -> None:
        """The bonus part is rounded down."""
        await table.issue(50)
        await table.ask(bet("t", 120))
        assert await table.funds() == (0, 30)
        await table.ask(win("w", 100))
        assert await table.funds() == (100 - 100 * 20 // 120, 30 + 100 * 20 // 120)

    async def test_bonus_money_is_spent_first_where_the_brand_says_so(self, ledger: Ledger) -> None:
        """And real money for the rest."""
        table = Table(ledger, Caller("b", "acme", SpendOrder.BONUS_FIRST))
        await table.sit()
        await table.issue(50)
        await table.ask(bet("t", 60))
        assert await table.funds() == (90, 0)

    @pytest.mark.parametrize(("converts", "left"), [(True, (65, 0)), (False, (10, 0))])
    async def test_the_bonus_part_follows_a_bonus_that_has_ended(
        self, ledger: Ledger, *, converts: bool, left: tuple[int, int]
    ) -> None:
        """To real money if it was converted, else to the pool."""
        table = Table(ledger, Caller("b", "acme", SpendOrder.BONUS_FIRST))
        await table.sit(10)
        bonus_id = await table.issue(50)
        await table.ask(bet("t", 20))
        await table.ask(bet("u", 10, round_id="q"))
        await table.end_bonus(bonus_id, converts=converts)
        await table.ask(back("b", "t"))
        await table.ask(win("w", 15, round_id="q"))
        assert await table.funds() == left

    async def test_a_bonus_whose_bet_went_back_gets_no_share(self, ledger: Ledger) -> None:
        """The share is that of the bonus of the bet that is left."""
        table = Table(ledger, Caller("b", "acme", SpendOrder.BONUS_FIRST))
        await table.sit(0)
        first = await table.issue(10)
        await table.ask(bet("t", 10))
        await table.end_bonus(first, converts=True)
        await table.issue(10)
        await table.ask(bet("u", 10))
        await table.ask(back("b", "u"))
        await table.ask(win("w", 100))
        assert await table.funds() == (100, 10)

    async def test_a_player_has_one_active_bonus(self, table: Table) -> None:
        """And it ends once."""
        bonus_id = await table.issue(50)
        with pytest.raises(OrderRefused, match="BONUS_ACTIVE"):
            await table.issue(50)
        await table.end_bonus(bonus_id, converts=True)
        with pytest.raises(OrderRefused, match="BONUS_ENDED"):
            await table.end_bonus(bonus_id, converts=False)
        with pytest.raises(OrderRefused, match="BONUS_NOT_FOUND"):
            await table.end_bonus(bonus_id + 1000, converts=False)
        assert await table.funds() == (150, 0)

    async def test_no_amount_is_too_large_by_a_unit(self, ledger: Ledger) -> None:
        """What the ledger cannot hold is refused, and moves nothing."""
        table = Table(ledger)
        await table.sit(LIMIT_UNITS - 1)
        with pytest.raises(OrderRefused, match="BAD_AMOUNT"):
            await table.deposit(1)
        await table.issue(LIMIT_UNITS - 1)
        await table.ask(bet("t", LIMIT_UNITS))
        await table.ask(win("w", LIMIT_UNITS - 1))
        assert sum(await table.funds()) == 2 * (LIMIT_UNITS - 1) - 1

    async def test_a_session_ends_with_its_result(self, table: Table) -> None:
        """What was rolled back does not count."""
        await table.ask(bet("t", 30))
        await table.ask(win("w", 50))
        await table.ask(bet("u", 7, round_id="q"))
        await table.ask(back("b", "u"))
        assert await table.ledger.end_session("b", "s") == EndedSession("EUR", 20)
        assert await table.ledger.end_session("c", "s") is None

    async def test_statement_goes_on_behind_a_sequence(self, table: Table) -> None:
        """Refused orders and tombstones are not in it."""
        await table.ask(bet("t", 30))
        await refused(table.ask(bet("u", 1000)))
        await table.ask(win("w", 5))
        reads = LedgerReads(table.ledger)
        whole = await reads.statement("b", "p", "EUR", 0, 10)
        assert [(one.sequence, one.kind, one.amount_units) for one in whole] == [
            *((1, "DEPOSIT", 100), (2, "BET", 30), (3, "WIN", 5))
        ]
        assert await reads.statement("b", "p", "EUR", 1, 1) == whole[1:2]
        assert await reads.statement("c", "p", "EUR", 0, 10) == []

    async def test_transactions_and_rounds_are_found(self, table: Table) -> None:
        """Also what was refused. A round is open until a message closes it."""
        await table.ask(bet("t", 30))
        await refused(table.ask(bet("u", 1000)))
        reads = LedgerReads(table.ledger)
        refusal = await reads.transaction("b", "acme", "u")
        assert refusal is not None
        assert (refusal.refused, refusal.player_id) == ("INSUFFICIENT_FUNDS", "p")
        assert await reads.transaction("b", "other", "u") is None
        (found,) = await reads.open_rounds("b", 2**62, 10)
        assert (found.round_id, found.stake_units, found.live_bets_count) == ("r", 30, 1)
        assert len(await reads.of_round("b", "acme", "g", "r", 10)) == 2
        await table.ask(win("w", 0, round_end=True))
        assert await reads.open_rounds("b", 2**62, 10) == []

    async def test_a_provider_has_two_keys_while_it_rotates(self, ledger: Ledger) -> None:
        """A third is not added before one has ended. Another brand's do not count."""
        keys = [
            ProviderKey(
                id=f"k{number}", brand="b", provider="acme", public_key=b"k" * 32, created_s=number
            )
            for number in range(3)
        ]
        assert [await ledger.add_provider_key(key) for key in keys] == [True, True, False]
        assert await ledger.add_provider_key(replace(keys[2], id="other", brand="c"))
        assert await ledger.end_provider_key("k0", 5.0)
        assert not await ledger.end_provider_key("none", 5.0)
        assert await ledger.end_provider_key("k0", 9.0)
        assert await ledger.add_provider_key(keys[2])
        found = {key.id: key for key in await ledger.provider_keys()}
        assert found["k0"] == replace(keys[0], ends_s=5.0)
        assert found["k1"] == keys[1]

    async def test_twins_are_one_order(self, table: Table) -> None:
        """They come at the same moment. One is booked, and all get its answer."""
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(table.ask(bet("t", 30))) for _ in range(20)]
        booked = [one.result()[0] for one in asked]
        assert len({one.ledger_id for one in booked}) == 1
        assert sorted(one.replayed for one in booked) == [False] + [True] * 19
        assert await table.funds() == (70, 0)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE transactions SET amount = 1",
            "DELETE FROM transactions",
            "UPDATE entry SET amount = 1",
            "DELETE FROM entry",
            "UPDATE account SET real = -1",
            "UPDATE account SET bonus = -1",
        ],
    )
    async def test_the_database_refuses_what_would_break_the_books(
        self, table: Table, place: LedgerPlace, statement: str
    ) -> None:
        """Whoever asks for it."""
        await table.ask(bet("t", 30))
        with pytest.raises(Exception, match=r"(?i)never (changed|deleted)|check|permission"):
            await place.run(statement)

    async def test_another_process_finds_the_same_money(
        self, table: Table, place: LedgerPlace
    ) -> None:
        """And the same answers."""
        (first,) = await table.ask(bet("t", 30))
        other = place.make()
        await other.open()
        (again,) = await other.call_back(ACME, bet("t", 30))
        assert again.ledger_id == first.ledger_id
        await other.close()
