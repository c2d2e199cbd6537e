"""Carries out bets, wins and ends of rounds.

What is stored under an id comes first: the same order gets the same answer, for ever. Then come the
rules that are only asked of a new order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw
import msgspec

from consumer.ledger.answers import Booked, LedgerRefusal, OrderRefused
from consumer.ledger.orders import Bet, SpendOrder, Win
from consumer.ledger.sqlite import rows
from consumer.ledger.sqlite.book import (
    TOMBSTONE,
    Draft,
    Moves,
    bonus_account,
    booked,
    now_us,
    write,
)
from consumer.ledger.sqlite.rows import AccountRow, SessionRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.ledger.orders import BetWin, Caller, RoundEnd
    from consumer.ledger.sqlite.rows import RoundRow, StoredOrder

PlayOutcome = list[Booked] | OrderRefused
"""What an order did, or why it is refused and this is stored."""


class Seat(msgspec.Struct):
    """Who plays: a session and its account."""

    session: SessionRow
    owner: AccountRow

    @property
    def has_ended(self) -> bool:
        """True if the session takes no bets any more."""
        return bool(self.session.ended) or self.session.expires_us <= now_us()


class Stake(msgspec.Struct, frozen=True):
    """The money with which a win was made."""

    real_units: int
    bonus_units: int
    bonus_id: int | None

    def bonus_share_units(self, amount_units: int) -> int:
        """Return the part of a win that is bonus money, rounded down."""
        total_units = self.real_units + self.bonus_units
        return amount_units * self.bonus_units // total_units if total_units else 0


def seat(db: apsw.Connection, caller: Caller, session_id: str) -> Seat:
    """Return who plays in a session.

    Raises:
        OrderRefused: The caller has no such session.
    """
    found = rows.session(db, session_id)
    if found is None or (found.brand, found.provider) != (caller.brand, caller.provider):
        raise OrderRefused(LedgerRefusal.SESSION_NOT_FOUND)
    return Seat(found, rows.account(db, found.account_id))


def refuse(refusal: LedgerRefusal, owner: AccountRow | None = None) -> OrderRefused:
    """Return the error that refuses an order."""
    return OrderRefused(refusal, owner.funds if owner else None)


def known(db: apsw.Connection, draft: Draft, owner: AccountRow) -> StoredOrder | None:
    """Return what is stored under the id of an order, if the order is the same.

    Raises:
        OrderRefused: The order was rolled back, is another one, or was refused for good.
    """
    one = rows.stored(db, draft.brand, draft.source, draft.external_id)
    if one is None:
        return None
    if one.verb == TOMBSTONE:
        raise refuse(LedgerRefusal.ROLLED_BACK, owner)
    if one.account_id != owner.id or _content(one) != _content(draft):
        raise refuse(LedgerRefusal.TRANSACTION_CONFLICT, owner)
    if one.refused is not None:
        raise refuse(LedgerRefusal(one.refused), owner)
    if is_reversed(db, one):
        raise refuse(LedgerRefusal.ROLLED_BACK, owner)
    return one


def _content(one: StoredOrder | Draft) -> tuple[object, ...]:
    """Return what has to be the same if an id comes again."""
    return (
        *(one.verb, one.game_id, one.round_id),
        *(one.amount_units, one.currency, one.reference),
    )


def target_of(one: StoredOrder) -> str:
    """Return the id under which a rollback of a transaction is kept.

    Both halves of a `BetWin` are rolled back together, under the id of the bet.
    """
    return one.reference if one.verb == "bet-win" and one.reference else one.external_id


def is_reversed(db: apsw.Connection, one: StoredOrder) -> bool:
    """Tell whether a transaction was rolled back."""
    return rows.first_rollback(db, one.brand, one.source, target_of(one)) is not None


def _draft(caller: Caller, order: Bet | Win | RoundEnd, verb: str) -> Draft:
    return Draft(
        brand=caller.brand,
        source=caller.provider,
        external_id=order.transaction_id,
        verb=verb,
        session=order.session,
        game_id=order.game_id,
        round_id=order.round_id,
    )


def place_bet(db: apsw.Connection, caller: Caller, order: Bet) -> PlayOutcome:
    """Carry out a bet. See `Ledger.call_back`."""
    player = seat(db, caller, order.session)
    draft = _draft(caller, order, "bet")
    draft.amount_units, draft.currency = order.amount_units, order.currency
    one = known(db, draft, player.owner)
    if one is not None:
        return [booked(one, player.owner, replayed=True)]
    refusal = _refusal(db, draft, player)
    if refusal is not None:
        return _refuse_for_good(db, [draft], player.owner, refusal)
    return [booked(_take_stake(db, caller, draft, player.owner, order.facts), player.owner)]


def _refuse_for_good(
    db: apsw.Connection, drafts: Sequence[Draft], owner: AccountRow, refusal: LedgerRefusal
) -> OrderRefused:
    """Store that a bet is refused, and return the error. Raised, it would undo what is stored."""
    for draft in drafts:
        draft.refused = refusal.value
        write(db, draft, owner, Moves(), "")
    return refuse(refusal, owner)


def _refusal(db: apsw.Connection, draft: Draft, player: Seat) -> LedgerRefusal | None:
    """Return why a new bet is refused for good. None if it is not.

    Raises:
        OrderRefused: It is refused for now.
    """
    owner = player.owner
    if draft.currency != owner.currency:
        raise refuse(LedgerRefusal.WRONG_CURRENCY, owner)
    if not rows.lists_game(db, draft.brand, draft.source, draft.game_id):
        raise refuse(LedgerRefusal.GAME_NOT_FOUND, owner)
    found = rows.game_round(db, round_key(owner, draft))
    if found is not None and found.closed:
        raise refuse(LedgerRefusal.ROUND_CLOSED, owner)
    if player.has_ended:
        return LedgerRefusal.SESSION_EXPIRED
    if owner.frozen:
        return LedgerRefusal.PLAYER_FROZEN
    if draft.amount_units > owner.real_units + owner.bonus_units:
        return LedgerRefusal.INSUFFICIENT_FUNDS
    return None


def round_key(owner: AccountRow, draft: Draft | StoredOrder) -> tuple[int, str, str, str]:
    """Return the key of the round in which a transaction is."""
    return owner.id, draft.source, draft.game_id, draft.round_id


def _take_stake(
    db: apsw.Connection, caller: Caller, draft: Draft, owner: AccountRow, facts: str
) -> StoredOrder:
    """Book a bet that the player can pay."""
    amount_units = draft.amount_units
    if caller.spend_order is SpendOrder.REAL_FIRST:
        real_units = min(amount_units, owner.real_units)
    else:
        real_units = amount_units - min(amount_units, owner.bonus_units)
    bonus_units = amount_units - real_units
    draft.kind = "BET"
    draft.bonus_id = owner.bonus_id if bonus_units else None
    moves = Moves(-real_units, -bonus_units, {"HOUSE": amount_units})
    one = write(db, draft, owner, moves, facts)
    try:
        db.execute(
            "INSERT INTO round (account_id, source, game_id, round_id, bets_count, live_bets_count,"
            " stake_real, stake_bonus, at_us) VALUES (?, ?, ?, ?, 1, 1, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET bets_count = bets_count + 1,"
            " live_bets_count = live_bets_count + 1, stake_real = stake_real + excluded.stake_real,"
            " stake_bonus = stake_bonus + excluded.stake_bonus",
            (*round_key(owner, draft), real_units, bonus_units, one.at_us),
        )
    except apsw.ConstraintError as error:
        # The sum of the stakes does not fit into 64 bits. SQLite would make a float of it, which
        # the column refuses.
        raise refuse(LedgerRefusal.BAD_AMOUNT) from error
    return one


def pay_win(db: apsw.Connection, caller: Caller, order: Win) -> PlayOutcome:
    """Carry out a win. See `Ledger.call_back`."""
    player = seat(db, caller, order.session)
    owner = player.owner
    draft = _draft(caller, order, "win")
    draft.amount_units, draft.currency = order.amount_units, order.currency
    draft.reference = order.bet_transaction_id or ""
    one = known(db, draft, owner)
    if one is not None:
        return [booked(one, owner, replayed=True)]
    if draft.currency != owner.currency:
        raise refuse(LedgerRefusal.WRONG_CURRENCY, owner)
    found = rows.game_round(db, round_key(owner, draft))
    if draft.reference:
        stake = _stake_of_bet(db, draft, owner)
    elif found is not None and found.bets_count:
        stake = _stake_of_round(db, found, owner, round_key(owner, draft))
    elif order.kind is not None:
        return [booked(_give_reward(db, draft, owner, order), owner)]
    else:
        raise refuse(LedgerRefusal.BET_NOT_FOUND, owner)
    one = _pay(db, draft, owner, stake, order.facts)
    note_win(db, owner, draft, one.at_us, closes=order.round_end)
    return [booked(one, owner)]


def _stake_of_round(
    db: apsw.Connection, found: RoundRow, owner: AccountRow, key: tuple[int, str, str, str]
) -> Stake:
    """Return the stakes of a round's bets that were not rolled back.

    If they came from several bonuses, the newest of these bonuses gets the whole bonus share.

    Raises:
        OrderRefused: All bets of the round were rolled back.
    """
    if not found.live_bets_count:
        raise refuse(LedgerRefusal.ROLLED_BACK, owner)
    bonus_id = None
    if found.stake_bonus_units:
        bets = rows.bets_of_round(db, key)
        bonus_id = next(bet.bonus_id for bet in bets if not is_reversed(db, bet))
    return Stake(found.stake_real_units, found.stake_bonus_units, bonus_id)


def _stake_of_bet(db: apsw.Connection, draft: Draft, owner: AccountRow) -> Stake:
    """Return the stake of the bet that a win names.

    Raises:
        OrderRefused: There is no such bet, it is another player's or round's, or it went back.
    """
    bet = rows.stored(db, draft.brand, draft.source, draft.reference)
    if bet is not None and bet.verb == TOMBSTONE:
        raise refuse(LedgerRefusal.ROLLED_BACK, owner)
    if bet is None or bet.kind != "BET":
        raise refuse(LedgerRefusal.BET_NOT_FOUND, owner)
    place = (bet.account_id, bet.game_id, bet.round_id)
    if place != (owner.id, draft.game_id, draft.round_id):
        raise refuse(LedgerRefusal.TRANSACTION_CONFLICT, owner)
    if is_reversed(db, bet):
        raise refuse(LedgerRefusal.ROLLED_BACK, owner)
    return Stake(-bet.real_units, -bet.bonus_units, bet.bonus_id)


def _pay(
    db: apsw.Connection, draft: Draft, owner: AccountRow, stake: Stake, facts: str
) -> StoredOrder:
    bonus_units = stake.bonus_share_units(draft.amount_units)
    draft.kind = "WIN"
    draft.bonus_id = stake.bonus_id if bonus_units else None
    moves = Moves(draft.amount_units - bonus_units)
    moves.add(bonus_account(db, draft.bonus_id), bonus_units)
    moves.add("HOUSE", -draft.amount_units)
    return write(db, draft, owner, moves, facts)


def _give_reward(db: apsw.Connection, draft: Draft, owner: AccountRow, order: Win) -> StoredOrder:
    """Pay a win that came without a stake."""
    if not rows.lists_game(db, draft.brand, draft.source, draft.game_id):
        raise refuse(LedgerRefusal.GAME_NOT_FOUND, owner)
    draft.kind = "PROMO_REWARD"
    moves = Moves(draft.amount_units, 0, {"PROMO_POOL": -draft.amount_units})
    one = write(db, draft, owner, moves, order.facts)
    note_win(db, owner, draft, one.at_us, closes=order.round_end)
    return one


def note_win(
    db: apsw.Connection, owner: AccountRow, draft: Draft, at_us: int, *, closes: bool
) -> None:
    """Count a win in its round, and close the round if the win says so."""
    db.execute(
        "INSERT INTO round (account_id, source, game_id, round_id, live_wins_count, closed, at_us)"
        " VALUES (?, ?, ?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET"
        " live_wins_count = live_wins_count + 1, closed = max(closed, excluded.closed)",
        (*round_key(owner, draft), int(closes), at_us),
    )


def bet_and_win(db: apsw.Connection, caller: Caller, order: BetWin) -> PlayOutcome:
    """Carry out a bet together with its win. See `Ledger.call_back`."""
    player = seat(db, caller, order.session)
    owner = player.owner
    bet, win = _halves(caller, order)
    stored_bet, stored_win = known(db, bet, owner), known(db, win, owner)
    if stored_bet is not None and stored_win is not None:
        return [booked(half, owner, replayed=True) for half in (stored_bet, stored_win)]
    if stored_bet is not None or stored_win is not None or bet.external_id == win.external_id:
        raise refuse(LedgerRefusal.TRANSACTION_CONFLICT, owner)
    refusal = _refusal(db, bet, player)
    if refusal is not None:
        return _refuse_for_good(db, [bet, win], owner, refusal)
    staked = _take_stake(db, caller, bet, owner, order.facts)
    stake = Stake(-staked.real_units, -staked.bonus_units, staked.bonus_id)
    paid = _pay(db, win, owner, stake, order.facts)
    note_win(db, owner, win, paid.at_us, closes=order.round_end)
    return [booked(staked, owner), booked(paid, owner)]


def _halves(caller: Caller, order: BetWin) -> tuple[Draft, Draft]:
    """Return the two transactions of a bet with its win. The win names the bet."""
    bet = Draft(
        brand=caller.brand,
        source=caller.provider,
        external_id=order.bet_transaction_id,
        verb="bet-win",
        session=order.session,
        game_id=order.game_id,
        round_id=order.round_id,
        amount_units=order.bet_units,
        currency=order.currency,
    )
    win = msgspec.structs.replace(
        bet,
        external_id=order.win_transaction_id,
        amount_units=order.win_units,
        reference=order.bet_transaction_id,
    )
    return bet, win


def end_round(db: apsw.Connection, caller: Caller, order: RoundEnd) -> PlayOutcome:
    """Close a round. See `Ledger.call_back`."""
    player = seat(db, caller, order.session)
    owner = player.owner
    draft = _draft(caller, order, "round-end")
    draft.currency = owner.currency
    one = known(db, draft, owner)
    if one is not None:
        return [booked(one, owner, replayed=True)]
    one = write(db, draft, owner, Moves(), "")
    db.execute(
        "INSERT INTO round (account_id, source, game_id, round_id, closed, at_us)"
        " VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET closed = 1",
        (*round_key(owner, draft), one.at_us),
    )
    return [booked(one, owner)]
