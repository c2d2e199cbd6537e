"""Recomputes the books of a PostgreSQL ledger. The database adds up, in numbers without a limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.ledger.answers import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

TRANSACTIONS: Final = """
    SELECT t.id, coalesce(sum(e.amount), 0) AS total,
           coalesce(sum(e.amount) FILTER (WHERE e.name = 'REAL'), 0) AS entries_real,
           coalesce(sum(e.amount) FILTER (WHERE e.name = 'BONUS'), 0) AS entries_bonus,
           t.real, t.bonus
    FROM transactions AS t LEFT JOIN entry AS e ON e.transaction_id = t.id
    GROUP BY t.id, t.real, t.bonus
    HAVING coalesce(sum(e.amount), 0) <> 0
        OR coalesce(sum(e.amount) FILTER (WHERE e.name = 'REAL'), 0) <> t.real
        OR coalesce(sum(e.amount) FILTER (WHERE e.name = 'BONUS'), 0) <> t.bonus"""
"""The transactions whose entries do not fit."""
ACCOUNTS: Final = """
    WITH steps AS (
        SELECT account_id, sequence, real_after, bonus_after,
               sum(real) OVER running AS real_so_far, sum(bonus) OVER running AS bonus_so_far,
               row_number() OVER running AS number, lag(at_us) OVER running >= at_us AS is_older
        FROM transactions WHERE sequence IS NOT NULL
        WINDOW running AS (PARTITION BY account_id ORDER BY sequence)
    ), ends AS (
        SELECT account_id, max(sequence) AS sequence, sum(real) AS real, sum(bonus) AS bonus
        FROM transactions WHERE sequence IS NOT NULL GROUP BY account_id
    )
    SELECT account_id, 'sequence ' || sequence || ': expected ' || number || ' with '
           || real_so_far || ' and ' || bonus_so_far || ', found ' || real_after || ' and '
           || bonus_after AS what
    FROM steps WHERE number <> sequence OR real_after IS DISTINCT FROM real_so_far
        OR bonus_after IS DISTINCT FROM bonus_so_far OR is_older
    UNION ALL
    SELECT a.id, 'expected ' || coalesce(e.real, 0) || ' and ' || coalesce(e.bonus, 0)
           || ' as its balances, found ' || a.real || ' and ' || a.bonus
    FROM account AS a LEFT JOIN ends AS e ON e.account_id = a.id
    WHERE (a.real, a.bonus, a.sequence, a.held)
        IS DISTINCT FROM (coalesce(e.real, 0), coalesce(e.bonus, 0), coalesce(e.sequence, 0), 0)"""
"""The accounts whose balances or numbers do not follow from their transactions."""


def faults(transactions: Sequence[Record], accounts: Sequence[Record]) -> list[Fault]:
    """Return the rows of both questions as faults."""
    found = [
        Fault(f"transaction {row['id']}", f"its entries do not fit: {dict(row)}")
        for row in transactions
    ]
    return found + [Fault(f"account {row['account_id']}", row["what"]) for row in accounts]
