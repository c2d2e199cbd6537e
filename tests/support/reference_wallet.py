"""A wallet of one player in plain integers, to hold the ledgers against.

It knows one account and the games of one provider. It has no database, no locks and no entries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from consumer.ledger.answers import FINAL, LedgerRefusal

if TYPE_CHECKING:
    from consumer.ledger.orders import Bet, BetWin, Rollback, Win


class Refused(Exception):  # it is no error: it is an answer
    """An order is not carried out."""

    def __init__(self, refusal: LedgerRefusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass
class Done:
    """What is remembered under an id.

    `content` is the verb, the round, the amount and the other id that the order names. `real` and
    `bonus` are what it moved, `of` is the bonus whose money that was.
    """

    content: tuple[str, str, int, str]
    refusal: LedgerRefusal | None = None
    real: int = 0
    bonus: int = 0
    of: int = 0
    is_back: bool = False

    @property
    def is_bet(self) -> bool:
        """A bet, or the bet of a bet-win."""
        return self.content[0] == "bet" or (self.content[0] == "bet-win" and not self.content[3])

    @property
    def is_win(self) -> bool:
        """A win, or the win of a bet-win."""
        return self.content[0] == "win" or (self.content[0] == "bet-win" and not self.is_bet)


@dataclass
class ReferenceWallet:
    """The account, and everything that was asked of it."""

    real: int = 0
    bonus: int = 0
    frozen: bool = False
    has_ended: bool = False
    active: int = 0
    fates: dict[int, str] = field(default_factory=dict)
    done: dict[str, Done] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)

    def bet(self, order: Bet) -> None:
        """Take a stake."""
        content = ("bet", order.round_id, order.amount_units, "")
        if not self._known(order.transaction_id, content):
            self._stake(order.transaction_id, content)

    def win(self, order: Win) -> None:
        """Pay a win by the stakes of its bet, or else of its round."""
        named = order.bet_transaction_id or ""
        content = ("win", order.round_id, order.amount_units, named)
        if self._known(order.transaction_id, content):
            return
        bets = [self._named(named, order.round_id)] if named else self._in_round(order.round_id)
        if not bets and order.kind is None:
            raise Refused(LedgerRefusal.BET_NOT_FOUND)
        if bets and all(bet.is_back for bet in bets):
            raise Refused(LedgerRefusal.ROLLED_BACK)
        self._pay(order.transaction_id, content, bets)
        self.closed |= {order.round_id} if order.round_end else set()

    def bet_win(self, order: BetWin) -> None:
        """Take a stake and pay its win."""
        bet_id, win_id = order.bet_transaction_id, order.win_transaction_id
        bet = ("bet-win", order.round_id, order.bet_units, "")
        win = ("bet-win", order.round_id, order.win_units, bet_id)
        known = [self._known(bet_id, bet), self._known(win_id, win)]
        if all(known):
            return
        if any(known):
            raise Refused(LedgerRefusal.TRANSACTION_CONFLICT)
        try:
            staked = self._stake(bet_id, bet)
        except Refused as error:
            if error.refusal in FINAL:
                self.done[win_id] = Done(win, error.refusal)
            raise
        self._pay(win_id, win, [staked])
        self.closed |= {order.round_id} if order.round_end else set()

    def roll_back(self, order: Rollback) -> None:
        """Give a bet back, once."""
        number, given_id = order.transaction_id, order.reference_transaction_id
        content = ("rollback", "", 0, given_id)
        if self._known(number, content):
            return
        given = self.done.get(given_id)
        if given is None:
            self.gone.add(given_id)
        elif given.refusal is None and not given.is_back:
            self._give_back(given_id, given)
        self.done[number] = Done(content)

    def end_round(self, number: str, round_id: str) -> None:
        """Close a round."""
        content = ("round-end", round_id, 0, "")
        if not self._known(number, content):
            self.done[number] = Done(content)
            self.closed.add(round_id)

    def end_bonus(self, *, converts: bool) -> None:
        """Turn all bonus money into real money, or take it away."""
        self.fates[self.active] = "converted" if converts else "forfeited"
        self.real += self.bonus if converts else 0
        self.bonus = self.active = 0

    def _known(self, number: str, content: tuple[str, str, int, str]) -> bool:
        one = self.done.get(number)
        if number in self.gone:
            raise Refused(LedgerRefusal.ROLLED_BACK)
        if one is not None and one.content != content:
            raise Refused(LedgerRefusal.TRANSACTION_CONFLICT)
        if one is not None and one.refusal is not None:
            raise Refused(one.refusal)
        if one is not None and one.is_back:
            raise Refused(LedgerRefusal.ROLLED_BACK)
        return one is not None

    def _stake(self, number: str, content: tuple[str, str, int, str]) -> Done:
        _, round_id, units, _ = content
        if round_id in self.closed:
            raise Refused(LedgerRefusal.ROUND_CLOSED)
        for is_so, refusal in (
            (self.has_ended, LedgerRefusal.SESSION_EXPIRED),
            (self.frozen, LedgerRefusal.PLAYER_FROZEN),
            (units > self.real + self.bonus, LedgerRefusal.INSUFFICIENT_FUNDS),
        ):
            if is_so:
                self.done[number] = Done(content, refusal)
                raise Refused(refusal)
        bonus = units - min(units, self.real)
        return self._move(number, Done(content, None, bonus - units, -bonus, self.active))

    def _pay(self, number: str, content: tuple[str, str, int, str], bets: list[Done]) -> None:
        live = [bet for bet in bets if not bet.is_back]
        real, bonus = -sum(bet.real for bet in live), -sum(bet.bonus for bet in live)
        share = content[2] * bonus // (real + bonus) if real + bonus else 0
        owner = [bet.of for bet in live if bet.bonus][-1] if share else 0
        self._move(number, Done(content, None, content[2] - share, share, owner))

    def _move(self, number: str, one: Done) -> Done:
        self.done[number] = one
        self._add(one, 1)
        return one

    def _add(self, one: Done, sign: int) -> None:
        """Move money. What was bonus money may have become real money, or be gone."""
        fate = self.fates.get(one.of)
        self.real += sign * (one.real + (one.bonus if fate == "converted" else 0))
        self.bonus += sign * (one.bonus if fate is None else 0)

    def _in_round(self, round_id: str) -> list[Done]:
        return [
            one
            for one in self.done.values()
            if one.is_bet and one.refusal is None and one.content[1] == round_id
        ]

    def _named(self, number: str, round_id: str) -> Done:
        bet = self.done.get(number)
        if number in self.gone:
            raise Refused(LedgerRefusal.ROLLED_BACK)
        if bet is None or bet.refusal is not None or not bet.is_bet:
            raise Refused(LedgerRefusal.BET_NOT_FOUND)
        if bet.content[1] != round_id:
            raise Refused(LedgerRefusal.TRANSACTION_CONFLICT)
        return bet

    def _give_back(self, number: str, given: Done) -> None:
        pair = given.content[0] == "bet-win"
        bet_id = given.content[3] if pair and given.is_win else number
        if not pair and not given.is_bet:
            raise Refused(LedgerRefusal.NOT_REVERSIBLE)
        wins = [one for one in self.done.values() if one.is_win and not one.refusal]
        live_wins = [one for one in wins if one.content[1] == given.content[1] and not one.is_back]
        live_bets = [bet for bet in self._in_round(given.content[1]) if not bet.is_back]
        is_last = not pair and len(live_bets) == 1 and bool(live_wins)
        if is_last or any(one.content[0] == "win" and one.content[3] == bet_id for one in wins):
            raise Refused(LedgerRefusal.BET_SETTLED)
        halves = [one for one in wins if pair and one.content[0] == "bet-win"]
        for one in (self.done[bet_id], *(one for one in halves if one.content[3] == bet_id)):
            one.is_back = True
            self._add(one, -1)
        self.real, self.bonus = max(0, self.real), max(0, self.bonus)  # the rest is written off
