"""Writes a transaction with its entries, the account's new balances, and its row in the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from consumer.clock import SYSTEM_CLOCK
from consumer.ledger.answers import Booked, LedgerRefusal, OrderRefused
from consumer.ledger.orders import LIMIT_UNITS
from consumer.ledger.sqlite.rows import StoredOrder

if TYPE_CHECKING:
    from collections.abc import Mapping

    import apsw

    from consumer.ledger.sqlite.rows import AccountRow

TOMBSTONE: Final = "tombstone"
"""The verb of a row that stands for something that was rolled back before it came."""
INSERT: Final = """
    INSERT INTO transactions (brand, source, external_id, verb, kind, account_id, session, game_id,
        round_id, amount, currency, reference, refused, bonus_id, reverses, target, repeats,
        sequence, at_us, real, bonus, real_after, bonus_after, held_after)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""


class Draft(msgspec.Struct, kw_only=True):
    """What a transaction will hold: see the columns of the table."""

    brand: str
    source: str
    external_id: str
    verb: str
    kind: str | None = None
    session: str | None = None
    game_id: str = ""
    round_id: str = ""
    amount_units: int = 0
    currency: str = ""
    reference: str = ""
    refused: str | None = None
    bonus_id: int | None = None
    reverses_id: int | None = None
    target: str | None = None
    repeats_id: int | None = None


class Moves(msgspec.Struct):
    """What a transaction moves: on the player's accounts, and on the house's by their names.

    The sum of all is zero.
    """

    real_units: int = 0
    bonus_units: int = 0
    house: dict[str, int] = msgspec.field(default_factory=dict)

    def add(self, name: str, amount_units: int) -> None:
        """Add an amount to an account."""
        if name == "REAL":
            self.real_units += amount_units
        elif name == "BONUS":
            self.bonus_units += amount_units
        else:
            self.house[name] = self.house.get(name, 0) + amount_units


def now_us() -> int:
    """Return the time in microseconds since 1970."""
    return int(SYSTEM_CLOCK.now_s() * 1e6)


def write(
    db: apsw.Connection, draft: Draft, owner: AccountRow | None, moves: Moves, facts: str
) -> StoredOrder:
    """Write a transaction. `owner` gets the new balances, and the next sequence if it is booked.

    Raises:
        OrderRefused: A balance would be larger than the ledger can hold.
    """
    booked = owner is not None and draft.kind is not None
    at_us = now_us()
    if owner is not None and booked:
        at_us = _advance(db, owner, moves, at_us)
    row = (
        *msgspec.structs.astuple(draft)[:5],
        owner.id if owner else None,
        *msgspec.structs.astuple(draft)[5:],
        owner.sequence if owner and booked else None,
        at_us,
        moves.real_units,
        moves.bonus_units,
        *((owner.real_units, owner.bonus_units, owner.held_units) if owner else (None,) * 3),
    )
    db.execute(INSERT, row)
    one = StoredOrder(db.last_insert_rowid(), *row)
    if owner is not None and booked:
        _write_entries(db, one, owner, moves)
        db.execute(
            "INSERT INTO outbox (transaction_id, account_id, sequence, facts) VALUES (?, ?, ?, ?)",
            (one.id, owner.id, owner.sequence, facts),
        )
    return one


def _advance(db: apsw.Connection, owner: AccountRow, moves: Moves, clock_us: int) -> int:
    """Move the account's balances, number and time on. Return the time of the transaction."""
    owner.real_units += moves.real_units
    owner.bonus_units += moves.bonus_units
    if max(owner.real_units, owner.bonus_units) >= LIMIT_UNITS:
        raise OrderRefused(LedgerRefusal.BAD_AMOUNT)
    owner.sequence += 1
    owner.at_us = max(clock_us, owner.at_us + 1)
    db.execute(
        "UPDATE account SET real = ?, bonus = ?, bonus_id = ?, sequence = ?, at_us = ?"
        " WHERE id = ?",
        (
            *(owner.real_units, owner.bonus_units, owner.bonus_id),
            *(owner.sequence, owner.at_us, owner.id),
        ),
    )
    return owner.at_us


def _write_entries(db: apsw.Connection, one: StoredOrder, owner: AccountRow, moves: Moves) -> None:
    """Write an entry for each amount that is not zero."""
    players: Mapping[str, tuple[int, int]] = {
        "REAL": (moves.real_units, owner.real_units),
        "BONUS": (moves.bonus_units, owner.bonus_units),
    }
    entries: list[tuple[int, int | None, str, int, int | None]] = [
        (one.id, owner.id, name, units, after) for name, (units, after) in players.items() if units
    ]
    entries += [(one.id, None, name, units, None) for name, units in moves.house.items() if units]
    if sum(entry[3] for entry in entries):
        raise AssertionError("the entries of a transaction have the sum zero")
    db.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", entries)


def booked(one: StoredOrder, owner: AccountRow | None, *, replayed: bool = False) -> Booked:
    """Return the answer of a transaction."""
    return Booked(
        ledger_id=one.id,
        amount_units=one.amount_units,
        balance_after_units=one.balance_after_units,
        now=owner.funds if owner else None,
        replayed=replayed,
    )


def ended_bonus(db: apsw.Connection, bonus_id: int | None) -> str | None:
    """Return how a bonus has ended. None if it has not, or if there is none."""
    row = db.execute("SELECT ended FROM bonus WHERE id = ?", (bonus_id,)).fetchone()
    return row[0] if row else None


def bonus_account(db: apsw.Connection, bonus_id: int | None) -> str:
    """Return the account that gets what was bonus money: the bonus may have ended."""
    accounts = {"converted": "REAL", "forfeited": "PROMO_POOL"}
    return accounts.get(ended_bonus(db, bonus_id) or "", "BONUS")
