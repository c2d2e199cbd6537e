"""What every ledger keeps apart: the same round and the same ids elsewhere change nothing here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from consumer.ledger.answers import LedgerRefusal
from consumer.ledger.orders import Caller, SpendOrder, WinKind
from tests.contract.ledger_rules import LedgerRules
from tests.support.ledger_table import Table, back, bet, bet_win, end, refused, win

if TYPE_CHECKING:
    from consumer.ledger.base import Ledger


class Elsewhere(NamedTuple):
    """A place that differs from the usual one: the fields of its orders, and its player."""

    table: Table
    fields: dict[str, str]
    player: str


OTHERS: Final = {
    "brand": ("c", "acme", "p", "g"),
    "provider": ("b", "other", "p", "g"),
    "player": ("b", "acme", "q", "g"),
    "game": ("b", "acme", "p", "h"),
}


class LedgerPlaces(LedgerRules):
    """A part of the suite. Here are the bets `t` and the wins `w`, elsewhere `u` and `x`."""

    @pytest.fixture
    async def here(self, ledger: Ledger) -> Table:
        """Return a player with 100 units, who spends bonus money first."""
        here = Table(ledger, Caller("b", "acme", SpendOrder.BONUS_FIRST))
        await here.sit()
        return here

    @pytest.fixture(params=OTHERS)
    async def elsewhere(self, request: pytest.FixtureRequest, here: Table) -> Elsewhere:
        """Return a place that differs in one thing, where the player has 100 units as well."""
        brand, provider, player, game = OTHERS[request.param]
        table = Table(here.ledger, Caller(brand, provider, SpendOrder.BONUS_FIRST))
        await table.sit(100 if (brand, player) != ("b", "p") else 0, player=player, session="s2")
        return Elsewhere(table, {"session": "s2", "game_id": game}, player)

    @pytest.fixture(params=["brand", "provider"])
    async def twin(self, request: pytest.FixtureRequest, here: Table) -> Table:
        """Return where the same ids are others: at another brand, at another provider."""
        brand, provider, *_ = OTHERS[request.param]
        table = Table(here.ledger, Caller(brand, provider, SpendOrder.BONUS_FIRST))
        await table.sit(session="s2")
        return table

    async def test_round_that_was_closed_elsewhere_is_open_here(
        self, here: Table, elsewhere: Elsewhere
    ) -> None:
        """By a win, and by a message."""
        there = elsewhere.fields
        await elsewhere.table.ask(win("x", 5, kind=WinKind.FREE, round_end=True, **there))
        await elsewhere.table.ask(end("e", round_id="q", **there))
        await here.ask(bet("t", 10))
        await here.ask(bet("t2", 10, round_id="q"))
        found = await refused(elsewhere.table.ask(bet("u", 1, **there)))
        assert found is LedgerRefusal.ROUND_CLOSED

    async def test_stake_from_elsewhere_wins_nothing_here(
        self, here: Table, elsewhere: Elsewhere
    ) -> None:
        """The round has no bet here."""
        await elsewhere.table.ask(bet("u", 10, **elsewhere.fields))
        assert await refused(here.ask(win("w", 5))) is LedgerRefusal.BET_NOT_FOUND

    async def test_bet_from_elsewhere_is_no_second_bet_here(
        self, here: Table, elsewhere: Elsewhere
    ) -> None:
        """The only bet of a round with a win stays."""
        await here.ask(bet("t", 10))
        await elsewhere.table.ask(bet("u", 10, **elsewhere.fields))
        await here.ask(win("w", 5))
        assert await refused(here.ask(back("b", "t"))) is LedgerRefusal.BET_SETTLED

    async def test_win_from_elsewhere_settles_nothing_here(
        self, here: Table, elsewhere: Elsewhere
    ) -> None:
        """The only bet of a round goes back."""
        await here.ask(bet("t", 10))
        await elsewhere.table.ask(bet("u", 10, **elsewhere.fields))
        await elsewhere.table.ask(win("x", 5, **elsewhere.fields))
        (booked,) = await here.ask(back("b", "t"))
        assert booked.amount_units == 10

    async def test_rollback_from_elsewhere_leaves_the_bets_here(
        self, here: Table, elsewhere: Elsewhere
    ) -> None:
        """A win pays them."""
        await here.ask(bet("t", 10))
        await elsewhere.table.ask(bet("u", 10, **elsewhere.fields))
        await elsewhere.table.ask(back("b", "u"))
        (booked,) = await here.ask(win("w", 5))
        assert booked.amount_units == 5

    async def test_bonus_from_elsewhere_wins_nothing_here(
        self, here: Table, elsewhere: Elsewhere
    ) -> None:
        """The stake here was of a bonus that was converted, the stake elsewhere of a later one."""
        bonus_id = await here.issue(10)
        await here.ask(bet("t", 10))
        await here.end_bonus(bonus_id, converts=True)
        await elsewhere.table.issue(20, elsewhere.player)
        await elsewhere.table.ask(bet("u", 20, **elsewhere.fields))
        await here.ask(win("w", 5))
        assert await here.funds() == (105, 0)

    async def test_bonus_of_another_round_wins_nothing_in_this_round(self, here: Table) -> None:
        """The same with two rounds."""
        bonus_id = await here.issue(10)
        await here.ask(bet("t", 10))
        await here.end_bonus(bonus_id, converts=True)
        await here.issue(20)
        await here.ask(bet("u", 20, round_id="q"))
        await here.ask(win("w", 5))
        assert await here.funds() == (105, 0)

    async def test_same_id_elsewhere_is_another_order(self, here: Table, twin: Table) -> None:
        """Its rollback is another rollback, and its bet stays."""
        (first,) = await here.ask(bet("t", 10))
        (second,) = await twin.ask(bet("t", 20, session="s2"))
        await here.ask(back("b", "t"))
        (again,) = await twin.ask(bet("t", 20, session="s2"))
        assert (again.ledger_id, again.replayed) == (second.ledger_id, True)
        assert second.ledger_id != first.ledger_id
        (booked,) = await twin.ask(back("b", "t"))
        assert (booked.amount_units, booked.replayed) == (20, False)

    async def test_win_that_names_the_same_id_elsewhere_settles_nothing_here(
        self, here: Table, twin: Table
    ) -> None:
        """It names another bet."""
        await here.ask(bet("t", 10))
        await twin.ask(bet("t", 10, session="s2"))
        await twin.ask(win("w", 5, bet_transaction_id="t", session="s2"))
        (booked,) = await here.ask(back("b", "t"))
        assert booked.amount_units == 10

    async def test_halves_of_a_pair_elsewhere_stay(self, here: Table, twin: Table) -> None:
        """The pairs have the same ids."""
        await here.ask(bet_win(("t", 10), ("w", 5)))
        await twin.ask(bet_win(("t", 20), ("w", 50), session="s2"))
        await here.ask(back("b", "t"))
        (row,) = [row for row in await here.outbox() if row.kind == "ROLLBACK"]
        moved = (row.real_units, row.reversed_real_units, row.pair_real_units)
        assert moved == (5, -10, 5)

    @pytest.mark.usefixtures("twin")
    async def test_session_of_another_provider_cannot_be_named(self, here: Table) -> None:
        """By any order."""
        await here.ask(bet("t", 10))
        for order in (
            bet("u", 1, session="s2"),
            win("w", 1, session="s2"),
            bet_win(("u", 1), ("w", 1), session="s2"),
            end("e", session="s2"),
            back("b", "t", session="s2"),
            back("b", "unknown", session="s2"),
        ):
            assert await refused(here.ask(order)) is LedgerRefusal.SESSION_NOT_FOUND
