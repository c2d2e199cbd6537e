"""Stories of one player: whatever is asked in whatever order, the money is where it should be.

After each step the answer and the balances are those of `ReferenceWallet`. At the end the books are
recomputed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from consumer.ledger.answers import OrderRefused
from consumer.ledger.orders import (
    Bet,
    BetWin,
    BonusEnd,
    BonusIssue,
    Caller,
    Deposit,
    Rollback,
    RoundEnd,
    Win,
    WinKind,
)
from consumer.ledger.shown import PlayedSession
from tests.support.ledgers import PostgresPlace, SqlitePlace, faults_of
from tests.support.reference_wallet import ReferenceWallet, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from consumer.ledger.base import Ledger
    from consumer.ledger.orders import Callback
    from tests.support.ledgers import LedgerPlace

CALLER: Final = Caller("b", "acme")
FOR_EVER_S: Final = 4e9
IDS: Final = st.sampled_from([f"t{number}" for number in range(8)])
ROUNDS: Final = st.sampled_from(["r1", "r2"])
AMOUNTS: Final = st.sampled_from([0, 1, 5, 7, 30, 100])


class Stories(RuleBasedStateMachine):
    """One player in one game. Ids are few, so that they come again."""

    ledger: Ledger
    run: Callable[[Coroutine[Any, Any, Any]], Any]
    players_count = 0

    @initialize()
    def begin(self) -> None:
        """Open an account, and play."""
        Stories.players_count += 1
        self.player_id = f"p{Stories.players_count}"
        self.caller = Caller("b", f"acme-{self.player_id}")
        self.references = 0
        self.reference = ReferenceWallet()
        self.run(self.ledger.add_player("b", self.player_id, "EUR"))
        self.new_session()

    def new_session(self) -> None:
        """Begin another session."""
        self.references += 1
        self.session = f"{self.player_id}-{self.references}"
        begun = PlayedSession(
            session=self.session, brand="b", provider=self.caller.provider, expires_s=FOR_EVER_S
        )
        self.run(self.ledger.add_session(begun, self.player_id, "EUR"))
        self.reference.has_ended = False

    def both(self, order: Callback, expected: Callable[[], None]) -> None:
        """Ask the ledger and the reference. They have to agree."""
        wanted = found = None
        try:
            expected()
        except Refused as error:
            wanted = error.refusal
        try:
            self.run(self.ledger.call_back(self.caller, order))
        except OrderRefused as error:
            found = error.refusal
        assert found is wanted, order

    @rule(number=IDS, round_id=ROUNDS, units=AMOUNTS)
    def bet(self, number: str, round_id: str, units: int) -> None:
        """Bet."""
        order = Bet(
            transaction_id=number, session=self.session, round_id=round_id, game_id="g",
            amount_units=units, currency="EUR",
        )  # fmt: skip
        self.both(order, lambda: self.reference.bet(order))

    @rule(
        number=IDS,
        round_id=ROUNDS,
        units=AMOUNTS,
        bet=st.one_of(st.none(), IDS),
        kind=st.one_of(st.none(), st.just(WinKind.FREE)),
        ends=st.booleans(),
    )
    def win(
        self, number: str, round_id: str, units: int, bet: str | None,
        kind: WinKind | None, *, ends: bool,
    ) -> None:  # fmt: skip
        """Win."""
        order = Win(
            transaction_id=number, session=self.session, round_id=round_id, game_id="g",
            amount_units=units, currency="EUR", bet_transaction_id=bet, kind=kind, round_end=ends,
        )  # fmt: skip
        self.both(order, lambda: self.reference.win(order))

    @rule(bet=IDS, win=IDS, round_id=ROUNDS, staked=AMOUNTS, won=AMOUNTS)
    def bet_win(self, bet: str, win: str, round_id: str, staked: int, won: int) -> None:
        """Bet and win at once."""
        if bet == win:
            return
        order = BetWin(
            bet_transaction_id=bet, win_transaction_id=win, bet_units=staked, win_units=won,
            session=self.session, round_id=round_id, game_id="g", currency="EUR",
        )  # fmt: skip
        self.both(order, lambda: self.reference.bet_win(order))

    @rule(number=IDS, given=IDS)
    def roll_back(self, number: str, given: str) -> None:
        """Roll back."""
        if number == given:
            return
        order = Rollback(transaction_id=number, reference_transaction_id=given)
        self.both(order, lambda: self.reference.roll_back(order))

    @rule(number=IDS, round_id=ROUNDS)
    def end_round(self, number: str, round_id: str) -> None:
        """Close a round."""
        order = RoundEnd(
            transaction_id=number, session=self.session, round_id=round_id, game_id="g"
        )
        self.both(order, lambda: self.reference.end_round(number, round_id))

    @rule(units=st.sampled_from([1, 50]))
    def deposit(self, units: int) -> None:
        """Pay in, twice with the same reference."""
        self.references += 1
        order = Deposit(
            brand="b", player_id=self.player_id, currency="EUR", amount_units=units,
            reference=f"{self.player_id}-{self.references}",
        )  # fmt: skip
        first = self.run(self.ledger.operate(order))
        assert self.run(self.ledger.operate(order)).ledger_id == first.ledger_id
        self.reference.real += units

    @rule(units=st.sampled_from([3, 50]))
    def issue_bonus(self, units: int) -> None:
        """Give a bonus, if there is none."""
        if self.reference.active:
            return
        self.references += 1
        order = BonusIssue(
            brand="b", player_id=self.player_id, currency="EUR", amount_units=units,
            reference=f"{self.player_id}-{self.references}",
        )  # fmt: skip
        self.reference.active = self.run(self.ledger.operate(order)).ledger_id
        self.reference.bonus += units

    @rule(converts=st.booleans())
    def end_bonus(self, *, converts: bool) -> None:
        """End the bonus, if there is one."""
        if not self.reference.active:
            return
        self.references += 1
        order = BonusEnd(
            brand="b", bonus_id=self.reference.active, converts=converts,
            reference=f"{self.player_id}-{self.references}",
        )  # fmt: skip
        self.run(self.ledger.operate(order))
        self.reference.end_bonus(converts=converts)

    @rule(frozen=st.booleans())
    def freeze(self, *, frozen: bool) -> None:
        """Freeze the player, or not."""
        self.run(self.ledger.freeze("b", self.player_id, frozen=frozen))
        self.reference.frozen = frozen

    @rule(begins=st.booleans())
    def end_session(self, *, begins: bool) -> None:
        """End the session, and perhaps begin another."""
        self.run(self.ledger.end_session("b", self.session))
        self.reference.has_ended = True
        if begins:
            self.new_session()

    @invariant()
    def balances_are_those_of_the_reference(self) -> None:
        """After each step."""
        (player,) = self.run(self.ledger.players("b", self.player_id))
        found = (player.funds.real_units, player.funds.bonus_units)
        assert found == (self.reference.real, self.reference.bonus)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> LedgerPlace:
    """Return each kind of database."""
    if request.param == "sqlite":
        return SqlitePlace(tmp_path / "wallet.db")
    return PostgresPlace(request.getfixturevalue("postgres_url"))


def test_stories(place: LedgerPlace) -> None:
    """Many of them in one ledger, whose books fit at the end."""
    ledger = place.make()
    with asyncio.Runner() as runner:
        runner.run(ledger.open())
        Stories.ledger, Stories.run = ledger, staticmethod(runner.run)
        run_state_machine_as_test(Stories)
        assert runner.run(faults_of(ledger)) == []
        runner.run(ledger.close())
        runner.run(place.delete())
