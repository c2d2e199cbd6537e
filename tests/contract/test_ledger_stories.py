"""Stories: whatever is asked in whatever order, the money is where it should be.

After each step the answer and the balances are those of `ReferenceWallet`. At the end of a story so
are the sums of all accounts and the rows of the outbox, and at the end of all stories the books are
recomputed.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

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
    SpendOrder,
    Win,
    WinKind,
)
from consumer.ledger.shown import EndedSession, PlayedSession
from tests.support.ledgers import PostgresPlace, SqlitePlace, faults_of
from tests.support.reference_wallet import Account, ReferenceWallet, Session
from tests.support.story_draws import (
    AMOUNT_OR_NONE,
    ANY,
    CHANGE,
    ENDS,
    FIRST,
    GIVEN,
    ID,
    IS_FIRST,
    OTHERS,
    PLACE,
    PLACES,
    REFERENCE,
    SELDOM,
    UNITS,
    Place,
    Seat,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from consumer.ledger.answers import Booked
    from consumer.ledger.base import Ledger
    from consumer.ledger.orders import Callback, OperatorOrder
    from tests.support.ledgers import LedgerPlace

FOR_EVER_S: Final = 4e9
STEPS_COUNT: Final = 70
"""The length of a story. Half of the steps of a story are refused, or repeat a step."""
ACCOUNTS: Final = """
    SELECT brand, player_id, currency, real, bonus, frozen FROM account WHERE brand IN ($1, $2)"""
SUMS: Final = """
    SELECT e.name, sum(e.amount) FROM entry AS e JOIN transactions AS t ON t.id = e.transaction_id
    WHERE t.brand IN ($1, $2) GROUP BY e.name"""


after_play: Final = precondition(lambda machine: machine.played)
now_and_then: Final = precondition(lambda machine: machine.ids_count % 4 == 3)
"""For rules that otherwise would leave nothing to play with."""


class Stories(RuleBasedStateMachine):
    """Players in games of providers. Ids and rounds are few, so that they come again."""

    ledger: Ledger
    run: Callable[[Coroutine[Any, Any, Any]], Any]
    stories_count = 0

    @initialize(
        other=st.sampled_from(OTHERS), spend_order=st.sampled_from(SpendOrder),
        reverses_wins=st.booleans(),
    )  # fmt: skip
    def begin(self, other: Seat, spend_order: SpendOrder, *, reverses_wins: bool) -> None:
        """Open the accounts, with some money, and play."""
        Stories.stories_count += 1
        self.reference = ReferenceWallet()
        self.seats = {True: self.own(FIRST), False: self.own(other)}
        self.brands = [seat.brand for seat in self.seats.values()]
        self.callers = {
            is_first: Caller(seat.brand, seat.provider, spend_order, reverses_wins)
            for is_first, seat in self.seats.items()
        }
        self.sessions: dict[bool, str] = {}
        self.sent: list[tuple[Caller, Callback]] = []
        self.ledger_ids: dict[int, int] = {}
        self.ids_count = self.rounds_count = 0
        self.played: list[str] = []
        self.last = PLACES[0]
        for is_first, seat in self.seats.items():
            self.run(self.ledger.add_player(*seat.owner))
            self.reference.accounts.setdefault(seat.owner, Account(*seat.owner))
            self.begin_session(is_first=is_first)
            for kind in (Deposit, BonusIssue):
                self.put_in(kind, 40, f"d{is_first}", is_first=is_first)

    def own(self, seat: Seat) -> Seat:
        """Return a seat of this story: no other story has its brand."""
        return seat._replace(brand=f"{seat.brand}{Stories.stories_count}")

    def begin_session(self, *, is_first: bool) -> None:
        """Begin another session at a seat."""
        seat = self.seats[is_first]
        begun = PlayedSession(
            session=f"{seat.brand}-{len(self.reference.sessions)}", brand=seat.brand,
            provider=seat.provider, expires_s=FOR_EVER_S,
        )  # fmt: skip
        self.run(self.ledger.add_session(begun, seat.player_id, seat.currency))
        owner = self.reference.accounts[seat.owner]
        self.reference.sessions[begun.session] = Session(begun.provider, owner)
        self.sessions[is_first] = begun.session

    def id(self, ago: int) -> str:
        """Return a new id, or one of the ids before."""
        self.ids_count += ago == 0
        return f"t{self.ids_count - ago}"

    def given(self, ago: int) -> str:
        """Return the id that an order names besides its own.

        It is that of a bet or a win. -1 stands for an id that will come, -2 for that of the order
        before, and all others for the order's own id.
        """
        if 0 < ago <= len(self.played):
            return self.played[-ago]
        return f"t{self.ids_count + {-1: 1, -2: -1}.get(ago, 0)}"

    def at(self, place: Place | None) -> dict[str, str]:
        """Return the fields of an order that say where it is played."""
        self.last = place or self.last
        return {
            "session": self.sessions[self.last.is_first],
            "round_id": f"r{self.rounds_count - self.last.rounds_ago}",
            "game_id": self.last.game_id,
            "currency": self.last.currency or self.seats[self.last.is_first].currency,
        }

    def send(self, order: Callback) -> None:
        """Send what a game asks, and remember it."""
        caller = self.callers[self.last.is_first]
        self.sent.append((caller, order))
        self.rounds_count += isinstance(order, RoundEnd) or getattr(order, "round_end", False)
        self.both(caller, order)

    def both(self, caller: Caller, order: Callback | OperatorOrder) -> None:
        """Ask the ledger and the reference. They have to agree."""
        try:
            wanted = self.reference.ask(caller, order)
        except OrderRefused as refusal:
            self.expect(refusal, self.ask_ledger(caller, order))
            return
        for one, found in zip(wanted, self.run(self.ask_ledger(caller, order)), strict=True):
            ledger_id = self.ledger_ids.setdefault(one.ledger_id, found.ledger_id)
            assert found == replace(one, ledger_id=ledger_id)

    def expect(self, wanted: OrderRefused, asked: Coroutine[Any, Any, Any]) -> None:
        """Ask the ledger for what the reference refuses."""
        with pytest.raises(OrderRefused) as caught:
            self.run(asked)
        assert caught.value.refusal is wanted.refusal
        assert wanted.now in (None, caught.value.now)

    async def ask_ledger(self, caller: Caller, order: Callback | OperatorOrder) -> Sequence[Booked]:
        """Ask the ledger. It has numbers of its own."""
        match order:
            case BonusEnd():
                ledger_id = self.ledger_ids[order.bonus_id]
                return [await self.ledger.operate(replace(order, bonus_id=ledger_id))]
            case Deposit() | BonusIssue():
                return [await self.ledger.operate(order)]
            case _:
                return await self.ledger.call_back(caller, order)

    @rule(ago=ID, place=PLACE, units=UNITS)
    def bet(self, ago: int, place: Place | None, units: int) -> None:
        """Bet."""
        order = Bet(transaction_id=self.id(ago), amount_units=units, **self.at(place))
        self.played.append(order.transaction_id)
        self.send(order)

    @after_play
    @rule(
        ago=ID, place=PLACE, units=UNITS, bet=st.sampled_from([*[None] * 6, 1, 1, 2, 3, -1]),
        kind=st.sampled_from([None, None, None, *WinKind]), ends=ENDS,
    )  # fmt: skip
    def win(
        self, ago: int, place: Place | None, units: int, bet: int | None,
        kind: WinKind | None, *, ends: bool,
    ) -> None:  # fmt: skip
        """Win."""
        order = Win(
            transaction_id=self.id(ago), amount_units=units, kind=kind, round_end=ends,
            bet_transaction_id=None if bet is None else self.given(bet), **self.at(place),
        )  # fmt: skip
        self.played.append(order.transaction_id)
        self.send(order)

    @rule(bet=ID, win=ID, place=PLACE, staked=UNITS, won=UNITS, ends=ENDS)
    def bet_win(
        self, bet: int, win: int, place: Place | None, staked: int, won: int, *, ends: bool
    ) -> None:
        """Bet and win at once."""
        order = BetWin(
            bet_transaction_id=self.id(bet), win_transaction_id=self.id(win), bet_units=staked,
            win_units=won, round_end=ends, **self.at(place),
        )  # fmt: skip
        self.played += [order.bet_transaction_id, order.win_transaction_id]
        self.send(order)

    @after_play
    @rule(
        ago=ID, given=GIVEN, in_session=st.sampled_from([None] * 6 + [True, False]),
        amount=AMOUNT_OR_NONE,
    )  # fmt: skip
    def roll_back(
        self, ago: int, given: int, amount: dict[str, Any], *, in_session: bool | None
    ) -> None:
        """Roll back, and perhaps name an amount or the session of a seat."""
        order = Rollback(
            transaction_id=self.id(ago), reference_transaction_id=self.given(given),
            session=None if in_session is None else self.sessions[in_session], **amount,
        )  # fmt: skip
        self.send(order)

    @now_and_then
    @rule(ago=ID, place=PLACE)
    def end_round(self, ago: int, place: Place | None) -> None:
        """Close a round."""
        fields = self.at(place)
        del fields["currency"]
        self.send(RoundEnd(transaction_id=self.id(ago), **fields))

    @precondition(lambda self: self.sent)
    @rule(which=ANY, change=CHANGE, is_first=IS_FIRST, as_seat=SELDOM, in_session=SELDOM)
    def send_again(
        self, which: int, change: dict[str, Any], *, is_first: bool, as_seat: bool, in_session: bool
    ) -> None:
        """Send what was sent: perhaps as another seat or in its session, with a difference."""
        caller, order = self.sent[-1 - which % len(self.sent)]
        if in_session:
            change = {**change, "session": self.sessions[is_first]}
        fields = {name: value for name, value in change.items() if hasattr(order, name)}
        self.both(self.callers[is_first] if as_seat else caller, replace(order, **fields))

    @rule(
        kind=st.sampled_from([Deposit, BonusIssue]), units=st.sampled_from([50, 1]),
        reference=REFERENCE, is_first=IS_FIRST,
    )  # fmt: skip
    def put_in(
        self, kind: type[Deposit | BonusIssue], units: int, reference: str, *, is_first: bool
    ) -> None:
        """Pay in, or give a bonus."""
        brand, player_id, currency = self.seats[is_first].owner
        order = kind(
            brand=brand, player_id=player_id, currency=currency, amount_units=units,
            reference=reference,
        )  # fmt: skip
        self.both(self.callers[is_first], order)

    @rule(which=ANY, reference=REFERENCE, converts=st.booleans(), is_first=IS_FIRST)
    def end_bonus(self, which: int, reference: str, *, converts: bool, is_first: bool) -> None:
        """End a bonus, perhaps that of another brand."""
        bonuses = list(self.reference.bonuses)
        order = BonusEnd(
            brand=self.seats[is_first].brand, bonus_id=bonuses[-1 - which % len(bonuses)],
            converts=converts, reference=reference,
        )  # fmt: skip
        self.both(self.callers[is_first], order)

    @now_and_then
    @rule(is_first=IS_FIRST, frozen=SELDOM)
    def freeze(self, *, is_first: bool, frozen: bool) -> None:
        """Freeze the player, or not."""
        player = self.seats[is_first].owner[:2]
        self.run(self.ledger.freeze(*player, frozen=frozen))
        self.reference.frozen.discard(player)
        self.reference.frozen |= {player} if frozen else set()

    @now_and_then
    @rule(is_first=IS_FIRST, begins=st.sampled_from([True, True, False]))
    def end_session(self, *, is_first: bool, begins: bool) -> None:
        """End the session, and perhaps begin another."""
        seat, session = self.seats[is_first], self.sessions[is_first]
        ended = self.run(self.ledger.end_session(seat.brand, session))
        assert ended == EndedSession(seat.currency, self.reference.sessions[session].net)
        self.reference.sessions[session].has_ended = True
        if begins:
            self.begin_session(is_first=is_first)

    @invariant()
    def accounts_are_those_of_the_reference(self) -> None:
        """After each step."""
        found = self.run(self.ledger.rows(ACCOUNTS, self.brands))
        frozen = self.reference.frozen
        assert {tuple(row[:3]): (*row[3:5], bool(row[5])) for row in found} == {
            owner: (account.real, account.bonus, owner[:2] in frozen)
            for owner, account in self.reference.accounts.items()
        }

    def teardown(self) -> None:
        """Look at the books of the story, unless a step has failed."""
        moved, sums = self.run(self.moved()), self.run(self.sums())
        if sys.exc_info()[0] is None:
            for key, account in self.reference.accounts.items():
                assert moved[key] == [(n, *one) for n, one in enumerate(account.moved, 1)]
            assert sums == {name: units for name, units in self.reference.sums.items() if units}

    async def moved(self) -> dict[tuple[str, str, str], list[tuple[int, str, int, int]]]:
        """Empty the outbox. Return its rows, by account, as they came."""
        seen = defaultdict(list)
        while rows := await self.ledger.outbox(100):
            for row in rows:
                key = (row.brand, row.player_id, row.currency)
                seen[key].append((row.sequence, row.kind, row.real_units, row.bonus_units))
            await self.ledger.delete_from_outbox([row.row_id for row in rows])
        return seen

    async def sums(self) -> dict[str, int]:
        """Return the sums of all entries of this story, by the name of the account."""
        rows = await self.ledger.rows(SUMS, self.brands)
        return {name: int(units) for name, units in rows if units}


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
        Stories.ledger = ledger
        Stories.run = staticmethod(runner.get_loop().run_until_complete)
        run_state_machine_as_test(Stories, settings=settings(stateful_step_count=STEPS_COUNT))
        assert runner.run(faults_of(ledger)) == []
        runner.run(ledger.close())
        runner.run(place.delete())
