"""Gives bets back, and remembers rollbacks of what has not come yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.ledger.answers import Booked, LedgerRefusal
from consumer.ledger.sqlite import rows
from consumer.ledger.sqlite.book import TOMBSTONE, Draft, Moves, bonus_account, booked, write
from consumer.ledger.sqlite.play import refuse, round_key, seat, target_of

if TYPE_CHECKING:
    import apsw

    from consumer.ledger.orders import Caller, Rollback
    from consumer.ledger.sqlite.rows import AccountRow, StoredOrder


def roll_back(db: apsw.Connection, caller: Caller, order: Rollback) -> list[Booked]:
    """Carry out a rollback. See `Ledger.call_back`."""
    named = seat(db, caller, order.session).owner if order.session is not None else None
    draft = Draft(
        brand=caller.brand,
        source=caller.provider,
        external_id=order.transaction_id,
        verb="rollback",
        session=order.session,
        reference=order.reference_transaction_id,
        target=order.reference_transaction_id,
    )
    known = rows.stored(db, draft.brand, draft.source, draft.external_id)
    if known is not None:
        return [_again(db, known, draft, named)]
    given = rows.stored(db, draft.brand, draft.source, draft.reference)
    if given is None:
        return [_bury(db, draft, named)]
    owner = named if given.account_id is None else rows.account(db, given.account_id)
    if named is not None and owner is not None and named.id != owner.id:
        raise refuse(LedgerRefusal.TRANSACTION_CONFLICT, named)
    draft.target = target_of(given)
    first = rows.first_rollback(db, draft.brand, draft.source, draft.target)
    names_another = order.amount_units not in (None, given.amount_units) or order.currency not in (
        None,
        given.currency,
    )
    if names_another and given.verb != TOMBSTONE:
        raise refuse(LedgerRefusal.NOT_REVERSIBLE, owner)
    if first is not None:
        draft.repeats_id = first.id
        write(db, draft, owner, Moves(), "")
        return [booked(first, owner, replayed=True)]
    if given.refused is not None:
        return [booked(write(db, draft, owner, Moves(), ""), owner)]
    return [_give_back(db, caller, draft, given, order.facts)]


def _again(
    db: apsw.Connection, known: StoredOrder, draft: Draft, named: AccountRow | None
) -> Booked:
    """Return what was answered to this rollback before.

    A refusal shows the balance of the session that the order names, and not that of the player to
    whom the id belongs.

    Raises:
        OrderRefused: The id was used for something else.
    """
    owner = rows.account(db, known.account_id) if known.account_id is not None else None
    if known.verb == TOMBSTONE:
        raise refuse(LedgerRefusal.ROLLED_BACK, named)
    if (known.verb, known.reference) != (draft.verb, draft.reference):
        raise refuse(LedgerRefusal.TRANSACTION_CONFLICT, named)
    if known.repeats_id is not None and known.target is not None:
        first = rows.first_rollback(db, known.brand, known.source, known.target)
        known = first or known
    return booked(known, owner, replayed=True)


def _bury(db: apsw.Connection, draft: Draft, owner: AccountRow | None) -> Booked:
    """Remember the rollback of something that has not come. What comes later is refused.

    Raises:
        OrderRefused: The rollback names itself.
    """
    if draft.reference == draft.external_id:
        raise refuse(LedgerRefusal.TRANSACTION_CONFLICT, owner)
    tombstone = Draft(
        brand=draft.brand, source=draft.source, external_id=draft.reference, verb=TOMBSTONE
    )
    write(db, tombstone, owner, Moves(), "")
    return booked(write(db, draft, owner, Moves(), ""), owner)


def _give_back(
    db: apsw.Connection, caller: Caller, draft: Draft, given: StoredOrder, facts: str
) -> Booked:
    """Reverse a bet, a win, or both halves of a bet with its win.

    Raises:
        OrderRefused: It cannot be reversed.
    """
    bet, win = _parts(db, given)
    owner = rows.account(db, given.account_id) if given.account_id is not None else None
    if owner is None or given.kind not in ("BET", "WIN", "PROMO_REWARD"):
        raise refuse(LedgerRefusal.NOT_REVERSIBLE, owner)
    if bet is None and not caller.reverses_wins:
        raise refuse(LedgerRefusal.NOT_REVERSIBLE, owner)
    if bet is not None and _is_settled(db, owner, bet, win):
        raise refuse(LedgerRefusal.BET_SETTLED, owner)
    draft.kind = "ROLLBACK"
    draft.session = given.session
    draft.game_id, draft.round_id = given.game_id, given.round_id
    draft.amount_units, draft.currency = given.amount_units, given.currency
    draft.reverses_id = given.id if bet is None else bet.id
    moves = Moves()
    for part in (bet, win):
        if part is not None:
            _reverse(db, part, moves)
    _cover(owner, moves)
    one = write(db, draft, owner, moves, facts)
    _note(db, owner, draft, bet, win)
    return booked(one, owner)


def _parts(
    db: apsw.Connection, given: StoredOrder
) -> tuple[StoredOrder | None, StoredOrder | None]:
    """Return the bet and the win that go back together."""
    if given.verb != "bet-win":
        return (given, None) if given.kind == "BET" else (None, given)
    if given.kind == "BET":
        (win,) = rows.naming(db, given, "bet-win")
        return given, win
    return rows.stored(db, given.brand, given.source, given.reference), given


def _is_settled(
    db: apsw.Connection, owner: AccountRow, bet: StoredOrder, win: StoredOrder | None
) -> bool:
    """Tell whether a win needs this bet: it names the bet, or the bet is its round's only one."""
    wins = [one for one in rows.naming(db, bet, "win") if one.kind is not None]
    alive = [
        one
        for one in wins
        if rows.first_rollback(db, one.brand, one.source, one.external_id) is None
    ]
    if alive:
        return True
    own_count = 0 if win is None else 1  # the win of a bet-win goes back with its bet
    found = rows.game_round(db, round_key(owner, bet))
    if found is None:
        return False
    return found.live_bets_count == 1 and found.live_wins_count > own_count


def _reverse(db: apsw.Connection, part: StoredOrder, moves: Moves) -> None:
    """Add the opposite of a transaction's entries. Bonus money may have become something else."""
    for name, units in rows.entries(db, part.id):
        moves.add(bonus_account(db, part.bonus_id) if name == "BONUS" else name, -units)


def _cover(owner: AccountRow, moves: Moves) -> None:
    """Write off what the player does not have any more."""
    short_real = max(0, -(owner.real_units + moves.real_units))
    short_bonus = max(0, -(owner.bonus_units + moves.bonus_units))
    moves.real_units += short_real
    moves.bonus_units += short_bonus
    moves.add("WRITE_OFF", -(short_real + short_bonus))


def _note(
    db: apsw.Connection,
    owner: AccountRow,
    draft: Draft,
    bet: StoredOrder | None,
    win: StoredOrder | None,
) -> None:
    """Take what went back out of its round."""
    db.execute(
        "UPDATE round SET live_bets_count = live_bets_count - ?,"
        " live_wins_count = live_wins_count - ?, stake_real = stake_real + ?,"
        " stake_bonus = stake_bonus + ?"
        " WHERE account_id = ? AND source = ? AND game_id = ? AND round_id = ?",
        (
            *(int(bet is not None), int(win is not None)),
            *((bet.real_units, bet.bonus_units) if bet else (0, 0)),
            *round_key(owner, draft),
        ),
    )
