"""Stories: whatever is asked in whatever order, the money is where it should be.

After each step the answer and the balances are those of `ReferenceWallet`. At the end of a story so
are the sums of all accounts and the rows of the outbox, and at the end of all stories the books are
recomputed.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from itertools import product
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from hypothesis import strategies as st
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

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from consumer.ledger.answers import Booked
    from consumer.ledger.base import Ledger
    from consumer.ledger.orders import Callback, OperatorOrder
    from tests.support.ledgers import LedgerPlace

FOR_EVER_S: Final = 4e9
SUMS: Final = """
    SELECT e.name, sum(e.amount) FROM entry AS e JOIN transactions AS t ON t.id = e.transaction_id
    WHERE t.brand IN ($1, $2) GROUP BY e.name"""


class Seat(NamedTuple):
    """A player with an account, at a provider of a brand."""

    brand: str
    player_id: str
    currency: str
    provider: str


SEATS: Final = {
    "first": Seat("b", "p", "EUR", "acme"),
    "other player": Seat("b", "q", "EUR", "acme"),
    "other currency": Seat("b", "p", "USD", "acme"),
    "other provider": Seat("b", "p", "EUR", "other"),
    "other brand": Seat("c", "p", "EUR", "acme"),
}
"""A seat, and those that a mistake could take for it: one thing is another in each."""


class Place(NamedTuple):
    """Where a game is played: how many rounds ago, and with the currency of the seat if None."""

    seat: str
    rounds_ago: int
    game_id: str
    currency: str | None


SEAT: Final = st.sampled_from(["first"] * 8 + list(SEATS))
NO_OR_SEAT: Final = st.sampled_from([*[None] * 12, *SEATS])
PLACES: Final = [
    Place(*one)
    for one in product(
        ["first"] * 6 + list(SEATS), [0, 0, 0, 1], ["g", "g", "h"], [None] * 8 + ["EUR", "USD"]
    )
]
PLACE: Final = st.sampled_from([*[None] * 4 * len(PLACES), *PLACES])
"""None stands for the place of the last order."""
ID: Final = st.sampled_from([0] * 14 + [1, 2, 3, 5])
"""How many ids ago. 0 stands for a new id."""
GIVEN: Final = st.sampled_from([1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 8, 0, -1, -2])
"""How many ids of bets and wins ago. See also `Stories.given`."""
REFERENCE: Final = st.integers(0, 8).map("d{}".format)
UNITS: Final = st.sampled_from([5, 0, 1, 7, 30, 100])
SELDOM: Final = st.sampled_from([False, False, False, True])
after_play: Final = precondition(lambda machine: machine.played)
now_and_then: Final = precondition(lambda machine: machine.ids_count % 4 == 3)
"""For rules that otherwise would leave nothing to play with."""
ANY: Final = st.integers(0, 9)
"""Which of the things so far, counted from the newest."""


class Stories(RuleBasedStateMachine):
    """Players in games of providers. Ids and rounds are few, so that they come again."""

    ledger: Ledger
    run: Callable[[Coroutine[Any, Any, Any]], Any]
    stories_count = 0

    @initialize(spend_order=st.sampled_from(SpendOrder), reverses_wins=st.booleans())
    def begin(self, spend_order: SpendOrder, *, reverses_wins: bool) -> None:
        """Open the accounts, with some money, and play."""
        Stories.stories_count += 1
        self.reference = ReferenceWallet()
        self.sessions: dict[str, str] = {}
        self.sent: list[tuple[Caller, Callback]] = []
        self.ledger_ids: dict[int, int] = {}
        self.ids_count = 0
        self.played: list[str] = []
        self.rounds_count = 0
        self.last = PLACES[0]
        self.callers = {
            name: Caller(self.brand(name), seat.provider, spend_order, reverses_wins)
            for name, seat in SEATS.items()
        }
        for seat in SEATS:
            self.run(self.ledger.add_player(*self.owner(seat)))
            self.reference.accounts.setdefault(self.owner(seat), Account(*self.owner(seat)))
            self.begin_session(seat)
            self.put_in(Deposit, seat, 40, seat)

    def brand(self, seat: str) -> str:
        """Return the brand of a seat in this story."""
        return f"{SEATS[seat].brand}{Stories.stories_count}"

    def owner(self, seat: str) -> tuple[str, str, str]:
        """Return brand, player and currency of a seat."""
        return self.brand(seat), SEATS[seat].player_id, SEATS[seat].currency

    def begin_session(self, seat: str) -> None:
        """Begin another session at a seat."""
        brand, player_id, currency = self.owner(seat)
        begun = PlayedSession(
            session=f"{brand}-{len(self.reference.sessions)}", brand=brand,
            provider=SEATS[seat].provider, expires_s=FOR_EVER_S,
        )  # fmt: skip
        self.run(self.ledger.add_session(begun, player_id, currency))
        owner = self.reference.accounts[brand, player_id, currency]
        self.reference.sessions[begun.session] = Session(begun.provider, owner)
        self.sessions[seat] = begun.session

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
            "session": self.sessions[self.last.seat],
            "round_id": f"r{self.rounds_count - self.last.rounds_ago}",
            "game_id": self.last.game_id,
            "currency": self.last.currency or SEATS[self.last.seat].currency,
        }

    def send(self, order: Callback) -> None:
        """Send what a game asks, and remember it."""
        caller = self.callers[self.last.seat]
        self.sent.append((caller, order))
        if isinstance(order, RoundEnd) or getattr(order, "round_end", False):
            self.rounds_count += 1
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
        kind=st.sampled_from([None, None, None, *WinKind]), ends=SELDOM,
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

    @rule(bet=ID, win=ID, place=PLACE, staked=UNITS, won=UNITS, ends=SELDOM)
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
        ago=ID, given=GIVEN, seat=NO_OR_SEAT,
        units=st.sampled_from([*[None] * 8, 5, 0, 30]),
    )  # fmt: skip
    def roll_back(self, ago: int, given: int, seat: str | None, units: int | None) -> None:
        """Roll back, and perhaps name a session or an amount."""
        order = Rollback(
            transaction_id=self.id(ago), reference_transaction_id=self.given(given),
            session=self.sessions[seat] if seat else None, amount_units=units,
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
    @rule(which=ANY, seat=SEAT, as_seat=SELDOM, in_session=SELDOM)
    def send_again(self, which: int, seat: str, *, as_seat: bool, in_session: bool) -> None:
        """Send what was sent, perhaps as somebody else, perhaps with another session."""
        caller, order = self.sent[-1 - which % len(self.sent)]
        if in_session:
            order = replace(order, session=self.sessions[seat])
        self.both(self.callers[seat] if as_seat else caller, order)

    @rule(
        kind=st.sampled_from([Deposit, BonusIssue]), seat=SEAT,
        units=st.sampled_from([50, 1]), reference=REFERENCE,
    )  # fmt: skip
    def put_in(
        self, kind: type[Deposit | BonusIssue], seat: str, units: int, reference: str
    ) -> None:
        """Pay in, or give a bonus."""
        brand, player_id, currency = self.owner(seat)
        order = kind(
            brand=brand, player_id=player_id, currency=currency, amount_units=units,
            reference=reference,
        )  # fmt: skip
        self.both(self.callers[seat], order)

    @precondition(lambda self: self.reference.bonuses)
    @rule(seat=SEAT, which=ANY, reference=REFERENCE, converts=st.booleans())
    def end_bonus(self, seat: str, which: int, reference: str, *, converts: bool) -> None:
        """End a bonus, perhaps that of another brand."""
        bonuses = list(self.reference.bonuses)
        order = BonusEnd(
            brand=self.brand(seat), bonus_id=bonuses[-1 - which % len(bonuses)],
            converts=converts, reference=reference,
        )  # fmt: skip
        self.both(self.callers[seat], order)

    @now_and_then
    @rule(seat=SEAT, frozen=SELDOM)
    def freeze(self, seat: str, *, frozen: bool) -> None:
        """Freeze the player, or not."""
        brand, player_id, _ = self.owner(seat)
        self.run(self.ledger.freeze(brand, player_id, frozen=frozen))
        self.reference.frozen.discard((brand, player_id))
        self.reference.frozen |= {(brand, player_id)} if frozen else set()

    @now_and_then
    @rule(seat=SEAT, begins=st.sampled_from([True, True, False]))
    def end_session(self, seat: str, *, begins: bool) -> None:
        """End the session, and perhaps begin another."""
        session = self.sessions[seat]
        ended = self.run(self.ledger.end_session(self.brand(seat), session))
        assert ended == EndedSession(SEATS[seat].currency, self.reference.sessions[session].net)
        self.reference.sessions[session].has_ended = True
        if begins:
            self.begin_session(seat)

    @invariant()
    def accounts_are_those_of_the_reference(self) -> None:
        """After each step."""
        for key, account in self.reference.accounts.items():
            players = self.run(self.ledger.players(*key[:2]))
            (found,) = [one for one in players if one.funds.currency == account.currency]
            assert found.funds == account.funds
            assert found.frozen == (key[:2] in self.reference.frozen)

    def teardown(self) -> None:
        """Look at the books of the story, unless a step has failed."""
        moved = self.run(self.moved())
        sums = self.run(self.sums())
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
        brands = self.brand("first"), self.brand("other brand")
        rows = await self.ledger.rows(SUMS, brands)
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
        Stories.ledger, Stories.run = ledger, staticmethod(runner.run)
        run_state_machine_as_test(Stories)
        assert runner.run(faults_of(ledger)) == []
        runner.run(ledger.close())
        runner.run(place.delete())
