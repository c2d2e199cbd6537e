"""Recomputes the books of a SQLite ledger. All sums are made of Python's integers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from consumer.ledger.answers import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    import apsw


def faults(db: apsw.Connection) -> list[Fault]:
    """Return where the books do not fit. See `Ledger.faults`."""
    return [*_of_transactions(db), *_of_accounts(db)]


def _of_transactions(db: apsw.Connection) -> Iterator[Fault]:
    """The entries of each transaction have the sum zero, and are what it says it moved."""
    sums: Counter[int] = Counter()
    moved: Counter[tuple[int, str]] = Counter()
    for number, name, units in db.execute("SELECT transaction_id, name, amount FROM entry"):
        sums[number] += units
        moved[number, name] += units
    for number, units in sums.items():
        if units:
            yield Fault(f"transaction {number}", f"its entries have the sum {units}, expected 0")
    for number, real_units, bonus_units in db.execute("SELECT id, real, bonus FROM transactions"):
        for name, units in (("REAL", real_units), ("BONUS", bonus_units)):
            if moved[number, name] != units:
                yield Fault(
                    f"transaction {number}",
                    f"its entries move {moved[number, name]} on {name}, and it says {units}",
                )


def _of_accounts(db: apsw.Connection) -> Iterator[Fault]:
    """The balances follow from the transactions, one after the other, without a gap."""
    accounts = "SELECT id, real, bonus, held, sequence FROM account ORDER BY id"
    for number, *balances, last in db.execute(accounts).fetchall():
        where = f"account {number}"
        real_units = bonus_units = sequence = at_us = 0
        for row in db.execute(
            "SELECT sequence, real, bonus, real_after, bonus_after, at_us FROM transactions"
            " WHERE account_id = ? AND sequence IS NOT NULL ORDER BY sequence",
            (number,),
        ):
            sequence += 1
            real_units, bonus_units = real_units + row[1], bonus_units + row[2]
            if row[0] != sequence:
                yield Fault(where, f"expected sequence {sequence}, found {row[0]}")
            if (row[3], row[4]) != (real_units, bonus_units):
                yield Fault(where, f"sequence {sequence}: the balances after it do not fit")
            if row[5] <= at_us:
                yield Fault(where, f"sequence {sequence}: it is not younger than the one before")
            at_us = row[5]
        if [real_units, bonus_units, 0] != balances or sequence != last:
            found = (*balances, last)
            expected = (real_units, bonus_units, 0, sequence)
            yield Fault(where, f"expected {expected} as its balances and sequence, found {found}")
