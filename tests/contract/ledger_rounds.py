"""What every ledger keeps of a round: its bets and wins, and whose money wins in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.ledger.answers import LedgerRefusal
from consumer.ledger.orders import Caller, SpendOrder, WinKind
from consumer.ledger.reads import LedgerReads
from tests.contract.ledger_rules import LedgerRules
from tests.support.ledger_table import Table, back, bet, bet_win, end, refused, win

if TYPE_CHECKING:
    from consumer.ledger.base import Ledger


class LedgerRounds(LedgerRules):
    """A part of the suite."""

    async def test_bet_with_its_win_closes_its_round(self, table: Table) -> None:
        """If it says so."""
        await table.ask(bet_win(("t", 10), ("w", 5)))
        await table.ask(bet_win(("u", 10), ("x", 5), round_end=True))
        assert await refused(table.ask(bet("v", 1))) is LedgerRefusal.ROUND_CLOSED

    async def test_later_win_leaves_its_round_closed(self, table: Table) -> None:
        """Whether a win or a message has closed it."""
        for number, round_id in enumerate(("r", "q")):
            await table.ask(bet(f"t{number}", 10, round_id=round_id))
        await table.ask(win("w", 0, round_end=True))
        await table.ask(end("e", round_id="q"))
        for number, round_id in enumerate(("r", "q")):
            await table.ask(win(f"x{number}", 5, round_id=round_id))
            found = await refused(table.ask(bet(f"u{number}", 1, round_id=round_id)))
            assert found is LedgerRefusal.ROUND_CLOSED

    async def test_round_counts_its_live_bets_and_wins(self, ledger: Ledger) -> None:
        """Those of a pair, and rewards too. What goes back is not counted any more."""
        table = Table(ledger, Caller("b", "acme", reverses_wins=True))
        await table.sit()
        reads = LedgerReads(ledger)
        seen = []
        for order in (
            win("x", 1, kind=WinKind.JACKPOT), bet("t", 10), bet_win(("u", 20), ("w", 5)),
            win("y", 1), back("b1", "u"), back("b2", "y"), back("b3", "x"), back("b4", "t"),
        ):  # fmt: skip
            await table.ask(order)
            (found,) = await reads.open_rounds("b", 2**62, 10)
            seen.append((found.bets_count, found.live_bets_count, found.live_wins_count))
        assert seen == [
            *((0, 0, 1), (1, 1, 1), (2, 2, 2), (2, 2, 3)),
            *((2, 1, 2), (2, 1, 1), (2, 1, 0), (2, 0, 0)),
        ]

    @pytest.mark.parametrize(("gone", "left"), [("t", (10, 100)), ("u", (100, 10))])
    async def test_stake_that_went_back_wins_nothing(
        self, ledger: Ledger, gone: str, left: tuple[int, int]
    ) -> None:
        """Of a stake in real money and a stake in bonus money, the other wins all."""
        table = Table(ledger)
        await table.sit(10)
        await table.issue(10)
        await table.ask(bet("t", 10))
        await table.ask(bet("u", 10))
        await table.ask(back("b", gone))
        await table.ask(win("w", 100))
        assert await table.funds() == left

    async def test_stakes_of_a_round_win_in_their_proportion(self, table: Table) -> None:
        """All of them together, and for a named bet its own."""
        await table.issue(50)
        await table.ask(bet("t", 60))
        await table.ask(bet("u", 60))
        await table.ask(win("w", 120))
        assert await table.funds() == (100, 30 + 20)
        await table.ask(win("x", 60, bet_transaction_id="u"))
        assert await table.funds() == (100 + 40, 50 + 20)

    async def test_bonus_wins_what_its_own_money_was_staked_for(self, table: Table) -> None:
        """A later bonus wins nothing with real money, although it is active."""
        await table.ask(bet("s", 100, round_id="q"))
        first = await table.issue(10)
        await table.ask(bet("t", 10))
        await table.end_bonus(first, converts=False)
        await table.deposit(10)
        await table.issue(10)
        await table.ask(bet("u", 10))
        await table.ask(win("w", 20))
        assert await table.funds() == (10, 10)

    async def test_win_without_a_share_of_the_bonus_names_no_bonus(self, table: Table) -> None:
        """Nor does a bet without bonus money, although a bonus is active."""
        bonus_id = await table.issue(50)
        await table.ask(bet("t", 99))
        await table.ask(bet("u", 2))
        await table.ask(win("w", 101))
        await table.ask(win("x", 100))
        rows = {row.external_id: row.bonus_id for row in await table.outbox()}
        assert [rows[number] for number in "tuwx"] == [None, bonus_id, bonus_id, None]

    async def test_newest_bonus_of_a_round_gets_the_share(self, ledger: Ledger) -> None:
        """The whole share."""
        table = Table(ledger, Caller("b", "acme", SpendOrder.BONUS_FIRST))
        await table.sit(0)
        first = await table.issue(10)
        await table.ask(bet("t", 10))
        await table.end_bonus(first, converts=True)
        await table.issue(10)
        await table.ask(bet("u", 10))
        await table.ask(win("w", 100))
        assert await table.funds() == (0, 100)

    async def test_reward_goes_back_to_the_pool(self, ledger: Ledger) -> None:
        """Where wins go back."""
        table = Table(ledger, Caller("b", "acme", reverses_wins=True))
        await table.sit()
        await table.ask(win("x", 5, kind=WinKind.FREE))
        await table.ask(back("b", "x"))
        assert await table.sums() == {"PROMO_POOL": 0, "REAL": 100, "SYSTEM": -100}

    @pytest.mark.parametrize("given", ["t", "w"])
    async def test_outbox_tells_both_halves_that_went_back(self, table: Table, given: str) -> None:
        """Under the bet, whichever half was named."""
        bet_booked, win_booked = await table.ask(bet_win(("t", 30), ("w", 50)))
        await table.ask(bet("u", 1))
        await table.ask(win("x", 5, bet_transaction_id=None))
        await table.ask(back("b", given))
        row = (await table.outbox())[-1]
        assert (row.reversed_id, row.pair_id) == (bet_booked.ledger_id, win_booked.ledger_id)
        assert (row.reversed_kind, row.round_id, row.game_id) == ("BET", "r", "g")
        assert (row.reversed_real_units, row.pair_real_units) == (-30, 50)
