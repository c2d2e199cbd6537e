"""What every ledger does: the rules about who may, and on which accounts the money is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.ledger.answers import LedgerRefusal, OrderRefused
from consumer.ledger.orders import BonusEnd, Caller, Deposit, SpendOrder, WinKind
from consumer.ledger.reads import LedgerReads
from tests.support.ledger_table import Table, back, bet, bet_win, refused, win
from tests.support.ledgers import faults_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.ledger.base import Ledger
    from tests.support.ledgers import LedgerPlace


class LedgerRules:
    """A part of the suite. A subclass has a fixture `place`: an empty database."""

    @pytest.fixture
    async def ledger(self, place: LedgerPlace) -> AsyncIterator[Ledger]:
        """Return an open ledger, whose books fit at the end of the test."""
        ledger = place.make()
        await ledger.open()
        yield ledger
        assert await faults_of(ledger) == []
        await ledger.close()

    @pytest.fixture
    async def table(self, ledger: Ledger) -> Table:
        """Return a player with 100 units of real money, in the session `s`."""
        table = Table(ledger)
        await table.sit()
        return table

    async def test_each_movement_is_on_its_accounts(self, table: Table) -> None:
        """Stakes and wins are the house's, deposits come from outside, gifts from the pool."""
        await table.ask(bet("t", 30))
        await table.ask(win("w", 10))
        assert await table.sums() == {"HOUSE": 20, "REAL": 80, "SYSTEM": -100}
        await table.ask(win("x", 7, round_id="q", kind=WinKind.PROMO))
        bonus_id = await table.issue(50)
        assert await table.sums() == {
            "BONUS": 50, "HOUSE": 20, "PROMO_POOL": -57, "REAL": 87, "SYSTEM": -100
        }  # fmt: skip
        await table.end_bonus(bonus_id, converts=False)
        assert (await table.sums())["PROMO_POOL"] == -7

    async def test_share_of_a_forfeited_bonus_goes_to_the_pool(self, ledger: Ledger) -> None:
        """From the house, which owed it."""
        table = Table(ledger, Caller("b", "acme", SpendOrder.BONUS_FIRST))
        await table.sit(10)
        bonus_id = await table.issue(20)
        await table.ask(bet("t", 20))
        await table.end_bonus(bonus_id, converts=False)
        await table.ask(win("w", 50))
        assert await table.sums() == {
            "BONUS": 0, "HOUSE": -30, "PROMO_POOL": 30, "REAL": 10, "SYSTEM": -10
        }  # fmt: skip

    async def test_what_cannot_be_taken_back_is_written_off(self, ledger: Ledger) -> None:
        """Real money and bonus money."""
        table = Table(ledger, Caller("b", "acme", SpendOrder.BONUS_FIRST, reverses_wins=True))
        await table.sit(0)
        await table.issue(20)
        await table.ask(bet("t", 20))
        await table.ask(win("w", 50))
        await table.ask(bet("u", 45, round_id="q"))
        await table.ask(back("b", "w"))
        assert await table.funds() == (0, 0)
        assert (await table.sums())["WRITE_OFF"] == -45

    async def test_currency_belongs_to_the_content(self, table: Table) -> None:
        """And a win has to have that of its session."""
        await table.ask(bet("t", 30))
        found = await refused(table.ask(bet("t", 30, currency="USD")))
        assert found is LedgerRefusal.TRANSACTION_CONFLICT
        found = await refused(table.ask(win("w", 5, currency="USD")))
        assert found is LedgerRefusal.WRONG_CURRENCY

    async def test_reward_is_of_a_listed_game(self, table: Table) -> None:
        """As a bet is. The win of a bet is paid in any case."""
        await table.ask(bet("t", 30))
        await table.list_game("h")
        found = await refused(table.ask(win("x", 5, round_id="q", kind=WinKind.FREE)))
        assert found is LedgerRefusal.GAME_NOT_FOUND
        await table.ask(win("w", 5))

    async def test_win_names_a_bet_of_its_own_player_and_game(self, table: Table) -> None:
        """Another's stake decides nothing."""
        await table.sit(player="q", session="s-q")
        await table.ask(bet("t", 10))
        for order in (
            win("w", 5, bet_transaction_id="t", session="s-q"),
            win("w", 5, bet_transaction_id="t", game_id="h"),
        ):
            assert await refused(table.ask(order)) is LedgerRefusal.TRANSACTION_CONFLICT

    async def test_rollback_names_the_session_of_its_player(self, table: Table) -> None:
        """Or none."""
        await table.sit(player="q", session="s-q")
        await table.ask(bet("t", 10))
        found = await refused(table.ask(back("b", "t", session="s-q")))
        assert found is LedgerRefusal.TRANSACTION_CONFLICT
        found = await refused(table.ask(back("b", "t", session="none")))
        assert found is LedgerRefusal.SESSION_NOT_FOUND
        await table.ask(back("b", "t", session="s"))
        assert await table.funds() == (100, 0)

    async def test_bonus_is_ended_by_its_brand_with_one_reference(self, table: Table) -> None:
        """The same reference for the other end is a conflict."""
        bonus_id = await table.issue(50)
        order = BonusEnd(brand="c", bonus_id=bonus_id, converts=True, reference="e")
        assert await refused(table.ledger.operate(order)) is LedgerRefusal.BONUS_NOT_FOUND
        for converts in (True, True):
            order = BonusEnd(brand="b", bonus_id=bonus_id, converts=converts, reference="e")
            await table.ledger.operate(order)
        order = BonusEnd(brand="b", bonus_id=bonus_id, converts=False, reference="e")
        assert await refused(table.ledger.operate(order)) is LedgerRefusal.TRANSACTION_CONFLICT
        assert await table.funds() == (150, 0)

    async def test_nobody_pays_in_or_plays_without_an_account(self, table: Table) -> None:
        """In that currency."""
        order = Deposit(brand="b", player_id="p", currency="USD", amount_units=1, reference="d")
        assert await refused(table.ledger.operate(order)) is LedgerRefusal.PLAYER_NOT_FOUND
        assert await refused(table.begin("s3", player="x")) is LedgerRefusal.PLAYER_NOT_FOUND

    async def test_freeze_is_for_each_currency(self, table: Table) -> None:
        """Of the player."""
        await table.ledger.add_player("b", "p", "USD")
        await table.ledger.freeze("b", "p", frozen=True)
        assert [one.frozen for one in await table.ledger.players("b", "p")] == [True, True]

    async def test_bet_with_its_win_follows_the_spend_order(self, ledger: Ledger) -> None:
        """And a stake of one kind wins money of this kind."""
        table = Table(ledger, Caller("b", "acme", SpendOrder.BONUS_FIRST))
        await table.sit(100)
        await table.issue(50)
        await table.ask(bet_win(("t", 50), ("w", 80)))
        assert await table.funds() == (100, 80)

    async def test_win_that_went_back_settles_nothing(self, ledger: Ledger) -> None:
        """Its bet can go back as well."""
        table = Table(ledger, Caller("b", "acme", reverses_wins=True))
        await table.sit()
        await table.ask(bet("t", 10))
        await table.ask(win("w", 5, bet_transaction_id="t"))
        with pytest.raises(OrderRefused, match="BET_SETTLED"):
            await table.ask(back("b", "t"))
        await table.ask(back("b1", "w"))
        await table.ask(back("b2", "t"))
        assert await table.funds() == (100, 0)

    async def test_rollback_names_no_other_amount_and_currency(self, table: Table) -> None:
        """It would be about something else."""
        await table.ask(bet("t", 30))
        for changes in ({"amount_units": 29, "currency": "EUR"}, {"currency": "SEK"}):
            found = await refused(table.ask(back("b", "t", **changes)))
            assert found is LedgerRefusal.NOT_REVERSIBLE
        await table.ask(back("b", "t", amount_units=30, currency="EUR"))
        await table.ask(back("c", "gone", amount_units=30, currency="SEK"))
        await table.ask(back("d", "gone", amount_units=7, currency="EUR"))
        assert await table.funds() == (100, 0)

    async def test_time_goes_on_although_the_clock_is_behind(
        self, table: Table, place: LedgerPlace
    ) -> None:
        """A clock may be set back."""
        await place.run("UPDATE account SET at_us = 4000000000000000")
        await table.ask(bet("t", 1))
        await table.ask(bet("u", 1))
        rows = await LedgerReads(table.ledger).statement("b", "p", "EUR", 1, 10)
        assert [row.at_us for row in rows] == [4_000_000_000_000_001, 4_000_000_000_000_002]

    async def test_reference_is_for_one_kind_of_order(self, table: Table) -> None:
        """A deposit and a bonus may have the same. An end of a bonus is for one bonus."""
        references = iter(["a", "a", "e", "b", "e"])
        table.next_reference = lambda: next(references)  # type: ignore[method-assign]  # given here
        await table.deposit(10)
        first = await table.issue(10)
        await table.end_bonus(first, converts=True)
        second = await table.issue(10)
        found = await refused(table.end_bonus(second, converts=True))
        assert found is LedgerRefusal.TRANSACTION_CONFLICT
        assert await table.funds() == (120, 10)

    async def test_session_ends_with_real_and_bonus_money_of_all_kinds(self, table: Table) -> None:
        """A rollback counts for the session of its bet, also if another session is named."""
        await table.issue(50)
        await table.begin("s2")
        await table.ask(bet("t", 120))
        await table.ask(bet("u", 30, session="s2"))
        await table.ask(back("b", "u", session="s"))
        for session, net_units in (("s", -120), ("s2", 0)):
            ended = await table.ledger.end_session("b", session)
            assert ended is not None
            assert ended.net_units == net_units
