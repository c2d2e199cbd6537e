"""Where a ledger of a test keeps its money: a file, or a schema of its own in a real PostgreSQL."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Protocol

import apsw
import asyncpg

from consumer.clock import SYSTEM_CLOCK
from consumer.ledger.postgres.ledger import PostgresLedger
from consumer.ledger.sqlite.ledger import SqliteLedger
from consumer.ledger.verify.run import Verifier

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.ledger.answers import Fault
    from consumer.ledger.base import Ledger


async def faults_of(ledger: Ledger) -> list[Fault]:
    """Return where the books of a ledger do not fit. All of them are looked at."""
    now_us = int(SYSTEM_CLOCK.now_s() * 1e6)
    return (await Verifier(ledger).run(now_us, from_start=True)).faults


class LedgerPlace(Protocol):
    """A database for one test."""

    def make(self) -> Ledger:
        """Return a ledger, not open. Two of one place have the same money."""

    async def run(self, statement: str) -> None:
        """Run a statement of SQL, as somebody else who may write to the database.

        Raises:
            Exception: The database refuses it.
        """

    async def forge(self, statement: str) -> None:
        """Run a statement of SQL without the protection, as whoever has all rights can."""

    async def delete(self) -> None:
        """Remove the database."""


class SqlitePlace:
    """A file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def make(self) -> Ledger:
        """See `LedgerPlace.make`."""
        return SqliteLedger(self._path)

    async def run(self, statement: str) -> None:
        """See `LedgerPlace.run`."""
        apsw.Connection(str(self._path)).execute(statement)

    async def forge(self, statement: str) -> None:
        """See `LedgerPlace.forge`."""
        triggers = (
            "transactions_stay",
            "transactions_are_kept",
            "entries_stay",
            "entries_are_kept",
        )
        for name in triggers:
            await self.run(f"DROP TRIGGER IF EXISTS {name}")
        await self.run(statement)

    async def delete(self) -> None:
        """See `LedgerPlace.delete`."""


class PostgresPlace:
    """A schema."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._schema = f"wallet_{secrets.token_hex(4)}"

    def make(self) -> Ledger:
        """See `LedgerPlace.make`."""
        return PostgresLedger(self._url, self._schema)

    async def run(self, statement: str) -> None:
        """See `LedgerPlace.run`."""
        connection = await asyncpg.connect(self._url, server_settings={"search_path": self._schema})
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def forge(self, statement: str) -> None:
        """See `LedgerPlace.forge`."""
        for table in ("transactions", "entry"):
            await self.run(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        await self.run(statement)

    async def delete(self) -> None:
        """See `LedgerPlace.delete`."""
        await self.run(f"DROP SCHEMA {self._schema} CASCADE")
