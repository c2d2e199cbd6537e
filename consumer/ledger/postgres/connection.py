"""Connects to PostgreSQL, and brings the tables of a ledger up to date."""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import TYPE_CHECKING, Final

import asyncpg

from consumer.ledger.answers import LedgerUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Connection, Pool, Record

MIGRATIONS: Final = ("0001", "0002", "0003", "0004", "0005", "0006")
"""The steps from an empty schema to the tables and functions of this version. Steps are only added,
at the end."""
LOCK_NUMBER: Final = 0x6C6564676572
"""The number of the lock under which steps are taken: `ledger` in ASCII."""
ORDER_S: Final = 2.6
"""The time for an order, with the wait for a connection and repetitions after deadlocks."""
STATEMENT_S: Final = 2.5
"""A provider waits 3 s for its answer, so no order takes longer than this."""
LOCK_S: Final = 1.0
"""How long an order waits for each lock. So a row that somebody has locked by hand cannot keep all
connections waiting."""
CONNECT_S: Final = 5.0
DEADLOCK: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server ended the connection, and the client has seen half
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby, after a failover
    asyncpg.PostgresIOError,
    asyncpg.LockNotAvailableError,
)
"""The server does not answer, or cannot answer now."""
NO_URL: Final = "the ledger's database: the URL in [wallet] database cannot be read"


async def connect(url: str, schema: str, connections_count: int) -> Pool:
    """Connect, and bring the tables up to date.

    Raises:
        LedgerUnavailable: The server is away, or refuses us, or a newer version made the tables.
    """
    settings = {
        "search_path": f'"{schema}"',
        "synchronous_commit": "on",
        "default_transaction_isolation": "read committed",
        "statement_timeout": str(int(STATEMENT_S * 1000)),
        "lock_timeout": str(int(LOCK_S * 1000)),
        "application_name": "consumer ledger",
        "jit": "off",
    }
    try:
        await _migrate(await connect_once(url), schema)
        return await asyncpg.create_pool(
            url,
            min_size=0,  # otherwise the library opens connections in a task that outlives the pool
            max_size=connections_count,
            timeout=CONNECT_S,
            command_timeout=STATEMENT_S * 2,
            server_settings=settings,
            reset=_keep,
        )
    except (*AWAY, asyncpg.PostgresError) as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> LedgerUnavailable:
    """Translate an error of the library. That of a time limit has no text of its own."""
    why = str(error) or "no answer in time"
    return LedgerUnavailable(f"the ledger's database: {why}")


async def connect_once(url: str) -> Connection:
    """Make a connection without a pool. The URL is read here for the first time.

    Raises:
        LedgerUnavailable: The URL cannot be read. The text shows nothing of the URL, which may have
            a password.
        Exception: As the library raises it.
    """
    try:
        return await asyncpg.connect(url, timeout=CONNECT_S)
    except (ValueError, OverflowError) as error:  # UnicodeError is a ValueError
        raise LedgerUnavailable(NO_URL) from error


async def _keep(_: Connection) -> None:
    """Leave a connection as it is when it goes back to the pool.

    By default, the pool sends a query that undoes what was set. No call of ours sets anything, and
    the query is a second round trip for each order.
    """


async def fetch_over(
    connection: Connection, statement: str, arguments: Sequence[object]
) -> list[Record]:
    """Run a statement. If the server did not answer, the connection is not used any more.

    Raises:
        Exception: As the library raises it.

    Cancelling: the connection is ended. Otherwise the pool would ask the server to cancel the
    statement, and wait for it. A frozen server would hold the caller up.
    """
    try:
        rows: list[Record] = await connection.fetch(statement, *arguments)
    except (asyncio.CancelledError, *AWAY):
        connection.terminate()
        raise
    return rows


def refuse_newer(done: set[str], schema: str) -> None:
    """Refuse a schema in which steps were taken that this version does not know.

    Raises:
        LedgerUnavailable: It is so.
    """
    if not done <= set(MIGRATIONS):
        raise LedgerUnavailable(f"a newer version made the schema {schema}")


async def _migrate(connection: Connection, schema: str) -> None:
    """Take the steps that this schema has not taken yet, in one transaction. Close the connection.

    Another process may start at the same time, so it happens under a lock.
    """
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_NUMBER)
            await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            await connection.execute(f'SET LOCAL search_path TO "{schema}"')
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, at timestamptz"
                " NOT NULL DEFAULT now())"
            )
            done = {row["name"] for row in await connection.fetch("SELECT name FROM migration")}
            refuse_newer(done, schema)
            for name in MIGRATIONS[len(done) :]:
                step = resources.files(__package__) / f"{name}.sql"
                await connection.execute(step.read_text())
                await connection.execute("INSERT INTO migration VALUES ($1)", name)
    finally:
        await connection.close()
