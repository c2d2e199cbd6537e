"""Recomputes the books of a ledger: every balance, sum and sequence.

    account by account   its transactions after the checkpoint ─► sequence, time, entries, balances
    id by id             entries that belong to no booked transaction

What was found right is never changed, so the next run begins after it: at the account's
checkpoint. Every statement reads a small part, so orders do not wait. An account is read before its
transactions, and only those up to its sequence are looked at. So orders that are booked meanwhile
do no harm.

Both databases understand the statements. All sums are made of Python's integers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from consumer.ledger.answers import Fault
from consumer.ledger.verify.account import SeenAccount, SeenEntry, SeenMove

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from consumer.ledger.base import Ledger

ACCOUNTS_COUNT: Final = 200
ROWS_COUNT: Final = 500
IDS_COUNT: Final = 5_000
"""How many accounts, transactions or ids are looked at in one statement."""
MARGIN_COUNT: Final = 10_000
"""So many ids before the last one are looked at again: an order may be committed after others that
got higher ids."""
FAULTS_MAX_COUNT: Final = 1_000
"""A verdict keeps at most this many faults. It counts all of them."""
CHANGED: Final = """
    SELECT a.id, a.real, a.bonus, a.held, a.sequence, coalesce(v.real, 0), coalesce(v.bonus, 0),
           coalesce(v.held, 0), coalesce(v.sequence, 0), coalesce(v.at_us, -1)
    FROM account AS a LEFT JOIN verified AS v ON v.account_id = a.id
    WHERE a.id > $1 AND a.id <= $2 AND (a.real, a.bonus, a.held, a.sequence)
        <> (coalesce(v.real, 0), coalesce(v.bonus, 0), coalesce(v.held, 0), coalesce(v.sequence, 0))
    ORDER BY a.id"""
MOVES: Final = """
    SELECT t.id, t.sequence, t.at_us, t.real, t.bonus, t.real_after, t.bonus_after, t.held_after,
           e.account_id, e.name, e.amount, e.balance_after
    FROM (SELECT * FROM transactions WHERE account_id = $1 AND sequence > $2 AND sequence <= $3
          ORDER BY sequence LIMIT $4) AS t
         LEFT JOIN entry AS e ON e.transaction_id = t.id
    ORDER BY t.sequence"""
BEYOND: Final = """
    SELECT a.id, a.sequence, (SELECT max(t.sequence) FROM transactions AS t
                              WHERE t.account_id = a.id AND t.sequence > a.sequence) AS last
    FROM account AS a WHERE a.id > $1 AND a.id <= $2 ORDER BY a.id"""
STRAY_ENTRIES: Final = """
    SELECT e.transaction_id, e.name, e.amount
    FROM entry AS e LEFT JOIN transactions AS t ON t.id = e.transaction_id
    WHERE e.transaction_id > $1 AND e.transaction_id <= $2 AND t.sequence IS NULL"""
STRAY_ROWS: Final = """
    SELECT id, verb FROM transactions
    WHERE id > $1 AND id <= $2 AND (
        sequence IS NULL AND (kind IS NOT NULL OR real <> 0 OR bonus <> 0)
        OR sequence IS NOT NULL AND (kind IS NULL OR account_id IS NULL))"""
LAST_ID: Final = "SELECT coalesce(max(id), 0) FROM transactions"
LAST_RUN: Final = "SELECT until_id, ended_us, faults_count FROM verify_run WHERE id = 1"
END_RUN: Final = """
    INSERT INTO verify_run (id, until_id, ended_us, faults_count) VALUES (1, $1, $2, $3)
    ON CONFLICT (id) DO UPDATE SET until_id = excluded.until_id, ended_us = excluded.ended_us,
        faults_count = excluded.faults_count
    RETURNING id"""
FORGET: Final = """
    DELETE FROM verified WHERE account_id > $1 AND account_id <= $2 RETURNING account_id"""
LAST_ACCOUNT: Final = "SELECT coalesce(max(id), 0) FROM account"
SAVE: Final = """
    INSERT INTO verified (account_id, real, bonus, held, sequence, at_us) VALUES {rows}
    ON CONFLICT (account_id) DO UPDATE SET real = excluded.real, bonus = excluded.bonus,
        held = excluded.held, sequence = excluded.sequence, at_us = excluded.at_us
    RETURNING account_id"""
MIN_ID: Final = -(2**63)
MAX_ID: Final = 2**63 - 1


class LastRun(msgspec.Struct, frozen=True):
    """How the last run ended.

    Attributes:
        until_id: The next run begins after this id of a transaction.
        ended_us: When it ended, in microseconds since 1970. 0 if there was none.
        faults_count: How many faults it has found.
    """

    until_id: int = MIN_ID
    ended_us: int = 0
    faults_count: int = 0


class BooksVerdict(msgspec.Struct):
    """What a run has found.

    Attributes:
        transactions_count: How many booked transactions were looked at.
        faults_count: How many faults there are.
        faults: The first `FAULTS_MAX_COUNT` of them.
    """

    transactions_count: int = 0
    faults_count: int = 0
    faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Count a fault, and keep it if there are few."""
        self.faults_count += 1
        if len(self.faults) < FAULTS_MAX_COUNT:
            self.faults.append(fault)


class Verifier:
    """Looks through the books of a ledger.

    Args:
        ledger: The ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._verdict = BooksVerdict()

    async def run(self, now_us: int, *, from_start: bool = False) -> BooksVerdict:
        """Look at all transactions after the checkpoints, and move the checkpoints forward.

        Args:
            now_us: The time, in microseconds since 1970.
            from_start: If true, everything is looked at again. Only this finds what was put into
                the database by hand before a checkpoint.

        Raises:
            LedgerUnavailable: The database does not answer.

        Cancelling: the checkpoints that were moved so far stay.
        """
        self._verdict = BooksVerdict()
        last = await last_run(self._ledger)
        if from_start:
            async for ids in self._pages():
                await self._ledger.rows(FORGET, ids)
            last = LastRun()
        until_id = await self._look_at_ids(last.until_id)
        async for page in self._changed():
            await self._look_at(page)
        await self._look_beyond()
        ended = (until_id, now_us, self._verdict.faults_count)
        await self._ledger.rows(END_RUN, ended)
        return self._verdict

    async def _changed(self) -> AsyncIterator[list[SeenAccount]]:
        """Yield the accounts that have moved on since their checkpoints, in pages."""
        async for ids in self._pages():
            yield [SeenAccount(row) for row in await self._ledger.rows(CHANGED, ids)]

    async def _pages(self) -> AsyncIterator[tuple[int, int]]:
        """Yield the ids between which there are `ACCOUNTS_COUNT` accounts, from the first on."""
        last_id = int((await self._ledger.rows(LAST_ACCOUNT, ()))[0][0])
        for after_id in range(0, last_id, ACCOUNTS_COUNT):
            yield after_id, after_id + ACCOUNTS_COUNT

    async def _look_at(self, accounts: Sequence[SeenAccount]) -> None:
        """Look at the new transactions of accounts, and save their checkpoints if all is right."""
        for account in accounts:
            while account.sequence < account.last:
                moves = await self._moves(account)
                if not moves:
                    break
                for move in moves:
                    self._tell(account, account.look(move))
                self._verdict.transactions_count += len(moves)
            self._tell(account, account.end())
        right = [account.checkpoint for account in accounts if account.is_right]
        if right:
            width = len(right[0])
            rows = ", ".join(
                f"({', '.join(f'${width * row + column + 1}' for column in range(width))})"
                for row in range(len(right))
            )
            values = [value for checkpoint in right for value in checkpoint]
            await self._ledger.rows(SAVE.format(rows=rows), values)

    async def _moves(self, account: SeenAccount) -> Sequence[SeenMove]:
        """Return the next transactions of an account."""
        asked = (account.id, account.sequence, account.last, ROWS_COUNT)
        moves: dict[int, SeenMove] = {}
        for row in await self._ledger.rows(MOVES, asked):
            move = moves.setdefault(row[0], SeenMove(*row[:8]))
            if row[9] is not None:
                move.entries.append(SeenEntry(*row[8:]))
        return list(moves.values())

    def _tell(self, account: SeenAccount, whats: Iterator[str]) -> None:
        for what in whats:
            account.is_right = False
            self._verdict.add(Fault(f"account {account.id}", what))

    async def _look_beyond(self) -> None:
        """Find transactions with a higher sequence than their account has."""
        async for ids in self._pages():
            for number, sequence, last in await self._ledger.rows(BEYOND, ids):
                if last is not None:
                    what = f"it is at sequence {sequence}, and has a transaction with {last}"
                    self._verdict.add(Fault(f"account {number}", what))

    async def _look_at_ids(self, until_id: int) -> int:
        """Find what belongs to no booked transaction.

        Returns:
            The id after which the next run begins.
        """
        last_id = int((await self._ledger.rows(LAST_ID, ()))[0][0])
        ends = [0] if until_id < 0 else []
        ends += [*range(max(until_id, 0) + IDS_COUNT, last_id, IDS_COUNT), last_id, MAX_ID]
        after_id = until_id
        for end_id in ends:
            for number, name, units in await self._ledger.rows(STRAY_ENTRIES, (after_id, end_id)):
                what = f"it has an entry of {units} on {name}, and is not booked"
                self._verdict.add(Fault(f"transaction {number}", what))
            for number, verb in await self._ledger.rows(STRAY_ROWS, (after_id, end_id)):
                what = f"the {verb} is only half booked"
                self._verdict.add(Fault(f"transaction {number}", what))
            after_id = end_id
        if self._verdict.faults_count:
            return until_id
        return max(until_id, last_id - MARGIN_COUNT)


async def last_run(ledger: Ledger) -> LastRun:
    """Return how the last run ended.

    Raises:
        LedgerUnavailable: The database does not answer.
    """
    found = await ledger.rows(LAST_RUN, ())
    return LastRun(*found[0]) if found else LastRun()
