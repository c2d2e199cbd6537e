"""Where a ledger of a test keeps its money: a file, or a schema of its own in a real PostgreSQL."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Protocol

import apsw
import asyncpg

from consumer.ledger.postgres.ledger import PostgresLedger
from consumer.ledger.sqlite.ledger import SqliteLedger

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.ledger.base import Ledger


class LedgerPlace(Protocol):
    """A database for one test."""

    def make(self) -> Ledger:
        """Return a ledger, not open. Two of one place have the same money."""

    async def run(self, statement: str) -> None:
        """Run a statement of SQL, as somebody else who may write to the database.

        Raises:
            Exception: The database refuses it.
        """

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

    async def delete(self) -> None:
        """See `LedgerPlace.delete`."""
        await self.run(f"DROP SCHEMA {self._schema} CASCADE")
