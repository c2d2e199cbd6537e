"""A wallet in plain integers, to hold the ledgers against.

It has no database, no locks and no time. All that was done is in one dictionary: by the brand, who
asked, and the id.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Final

from consumer.ledger.answers import Booked, Funds, LedgerRefusal, OrderRefused
from consumer.ledger.orders import (
    Bet,
    BetWin,
    BonusEnd,
    BonusIssue,
    Deposit,
    Rollback,
    RoundEnd,
    SpendOrder,
    Win,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from consumer.ledger.orders import Callback, Caller, OperatorOrder

GONE: Final = ("gone",)
"""The content of what was rolled back before it came."""
WINS: Final = ("WIN", "PROMO_REWARD")


Play = Bet | Win | BetWin | RoundEnd
"""The orders that name a session and a round."""


def refuse_if(condition: object, refusal: LedgerRefusal, owner: Account | None = None) -> None:
    """Refuse the order if the condition holds."""
    if condition:
        raise OrderRefused(refusal, owner.funds if owner else None)


@dataclass(eq=False)
class Account:
    """The money of a player in a currency, and each movement: its type, real and bonus money."""

    brand: str
    player_id: str
    currency: str
    real: int = 0
    bonus: int = 0
    active: Done | None = None
    moved: list[tuple[str, int, int]] = field(default_factory=list)

    @property
    def funds(self) -> Funds:
        """What is on the account."""
        return Funds(self.currency, self.real, self.bonus)


@dataclass(eq=False)
class Session:
    """Who plays at which provider, and with which result so far."""

    provider: str
    owner: Account
    has_ended: bool = False
    net: int = 0


@dataclass(eq=False)
class Done:
    """What was asked under an id, and what became of it.

    Attributes:
        key: The brand, the provider or the kind of a brand's order, and the id.
        content: What has to be the same if the id comes again.
        owner, session, units: As the order says.
        place: The round, with its account and its provider.
        names: The bet that a win names.
        parts: A bet and its win, if they came together. Else only itself.
        kind, moves: What was booked: its type, and the sums by the name of the account.
        of: The bonus whose money that was.
        fate: Where the money of this bonus is: BONUS, or what it became when the bonus ended.
        after: The balance after it.
        refusal: Why it is refused for good.
        back: Its rollback.
        number: The number of the answer. The same number stands for the same `ledger_id`.
    """

    key: tuple[str, str, str]
    content: tuple[object, ...]
    owner: Account | None
    session: Session | None = None
    units: int = 0
    place: tuple[object, ...] = ()
    names: Done | None = None
    parts: list[Done] = field(default_factory=list)
    kind: str = ""
    moves: Counter[str] = field(default_factory=Counter)
    of: Done | None = None
    fate: str = "BONUS"
    after: int | None = None
    refusal: LedgerRefusal | None = None
    back: Done | None = None
    number: int = field(default_factory=count().__next__)

    @property
    def account(self) -> Account:
        """The account of an order that has one."""
        assert self.owner
        return self.owner


class ReferenceWallet:
    """The accounts and sessions, and everything that was asked of them.

    Each verb is a generator. It yields its transactions, and goes on only if their ids are new.
    """

    def __init__(self) -> None:
        self.accounts: dict[tuple[str, str, str], Account] = {}
        self.sessions: dict[str, Session] = {}
        self.frozen: set[tuple[str, str]] = set()
        self.closed: set[tuple[object, ...]] = set()
        self.done: dict[tuple[str, str, str], Done] = {}
        self.bonuses: dict[int, Done] = {}
        self.sums: Counter[str] = Counter()
        self._answered: set[int] = set()
        self._verbs: dict[type, Callable[..., Iterator[list[Done]]]] = {
            Bet: self._bet,
            Win: self._win,
            BetWin: self._bet_win,
            Rollback: self._roll_back,
            RoundEnd: self._end_round,
            Deposit: self._put_in,
            BonusIssue: self._put_in,
            BonusEnd: self._end_bonus,
        }

    def ask(self, caller: Caller, order: Callback | OperatorOrder) -> list[Booked]:
        """Carry out an order, once."""
        verb = self._verbs[type(order)](caller, order)
        asked = next(verb)
        known_count = sum(self._is_known(one) for one in asked)
        is_half = known_count not in (0, len(asked)) or len({one.key for one in asked}) < len(asked)
        refuse_if(is_half, LedgerRefusal.TRANSACTION_CONFLICT, asked[0].owner)
        if not known_count:
            next(verb, None)
        return [self._answer(self.done[one.key]) for one in asked]

    def _answer(self, one: Done) -> Booked:
        replayed = one.number in self._answered
        self._answered.add(one.number)
        return Booked(
            ledger_id=one.number,
            amount_units=one.units,
            balance_after_units=one.after,
            now=one.owner.funds if one.owner else None,
            replayed=replayed,
        )

    def _is_known(self, asked: Done) -> bool:
        known = self.done.get(asked.key, asked)
        refuse_if(known.content == GONE, LedgerRefusal.ROLLED_BACK, asked.owner)
        different = known.content != asked.content
        refuse_if(different, LedgerRefusal.TRANSACTION_CONFLICT, asked.owner)
        refuse_if(known.refusal, known.refusal or LedgerRefusal.ROLLED_BACK, asked.owner)
        refuse_if(known.back, LedgerRefusal.ROLLED_BACK, asked.owner)
        return known is not asked

    def _bet(self, caller: Caller, order: Bet) -> Iterator[list[Done]]:
        what = (order.amount_units, order.currency)
        bet = self._draft(caller, order, "bet", order.transaction_id, *what)
        yield [bet]
        self._stake(caller, order, [bet])

    def _win(self, caller: Caller, order: Win) -> Iterator[list[Done]]:
        named = order.bet_transaction_id
        what = (order.amount_units, order.currency, named)
        win = self._draft(caller, order, "win", order.transaction_id, *what)
        yield [win]
        other = order.currency != win.account.currency
        refuse_if(other, LedgerRefusal.WRONG_CURRENCY, win.owner)
        bets = [self._named(win, named)] if named else self._in_round(win, "BET")
        is_owed = bets or order.kind
        refuse_if(not is_owed, LedgerRefusal.BET_NOT_FOUND, win.owner)
        is_gone = bets and all(bet.back for bet in bets)
        refuse_if(is_gone, LedgerRefusal.ROLLED_BACK, win.owner)
        win.names = bets[0] if named else None
        if bets:
            self._pay(win, bets)
        else:
            self._book(win, "PROMO_REWARD", REAL=win.units, PROMO_POOL=-win.units)
        self.closed |= {win.place} if order.round_end else set()

    def _bet_win(self, caller: Caller, order: BetWin) -> Iterator[list[Done]]:
        staked = (order.bet_units, order.currency)
        won = (order.win_units, order.currency, order.bet_transaction_id)
        bet = self._draft(caller, order, "bet-win", order.bet_transaction_id, *staked)
        win = self._draft(caller, order, "bet-win", order.win_transaction_id, *won)
        bet.parts = win.parts = [bet, win]
        yield bet.parts
        self._stake(caller, order, bet.parts)
        self._pay(win, [bet])
        self.closed |= {bet.place} if order.round_end else set()

    def _roll_back(self, caller: Caller, order: Rollback) -> Iterator[list[Done]]:
        named = self._session(caller, order.session).owner if order.session else None
        key = (caller.brand, caller.provider, order.transaction_id)
        given_key = (caller.brand, caller.provider, order.reference_transaction_id)
        back = Done(key, ("rollback", given_key), None)
        yield [back]
        refuse_if(key == given_key, LedgerRefusal.TRANSACTION_CONFLICT)
        given = self.done.get(given_key)
        back.owner = given.owner or named if given else named
        if given is None:
            self._keep(back)
            self._keep(replace(back, key=given_key, content=GONE))
            return
        is_others = named and given.owner and named is not given.owner
        refuse_if(is_others, LedgerRefusal.TRANSACTION_CONFLICT)
        is_gone = given.content == GONE
        is_other = order.amount_units not in (None, given.units) or (
            order.currency not in (None, given.owner and given.owner.currency)
        )
        refuse_if(is_other and not is_gone, LedgerRefusal.NOT_REVERSIBLE)
        first = given if is_gone else given.back
        if first:
            self.done[key] = replace(first, key=key, content=back.content, owner=back.owner)
        elif given.refusal:
            self._keep(back)
        else:
            self._give_back(caller, back, given)
        for part in given.parts:
            part.back = part.back or back

    def _give_back(self, caller: Caller, back: Done, given: Done) -> None:
        """Move the opposite. What the player does not have any more is written off."""
        kinds = [part.kind for part in given.parts]
        may = "BET" in kinds or (kinds and kinds[0] in WINS and caller.reverses_wins)
        refuse_if(not may, LedgerRefusal.NOT_REVERSIBLE)
        is_settled = kinds[0] == "BET" and self._is_settled(given.parts[0])
        refuse_if(is_settled, LedgerRefusal.BET_SETTLED)
        moves: Counter[str] = Counter()
        for part in given.parts:
            for name, units in part.moves.items():
                moves[part.of.fate if part.of and name == "BONUS" else name] -= units
        for name, left in (("REAL", back.account.real), ("BONUS", back.account.bonus)):
            short = max(0, -left - moves[name])
            moves.update({name: short, "WRITE_OFF": -short})
        back.session, back.units = given.session, given.units
        self._book(back, "ROLLBACK", **moves)

    def _is_settled(self, bet: Done) -> bool:
        """A win names the bet, or needs it: it is the last bet of a round with a win."""
        if any(one.names is bet and not one.back for one in self.done.values()):
            return True
        bets, wins = (
            [one for one in self._in_round(bet, *kinds) if not one.back]
            for kinds in (("BET",), WINS)
        )
        return len(bets) == 1 and len(wins) >= len(bet.parts)

    def _end_round(self, caller: Caller, order: RoundEnd) -> Iterator[list[Done]]:
        end = self._draft(caller, order, "round-end", order.transaction_id, 0)
        yield [end]
        self._keep(end)
        self.closed.add(end.place)

    def _put_in(self, _: Caller, order: Deposit | BonusIssue) -> Iterator[list[Done]]:
        owner = self.accounts.get((order.brand, order.player_id, order.currency))
        if owner is None:
            raise OrderRefused(LedgerRefusal.PLAYER_NOT_FOUND)
        units, is_bonus = order.amount_units, isinstance(order, BonusIssue)
        key = (order.brand, ":bonus" if is_bonus else ":deposit", order.reference)
        one = Done(key, (owner, units), owner, units=units)
        yield [one]
        if is_bonus:
            refuse_if(owner.active, LedgerRefusal.BONUS_ACTIVE, owner)
            owner.active = self.bonuses[one.number] = one
            self._book(one, "BONUS_ISSUE", BONUS=units, PROMO_POOL=-units)
        else:
            self._book(one, "DEPOSIT", REAL=units, SYSTEM=-units)

    def _end_bonus(self, _: Caller, order: BonusEnd) -> Iterator[list[Done]]:
        bonus = self.bonuses[order.bonus_id]
        owner = bonus.account
        refuse_if(owner.brand != order.brand, LedgerRefusal.BONUS_NOT_FOUND)
        one = Done((order.brand, ":bonus-end", order.reference), (bonus, order.converts), owner)
        yield [one]
        refuse_if(owner.active is not bonus, LedgerRefusal.BONUS_ENDED, owner)
        owner.active, bonus.fate = None, "REAL" if order.converts else "PROMO_POOL"
        one.units = owner.bonus
        kind = "BONUS_CONVERT" if order.converts else "BONUS_FORFEIT"
        self._book(one, kind, **{"BONUS": -one.units, bonus.fate: one.units})

    def _session(self, caller: Caller, name: str) -> Session:
        session = self.sessions[name]
        is_others = (session.owner.brand, session.provider) != (caller.brand, caller.provider)
        refuse_if(is_others, LedgerRefusal.SESSION_NOT_FOUND)
        return session

    def _draft(
        self, caller: Caller, order: Play, verb: str, number: str, units: int, *rest: str | None
    ) -> Done:
        """Return the transaction of a verb, of which nothing is known yet."""
        session = self._session(caller, order.session)
        place = (session.owner, session.provider, order.game_id, order.round_id)
        key = (caller.brand, caller.provider, number)
        content = (verb, *place, units, *rest)
        one = Done(key, content, session.owner, session, units, place)
        one.parts = [one]
        return one

    def _stake(self, caller: Caller, order: Bet | BetWin, parts: list[Done]) -> None:
        """Take the stake of the first part. A final refusal is one of all parts."""
        bet, owner = parts[0], parts[0].account
        refuse_if(order.currency != owner.currency, LedgerRefusal.WRONG_CURRENCY, owner)
        refuse_if(bet.place in self.closed, LedgerRefusal.ROUND_CLOSED, owner)
        for is_so, refusal in (
            (bet.session and bet.session.has_ended, LedgerRefusal.SESSION_EXPIRED),
            ((owner.brand, owner.player_id) in self.frozen, LedgerRefusal.PLAYER_FROZEN),
            (bet.units > owner.real + owner.bonus, LedgerRefusal.INSUFFICIENT_FUNDS),
        ):
            for part in parts if is_so else ():
                part.refusal = refusal
                self._keep(part)
            refuse_if(is_so, refusal, owner)
        is_real_first = caller.spend_order is SpendOrder.REAL_FIRST
        real = min(bet.units, owner.real) if is_real_first else max(0, bet.units - owner.bonus)
        bet.of = owner.active
        self._book(bet, "BET", REAL=-real, BONUS=real - bet.units, HOUSE=bet.units)

    def _named(self, win: Done, number: str) -> Done:
        bet = self.done.get((*win.key[:2], number))
        refuse_if(bet and bet.content == GONE, LedgerRefusal.ROLLED_BACK, win.owner)
        if bet is None or bet.kind != "BET":
            raise OrderRefused(LedgerRefusal.BET_NOT_FOUND, win.account.funds)
        refuse_if(bet.place != win.place, LedgerRefusal.TRANSACTION_CONFLICT, win.owner)
        return bet

    def _in_round(self, one: Done, *kinds: str) -> list[Done]:
        stored = self.done.values()
        return [other for other in stored if other.place == one.place and other.kind in kinds]

    def _pay(self, win: Done, bets: list[Done]) -> None:
        """Pay a win by the stakes of its bets. The bonus part is rounded down.

        If the stakes came from several bonuses, the newest of them gets the bonus part.
        """
        live = [bet for bet in bets if not bet.back]
        total = sum(bet.units for bet in live)
        bonus = -sum(bet.moves["BONUS"] for bet in live)
        share = win.units * bonus // total if total else 0
        win.of = next((bet.of for bet in reversed(live) if share and bet.moves["BONUS"]), None)
        moves = Counter(REAL=win.units - share, HOUSE=-win.units)
        moves[win.of.fate if win.of else "BONUS"] += share
        self._book(win, "WIN", **moves)

    def _book(self, one: Done, kind: str, **moves: int) -> None:
        one.kind, one.moves, owner = kind, Counter(moves), one.account
        real, bonus = one.moves["REAL"], one.moves["BONUS"]
        owner.real, owner.bonus = owner.real + real, owner.bonus + bonus
        owner.moved.append((kind, real, bonus))
        self.sums.update(moves)
        if one.session:
            one.session.net += real + bonus
        self._keep(one)

    def _keep(self, one: Done) -> None:
        one.after = one.owner.real + one.owner.bonus if one.owner else None
        self.done[one.key] = one
