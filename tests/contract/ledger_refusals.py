"""What every ledger refuses: which rule comes first, and for which orders an id is good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.ledger.answers import Funds, LedgerRefusal, OrderRefused
from consumer.ledger.orders import LIMIT_UNITS, Caller, WinKind
from consumer.ledger.reads import LedgerReads
from tests.contract.ledger_rules import LedgerRules
from tests.support.ledger_table import Table, back, bet, bet_win, end, refused, win

if TYPE_CHECKING:
    from consumer.ledger.base import Ledger


class LedgerRefusals(LedgerRules):
    """A part of the suite."""

    async def test_closed_round_comes_before_what_is_refused_for_good(self, table: Table) -> None:
        """So the same id may bet in another round."""
        await table.ask(end("e"))
        await table.ledger.end_session("b", "s")
        assert await refused(table.ask(bet("t", 10))) is LedgerRefusal.ROUND_CLOSED
        await table.begin("s2")
        await table.ask(bet("t", 10, round_id="q", session="s2"))

    async def test_ended_session_comes_before_frozen_player_and_lack_of_money(
        self, table: Table
    ) -> None:
        """And a frozen player before a lack of money."""
        await table.ledger.freeze("b", "p", frozen=True)
        assert await refused(table.ask(bet("t", 101))) is LedgerRefusal.PLAYER_FROZEN
        await table.ledger.end_session("b", "s")
        assert await refused(table.ask(bet("u", 101))) is LedgerRefusal.SESSION_EXPIRED

    @pytest.mark.parametrize("refusal", ["WRONG_CURRENCY", "GAME_NOT_FOUND", "ROUND_CLOSED"])
    async def test_what_may_change_is_not_refused_for_good(
        self, table: Table, refusal: str
    ) -> None:
        """The id is free for a bet that can be taken."""
        await table.list_game("g")
        await table.ask(end("e", round_id="q"))
        changes = {
            "WRONG_CURRENCY": {"currency": "USD"},
            "GAME_NOT_FOUND": {"game_id": "h"},
            "ROUND_CLOSED": {"round_id": "q"},
        }[refusal]
        assert await refused(table.ask(bet("t", 10, **changes))) == refusal
        await table.ask(bet("t", 10))

    async def test_bet_with_its_win_needs_two_ids_that_are_both_new(self, table: Table) -> None:
        """Or both known."""
        await table.ask(bet_win(("t", 10), ("w", 5)))
        for staked, won in ((("u", 10), ("u", 5)), (("t", 10), ("x", 5)), (("u", 10), ("w", 5))):
            found = await refused(table.ask(bet_win(staked, won)))
            assert found is LedgerRefusal.TRANSACTION_CONFLICT
        assert await table.funds() == (95, 0)

    async def test_refused_bet_takes_its_win_with_it(self, table: Table) -> None:
        """Neither id is free for something else."""
        await refused(table.ask(bet_win(("t", 101), ("w", 5))))
        for order in (bet("t", 1), win("w", 5, kind=WinKind.FREE)):
            assert await refused(table.ask(order)) is LedgerRefusal.TRANSACTION_CONFLICT
        await table.ask(back("b", "w"))
        assert await table.funds() == (100, 0)

    async def test_bet_whose_win_cannot_be_held_is_not_taken(self, table: Table) -> None:
        """Its stake was booked already, and is undone."""
        await table.deposit(LIMIT_UNITS - 200)
        found = await refused(table.ask(bet_win(("t", 1), ("w", LIMIT_UNITS - 1))))
        assert found is LedgerRefusal.BAD_AMOUNT
        assert await table.funds() == (LIMIT_UNITS - 100, 0)
        assert await LedgerReads(table.ledger).open_rounds("b", 2**62, 10) == []
        await table.ask(bet("t", 1))

    async def test_amount_does_not_matter_to_what_is_not_known(self, table: Table) -> None:
        """Nor if the rollback comes again."""
        await table.ask(back("b1", "t", amount_units=5))
        (again,) = await table.ask(back("b2", "t", amount_units=7))
        assert again.replayed

    async def test_amount_matters_to_what_went_back(self, table: Table) -> None:
        """As before."""
        await table.ask(bet("t", 10))
        await table.ask(back("b1", "t", amount_units=10))
        found = await refused(table.ask(back("b2", "t", amount_units=9)))
        assert found is LedgerRefusal.NOT_REVERSIBLE

    async def test_id_of_a_rollback_is_for_one_bet(self, table: Table) -> None:
        """And not for a win that names the bet, or for what went back before it came."""
        await table.ask(bet("t", 10))
        await table.ask(win("w", 5, bet_transaction_id="t"))
        await table.ask(back("b", "u"))
        for order, refusal in (
            (back("w", "t"), LedgerRefusal.TRANSACTION_CONFLICT),
            (back("b", "t"), LedgerRefusal.TRANSACTION_CONFLICT),
            (back("x", "x"), LedgerRefusal.TRANSACTION_CONFLICT),
            (back("u", "t"), LedgerRefusal.ROLLED_BACK),
        ):
            assert await refused(table.ask(order)) is refusal

    async def test_rollback_of_what_moved_nothing_is_refused(self, table: Table) -> None:
        """The end of a round, and the rollback of a refused bet."""
        await table.ask(end("e"))
        await refused(table.ask(bet("t", 101, round_id="q")))
        await table.ask(back("b", "t"))
        for given in ("e", "b"):
            found = await refused(table.ask(back(f"b-{given}", given)))
            assert found is LedgerRefusal.NOT_REVERSIBLE

    async def test_buried_bet_belongs_to_the_player_whose_session_was_named(
        self, table: Table
    ) -> None:
        """Nobody else's session can be named for it."""
        await table.sit(player="q", session="s-q")
        (first,) = await table.ask(back("b1", "t", session="s"))
        assert first.balance_after_units == 100
        found = await refused(table.ask(back("b2", "t", session="s-q")))
        assert found is LedgerRefusal.TRANSACTION_CONFLICT

    async def test_freeze_is_for_the_player_of_this_brand(self, table: Table) -> None:
        """Another brand's player of this name plays on, and other players do."""
        other = Table(table.ledger, Caller("c", "acme"))
        await other.sit(session="s-c")
        await table.sit(player="q", session="s-q")
        await table.ledger.freeze("b", "p", frozen=True)
        await other.ask(bet("t", 1, session="s-c"))
        await table.ask(bet("u", 1, session="s-q"))

    async def test_games_are_listed_for_their_provider(self, table: Table) -> None:
        """Another provider's list says nothing, neither that a game is good nor that it is not."""
        await table.list_game("h", provider="other")
        await table.ask(bet("t", 1))
        await table.list_game("g")
        await table.ask(bet("u", 1))
        assert await refused(table.ask(bet("v", 1, game_id="h"))) is LedgerRefusal.GAME_NOT_FOUND

    async def test_win_comes_again_with_the_bet_that_it_named(self, table: Table) -> None:
        """Another bet, or none, is another content."""
        await table.ask(bet("t", 10))
        await table.ask(bet("u", 10))
        await table.ask(win("w", 5, bet_transaction_id="t"))
        for named in ("u", None):
            found = await refused(table.ask(win("w", 5, bet_transaction_id=named)))
            assert found is LedgerRefusal.TRANSACTION_CONFLICT

    async def test_win_names_a_bet_also_if_it_needs_none(self, table: Table) -> None:
        """What it names has to be a bet, and may not have gone back."""
        await table.ask(bet("t", 10))
        await table.ask(win("w", 5))
        await table.ask(back("b", "u"))
        for named, refusal in (
            ("none", LedgerRefusal.BET_NOT_FOUND),
            ("w", LedgerRefusal.BET_NOT_FOUND),
            ("b", LedgerRefusal.BET_NOT_FOUND),
            ("u", LedgerRefusal.ROLLED_BACK),
        ):
            order = win("x", 5, bet_transaction_id=named, kind=WinKind.FREE)
            assert await refused(table.ask(order)) is refusal

    async def test_bet_of_a_frozen_player_or_an_ended_session_is_refused_for_ever(
        self, table: Table
    ) -> None:
        """Whatever changes."""
        await table.ledger.freeze("b", "p", frozen=True)
        await refused(table.ask(bet("t", 1)))
        await table.ledger.freeze("b", "p", frozen=False)
        await table.ledger.end_session("b", "s")
        await refused(table.ask(bet("u", 1)))
        await table.begin("s2")
        for number, refusal in (("t", "PLAYER_FROZEN"), ("u", "SESSION_EXPIRED")):
            assert await refused(table.ask(bet(number, 1, session="s2"))) == refusal

    async def test_rollback_is_never_rolled_back(self, ledger: Ledger) -> None:
        """Nor where wins are."""
        table = Table(ledger, Caller("b", "acme", reverses_wins=True))
        await table.sit()
        await table.ask(bet("t", 10))
        await table.ask(back("b", "t"))
        assert await refused(table.ask(back("c", "b"))) is LedgerRefusal.NOT_REVERSIBLE
        assert await table.funds() == (100, 0)

    async def test_first_rollback_answers_for_all(self, table: Table) -> None:
        """Whatever their ids, also when they come again."""
        await table.ask(bet("t", 10))
        (first,) = await table.ask(back("b5", "t"))
        for number in ("b9", "b1", "b3", "b1", "b9", "b5"):
            (again,) = await table.ask(back(number, "t"))
            assert (again.ledger_id, again.replayed) == (first.ledger_id, True)

    async def test_balance_after_is_real_and_bonus_money(self, table: Table) -> None:
        """In the first answer, in a later one, and of a rollback."""
        await table.issue(50)
        for order in (bet("t", 10), bet("t", 10)):
            (booked,) = await table.ask(order)
            assert booked.balance_after_units == 140
        (booked,) = await table.ask(back("b", "t"))
        assert booked.balance_after_units == 150

    async def test_pair_that_is_the_only_bet_of_a_round_with_another_win_stays(
        self, table: Table
    ) -> None:
        """As another bet would. Otherwise the player keeps a win without a stake."""
        await table.ask(bet_win(("t", 10), ("w", 0)))
        await table.ask(win("x", 50))
        assert await refused(table.ask(back("b", "t"))) is LedgerRefusal.BET_SETTLED

    async def test_conflict_shows_the_balance_of_the_session_that_is_named(
        self, table: Table
    ) -> None:
        """And not that of another player, to whom the id of the rollback belongs."""
        await table.sit(7, player="q", session="s-q")
        await table.ask(bet("t", 10))
        with pytest.raises(OrderRefused, match="TRANSACTION_CONFLICT") as caught:
            await table.ask(back("t", "unknown", session="s-q"))
        assert caught.value.now == Funds("EUR", 7, 0)

    async def test_stakes_of_a_round_that_cannot_be_added_up_are_refused(
        self, table: Table
    ) -> None:
        """As amounts are that cannot be held. The database's own error is no answer."""
        units = LIMIT_UNITS - 200
        await table.deposit(units)
        for number in range(9):
            await table.ask(bet(f"t{number}", units))
            await table.ask(win(f"w{number}", units))
        assert await refused(table.ask(bet("t", units))) is LedgerRefusal.BAD_AMOUNT
