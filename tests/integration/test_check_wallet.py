"""`consumer check` with a wallet: the databases of both environments, and nothing is made."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from consumer.deliveries.origin import Environment
from consumer.ledger.answers import LedgerUnavailable
from consumer.ledger.make import make_ledger
from consumer.tools.embedded.servers import free_port
from tests.brokers.postgres import Postgres
from tests.support.checked_server import CheckedServer, checked_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[CheckedServer]:
    """Start a server without any stream."""
    async with checked_server(tmp_path) as server:
        yield server


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    """Start an empty PostgreSQL, because the schemas of a wallet have fixed names."""
    with Postgres(tmp_path / "postgres") as server:
        yield server


async def check(server: CheckedServer, database: str, **tables: object) -> tuple[int, list[str]]:
    """Check a wallet. Return the exit code, and the lines about the ledgers."""
    brand = {"origin": "www.b.example", "exchange_rates": {"EUR": "1"}}
    wallet: dict[str, Any] = {
        "database": database,
        "brands": {"b": brand},
        "providers": {"acme": {}},
    }
    result = await server.check(
        {
            "listeners": {"api": {"kind": "http"}},
            "dedupe": {"store": "memory"},
            "sink": {"url": server.url},
            "http": {"bind": f"127.0.0.1:{free_port()}"},
            "operations": {"bind": f"127.0.0.1:{free_port()}"},
            "wallet": wallet,
            **tables,
        }
    )
    return result.exit_code, [line for line in result.stdout.splitlines() if " ledger " in line]


async def test_file_will_be_created(server: CheckedServer, tmp_path: Path) -> None:
    """Test money is in another file. Neither file is made."""
    path = tmp_path / "wallet.db"
    code, lines = await check(server, f"sqlite:{path}", sandbox={})
    assert code == 0
    assert lines == [
        f"ok    wallet ledger         {path} will be created",
        f"ok    sandbox ledger        {tmp_path / 'wallet-test.db'} will be created",
    ]
    assert not path.exists()


async def test_schema_will_be_created(server: CheckedServer, postgres: Postgres) -> None:
    """The URL is shown without its user. After a start, the schema of live money is there."""
    code, lines = await check(server, postgres.address, sandbox={})
    assert code == 0
    shown = re.sub("://.*@", "://***@", postgres.address)
    assert lines == [
        f"ok    wallet ledger         {shown}, schema wallet will be created",
        f"ok    sandbox ledger        {shown}, schema wallet_test will be created",
    ]
    connection = await asyncpg.connect(postgres.address)
    schemas = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname ~ '^wallet'")
    await connection.close()
    assert not schemas
    ledger = make_ledger(postgres.address, Environment.LIVE)
    await ledger.open()
    await ledger.close()
    code, lines = await check(server, postgres.address)
    assert (code, lines) == (0, [f"ok    wallet ledger         {shown}, schema wallet"])


async def test_configuration_that_does_not_fit_the_ledger_fails(
    server: CheckedServer, tmp_path: Path
) -> None:
    """The wallet would stay closed."""
    database = f"sqlite:{tmp_path / 'wallet.db'}"
    ledger = make_ledger(database, Environment.LIVE)
    await ledger.open()
    await ledger.rows("INSERT INTO currency VALUES ('gone', 'EUR', 2) RETURNING name", ())
    await ledger.add_player("gone", "anna", "EUR")
    await ledger.close()
    code, lines = await check(server, database)
    assert code == 1
    assert lines == [
        "FAIL  wallet ledger         wallet.brands.gone: is missing, and it has players"
    ]


async def test_database_that_is_away_fails(server: CheckedServer) -> None:
    """With what the operating system says."""
    code, lines = await check(server, f"postgresql://wallet@127.0.0.1:{free_port()}/wallet")
    assert code == 1
    (line,) = lines
    assert line.startswith("FAIL  wallet ledger         the ledger's database: ")
    assert "Connect call failed" in line


async def test_frozen_database_fails_in_time(server: CheckedServer, postgres: Postgres) -> None:
    """Nobody waits for its answer for ever, nor for the end of the connection."""
    postgres.freeze()
    try:
        async with asyncio.timeout(30):
            code, lines = await check(server, postgres.address)
            with pytest.raises(LedgerUnavailable, match="no answer in time"):
                await make_ledger(postgres.address, Environment.LIVE).open()
    finally:
        postgres.thaw()
    assert code == 1
    assert lines == ["FAIL  wallet ledger         the ledger's database: no answer in time"]


async def test_url_that_cannot_be_read_fails(server: CheckedServer) -> None:
    """Nothing of it is shown, because it may have a password."""
    code, lines = await check(server, "postgresql://wallet:secret@db.example:port/wallet")
    assert code == 1
    (line,) = lines
    assert "the URL in [wallet] database cannot be read" in line
    assert "secret" not in line
