"""Somebody looks at a ledger's database: what is told is what `open` meets, and nothing changes."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import apsw
import asyncpg
import pytest

from consumer.ledger.answers import LedgerUnavailable
from consumer.ledger.postgres.ledger import PostgresLedger
from consumer.ledger.postgres.look import NEEDED, NEEDED_PAIRS
from consumer.ledger.sqlite.ledger import SqliteLedger
from tests.support.ledger_table import Table, bet, win
from tests.support.ledgers import faults_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from asyncpg import Connection

    from consumer.ledger.base import Ledger


async def told_of(ledger: Ledger) -> str:
    """Look, and return what was told."""
    async with ledger.looked_at() as look:
        return look.told


async def make_and_close(ledger: Ledger) -> None:
    """Make the tables."""
    await ledger.open()
    await ledger.close()


class Role:
    """A user of PostgreSQL without any right, and a schema that may be made.

    Attributes:
        ledger: The ledger, for this user.
        owner: The ledger, for the user who may do everything.
        schema: The name of the schema.
        name: The name of the user.
    """

    def __init__(self, admin: Connection, url: str) -> None:
        self.name = f"role_{secrets.token_hex(4)}"
        self.schema = f"looked_{secrets.token_hex(4)}"
        self._admin = admin
        head, _, tail = url.partition("://")
        self.ledger = PostgresLedger(f"{head}://{self.name}@{tail.rpartition('@')[2]}", self.schema)
        self.owner = PostgresLedger(url, self.schema)

    async def run(self, statement: str) -> None:
        """Run a statement as the user who may do everything. `{s}` and `{r}` are the names."""
        await self._admin.execute(statement.format(s=self.schema, r=self.name))

    async def relations(self) -> list[str]:
        """Return what the schema holds."""
        found = await self._admin.fetch(
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname = $1 ORDER BY relname",
            self.schema,
        )
        return [name for (name,) in found]

    async def may_create(self) -> None:
        """Let the user make schemas."""
        database = await self._admin.fetchval("SELECT current_database()")
        await self.run(f'GRANT CREATE ON DATABASE "{database}" TO {{r}}')


@pytest.fixture
async def role(postgres_url: str) -> AsyncIterator[Role]:
    """Return a user who may log in to a real server."""
    admin = await asyncpg.connect(postgres_url)
    role = Role(admin, postgres_url)
    await role.run("CREATE ROLE {r} LOGIN")
    yield role
    await role.ledger.close()
    await role.run("DROP SCHEMA IF EXISTS {s} CASCADE")
    await role.run("DROP OWNED BY {r}")
    await role.run("DROP ROLE {r}")
    await admin.close()


async def test_schema_is_not_made_by_a_look(role: Role) -> None:
    """Before the first start, and after it. The look finds the tables that `open` has made."""
    await role.may_create()
    assert await told_of(role.ledger) == f"schema {role.schema} will be created"
    assert await role.relations() == []
    await make_and_close(role.ledger)
    made = await role.relations()
    assert await told_of(role.ledger) == f"schema {role.schema}"
    assert await role.relations() == made


async def test_server_refuses_changes_during_a_look(role: Role) -> None:
    """Whatever a statement says."""
    await make_and_close(role.owner)
    async with role.owner.looked_at() as look:
        assert look.rows is not None
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await look.rows("INSERT INTO currency VALUES ('b', 'EUR', 2)", ())


async def test_user_who_may_not_make_the_schema_is_told(role: Role) -> None:
    """The server wants this right also where the schema is there."""
    with pytest.raises(LedgerUnavailable, match=r'GRANT CREATE ON DATABASE "\w+" TO "role_'):
        await told_of(role.ledger)
    await role.run("CREATE SCHEMA {s} AUTHORIZATION {r}")
    with pytest.raises(LedgerUnavailable, match="GRANT CREATE ON DATABASE"):
        await told_of(role.ledger)
    with pytest.raises(LedgerUnavailable, match="permission denied for database"):
        await role.ledger.open()


async def test_user_who_may_not_use_the_schema_is_told(role: Role) -> None:
    """Another user has made it."""
    await role.may_create()
    await make_and_close(role.owner)
    await role.run("GRANT USAGE ON SCHEMA {s} TO {r}")
    with pytest.raises(LedgerUnavailable, match='GRANT USAGE, CREATE ON SCHEMA "looked_'):
        await told_of(role.ledger)
    with pytest.raises(LedgerUnavailable, match="permission denied for schema"):
        await role.ledger.open()


async def test_user_who_may_only_read_is_told(role: Role) -> None:
    """Such a ledger could be opened, and would take no order."""
    await role.may_create()
    await make_and_close(role.owner)
    await role.run("GRANT USAGE, CREATE ON SCHEMA {s} TO {r}")
    with pytest.raises(LedgerUnavailable, match="permission denied for table migration"):
        await told_of(role.ledger)
    await role.run("GRANT SELECT ON ALL TABLES IN SCHEMA {s} TO {r}")
    told = r"rights are missing in schema looked_\w+: INSERT on account, UPDATE on account, INSERT"
    with pytest.raises(LedgerUnavailable, match=told):
        await told_of(role.ledger)


async def test_rights_that_a_look_wants_are_enough(role: Role) -> None:
    """And they name every table."""
    await role.may_create()
    await make_and_close(role.owner)
    await role.run("GRANT USAGE, CREATE ON SCHEMA {s} TO {r}")
    for name, right in NEEDED_PAIRS:
        await role.run(f"GRANT {right} ON {{s}}.{name} TO {{r}}")
    assert await told_of(role.ledger) == f"schema {role.schema}"
    assert set(NEEDED) <= set(await role.relations())
    await role.ledger.open()
    table = Table(role.ledger)
    await table.list_game("g")
    await table.sit()
    await table.ask(bet("t", 30))
    await table.ask(win("w", 10))
    await table.end_bonus(await table.issue(20), converts=True)
    assert await table.funds() == (100, 0)
    assert await table.outbox()
    assert await faults_of(role.ledger) == []


async def test_old_tables_are_changed_by_their_owner_alone(role: Role) -> None:
    """A user who may only write to them cannot."""
    await make_and_close(role.owner)
    await role.run("DELETE FROM {s}.migration WHERE name = (SELECT max(name) FROM {s}.migration)")
    assert await told_of(role.owner) == (
        f"schema {role.schema}, its tables will be changed for this version"
    )
    await role.may_create()
    await role.run("GRANT USAGE, CREATE ON SCHEMA {s} TO {r}")
    await role.run("GRANT ALL ON ALL TABLES IN SCHEMA {s} TO {r}")
    with pytest.raises(LedgerUnavailable, match="only the owner of the tables can do this"):
        await told_of(role.ledger)


async def test_schema_of_a_newer_version_or_without_a_table_is_refused(role: Role) -> None:
    """The look says what is wrong."""
    await make_and_close(role.owner)
    await role.run("DROP TABLE {s}.game")
    with pytest.raises(LedgerUnavailable, match="lacks tables: game"):
        await told_of(role.owner)
    await role.run("INSERT INTO {s}.migration VALUES ('9999')")
    with pytest.raises(LedgerUnavailable, match="a newer version made the schema"):
        await told_of(role.owner)


async def test_user_who_only_reads_by_his_settings_is_told(role: Role) -> None:
    """As operators set it for people who look."""
    await role.may_create()
    await role.run("ALTER ROLE {r} SET default_transaction_read_only = on")
    with pytest.raises(LedgerUnavailable, match="default_transaction_read_only is on"):
        await told_of(role.ledger)
    with pytest.raises(LedgerUnavailable, match="read-only transaction"):
        await role.ledger.open()


def state_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return the content and the time of each file, without what readers share."""
    return {
        file.name: (file.read_bytes(), file.stat().st_mtime_ns)
        for file in folder.iterdir()
        if not file.name.endswith("-shm")
    }


async def test_file_is_not_made_by_a_look(tmp_path: Path) -> None:
    """Before the first start, after it, and while a process has the file open."""
    path = tmp_path / "wallet.db"
    ledger = SqliteLedger(path)
    assert await told_of(ledger) == f"{path} will be created"
    assert state_of(tmp_path) == {}
    await make_and_close(ledger)
    before = state_of(tmp_path)
    assert set(before) == {"wallet.db"}
    assert await told_of(ledger) == f"{path}"
    assert state_of(tmp_path) == before
    await ledger.open()
    await Table(ledger).sit()
    before = state_of(tmp_path)
    async with SqliteLedger(path).looked_at() as look:
        assert look.rows is not None
        assert await look.rows("SELECT player_id FROM account", ()) == [("p",)]
        with pytest.raises(apsw.ReadOnlyError):
            await look.rows("DELETE FROM account", ())
    assert state_of(tmp_path) == before
    await ledger.close()


async def test_file_with_a_log_of_changes_is_not_judged_without_it(tmp_path: Path) -> None:
    """As in a backup that was made while a process had it open."""
    path = tmp_path / "wallet.db"
    ledger = SqliteLedger(path)
    await ledger.open()
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("wallet.db", "wallet.db-wal"):
        (copy / name).write_bytes((tmp_path / name).read_bytes())
    await ledger.close()
    before = state_of(copy)
    told = await told_of(SqliteLedger(copy / "wallet.db"))
    assert told.endswith("was not looked into: a process has to take in wallet.db-wal first")
    assert state_of(copy) == before
    assert not (copy / "wallet.db-shm").exists()


async def test_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """Its folder, its content, its version."""
    with pytest.raises(LedgerUnavailable, match=r"there is no folder .*/missing: make it"):
        await told_of(SqliteLedger(tmp_path / "missing" / "wallet.db"))
    text = tmp_path / "text.db"
    text.write_text("no database" * 100)
    with pytest.raises(LedgerUnavailable, match="file is not a database"):
        await told_of(SqliteLedger(text))
    newer = tmp_path / "newer.db"
    await make_and_close(SqliteLedger(newer))
    apsw.Connection(str(newer)).pragma("user_version", 99)
    with pytest.raises(LedgerUnavailable, match="a newer version wrote it: 99 steps"):
        await told_of(SqliteLedger(newer))


async def test_old_and_empty_files_get_their_tables(tmp_path: Path) -> None:
    """An empty file is what an operator has made for the daemon's user."""
    old, empty = tmp_path / "old.db", tmp_path / "empty.db"
    await make_and_close(SqliteLedger(old))
    apsw.Connection(str(old)).pragma("user_version", 1)
    empty.touch()
    assert await told_of(SqliteLedger(old)) == (
        f"{old}, its tables will be changed for this version"
    )
    assert await told_of(SqliteLedger(empty)) == f"{empty}, its tables will be created"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "may not make files in"),
        ("wallet.db", "may not write to .*wallet.db: give"),
        ("wallet.db.outbox", r"may not write to .*wallet\.db\.outbox"),
    ],
)
async def test_file_that_may_not_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    """The tests may run as root, who may write everywhere, so the answer is made up."""
    ledger = SqliteLedger(tmp_path / "wallet.db")
    await ledger.open()
    assert await ledger.hold_outbox()
    await ledger.close()
    refused = tmp_path / name
    monkeypatch.setattr(os, "access", lambda file, _: file != refused)
    with pytest.raises(LedgerUnavailable, match=told):
        await told_of(ledger)
