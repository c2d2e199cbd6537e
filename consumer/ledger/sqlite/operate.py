"""Carries out what a brand asks: players, sessions, deposits and bonuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consumer.ledger.answers import Booked, LedgerRefusal
from consumer.ledger.orders import BonusEnd, BonusIssue, Deposit
from consumer.ledger.shown import EndedSession
from consumer.ledger.sqlite import rows
from consumer.ledger.sqlite.book import Draft, Moves, booked, write
from consumer.ledger.sqlite.play import known, refuse

if TYPE_CHECKING:
    import apsw

    from consumer.ledger.orders import OperatorOrder
    from consumer.ledger.shown import PlayedSession
    from consumer.ledger.sqlite.rows import AccountRow


def operate(db: apsw.Connection, order: OperatorOrder) -> Booked:
    """Carry out an order. See `Ledger.operate`."""
    if isinstance(order, BonusEnd):
        return _end_bonus(db, order)
    owner = rows.account_of(db, order.brand, order.player_id, order.currency)
    if owner is None:
        raise refuse(LedgerRefusal.PLAYER_NOT_FOUND)
    issues = isinstance(order, BonusIssue)
    verb = "bonus" if issues else "deposit"
    draft = Draft(
        brand=order.brand,
        source=f":{verb}",  # no provider has a name like this
        external_id=order.reference,
        verb=verb,
        amount_units=order.amount_units,
        currency=order.currency,
    )
    one = known(db, draft, owner)
    if one is not None:
        return booked(one, owner, replayed=True)
    return _issue_bonus(db, draft, owner, order) if issues else _deposit(db, draft, owner, order)


def _deposit(
    db: apsw.Connection, draft: Draft, owner: AccountRow, order: Deposit | BonusIssue
) -> Booked:
    draft.kind = "DEPOSIT"
    moves = Moves(order.amount_units, 0, {"SYSTEM": -order.amount_units})
    return booked(write(db, draft, owner, moves, order.facts), owner)


def _issue_bonus(
    db: apsw.Connection, draft: Draft, owner: AccountRow, order: Deposit | BonusIssue
) -> Booked:
    if owner.bonus_id is not None:
        raise refuse(LedgerRefusal.BONUS_ACTIVE, owner)
    draft.kind = "BONUS_ISSUE"
    moves = Moves(0, order.amount_units, {"PROMO_POOL": -order.amount_units})
    one = write(db, draft, owner, moves, order.facts)
    db.execute("INSERT INTO bonus VALUES (?, ?, NULL)", (one.id, owner.id))
    db.execute("UPDATE account SET bonus_id = ? WHERE id = ?", (one.id, owner.id))
    return booked(one, owner)


def _end_bonus(db: apsw.Connection, order: BonusEnd) -> Booked:
    found = db.execute(
        "SELECT bonus.account_id, bonus.ended FROM bonus JOIN transactions USING (id)"
        " WHERE bonus.id = ? AND brand = ?",
        (order.bonus_id, order.brand),
    ).fetchone()
    if found is None:
        raise refuse(LedgerRefusal.BONUS_NOT_FOUND)
    owner = rows.account(db, found[0])
    draft = Draft(
        brand=order.brand,
        source=":bonus-end",
        external_id=order.reference,
        verb="bonus-convert" if order.converts else "bonus-forfeit",
        currency=owner.currency,
        reference=str(order.bonus_id),
        bonus_id=order.bonus_id,
    )
    one = rows.stored(db, draft.brand, draft.source, draft.external_id)
    if one is not None:
        if (one.verb, one.reference) != (draft.verb, draft.reference):
            raise refuse(LedgerRefusal.TRANSACTION_CONFLICT, owner)
        return booked(one, owner, replayed=True)
    if found[1] is not None:
        raise refuse(LedgerRefusal.BONUS_ENDED, owner)
    draft.amount_units = owner.bonus_units
    draft.kind = "BONUS_CONVERT" if order.converts else "BONUS_FORFEIT"
    moves = Moves(0, -owner.bonus_units)
    moves.add("REAL" if order.converts else "PROMO_POOL", owner.bonus_units)
    owner.bonus_id = None
    one = write(db, draft, owner, moves, order.facts)
    ended = "converted" if order.converts else "forfeited"
    db.execute("UPDATE bonus SET ended = ? WHERE id = ?", (ended, order.bonus_id))
    return booked(one, owner)


def open_account(db: apsw.Connection, brand: str, player_id: str, currency: str) -> None:
    """Open an account. See `Ledger.open_account`."""
    db.execute(
        "INSERT INTO account (brand, player_id, currency, frozen)"
        " SELECT ?1, ?2, ?3, coalesce(max(frozen), 0) FROM account"
        " WHERE brand = ?1 AND player_id = ?2 ON CONFLICT DO NOTHING",
        (brand, player_id, currency),
    )


def freeze(db: apsw.Connection, brand: str, player_id: str, *, frozen: bool) -> bool:
    """Take no bets, or take them again. See `Ledger.freeze`."""
    db.execute(
        "UPDATE account SET frozen = ? WHERE brand = ? AND player_id = ?",
        (frozen, brand, player_id),
    )
    return db.changes() > 0


def add_session(db: apsw.Connection, begun: PlayedSession, player_id: str, currency: str) -> None:
    """Begin a session. See `Ledger.add_session`."""
    owner = rows.account_of(db, begun.brand, player_id, currency)
    if owner is None:
        raise refuse(LedgerRefusal.PLAYER_NOT_FOUND)
    db.execute(
        "INSERT INTO session (id, brand, provider, account_id, expires_us, game_id)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            *(begun.session, begun.brand, begun.provider, owner.id),
            *(int(begun.expires_s * 1e6), begun.game_id),
        ),
    )


def end_session(db: apsw.Connection, brand: str, session: str) -> EndedSession | None:
    """End a session. See `Ledger.end_session`."""
    db.execute("UPDATE session SET ended = 1 WHERE id = ? AND brand = ?", (session, brand))
    if not db.changes():
        return None
    statement = "SELECT real + bonus FROM transactions WHERE session = ?"
    moved: list[tuple[Any, ...]] = db.execute(statement, (session,)).fetchall()
    (found,) = db.execute(
        "SELECT currency FROM account JOIN session ON account.id = account_id WHERE session.id = ?",
        (session,),
    ).fetchall()
    return EndedSession(str(found[0]), sum(int(units) for (units,) in moved))
