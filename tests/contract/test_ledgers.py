"""The ledgers' contract in SQLite and in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.ledger_suite import LedgerContract
from tests.support.ledgers import PostgresPlace, SqlitePlace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

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
