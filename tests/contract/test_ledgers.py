"""The ledgers' contract in SQLite and in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.ledger_suite import LedgerContract
from tests.support.ledger_table import bet
from tests.support.ledgers import PostgresPlace, SqlitePlace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.ledger_table import Table
    from tests.support.ledgers import LedgerPlace


class TestSqlite(LedgerContract):
    """A file."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> LedgerPlace:
        """Return an empty file."""
        return SqlitePlace(tmp_path / "wallet.db")


class TestPostgres(LedgerContract):
    """A real server."""

    @pytest.fixture
    async def place(self, postgres_url: str) -> AsyncIterator[LedgerPlace]:
        """Return an empty schema."""
        place = PostgresPlace(postgres_url)
        yield place
        await place.delete()

    @pytest.mark.parametrize(
        "statement", ["UPDATE transactions SET amount = 1", "UPDATE entry SET amount = 1"]
    )
    async def test_replica_changes_nothing_either(
        self, table: Table, place: LedgerPlace, statement: str
    ) -> None:
        """Usual triggers are silent for a connection that plays the part of a replica."""
        await table.ask(bet("t", 30))
        with pytest.raises(Exception, match="never changed"):
            await place.run(f"SET session_replication_role = replica; {statement}")
