"""Looks whether the ledger of a schema could be opened and used, and changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import asyncpg

from consumer.ledger.answers import LedgerUnavailable
from consumer.ledger.look import LedgerLook, steps_told
from consumer.ledger.postgres.connection import (
    AWAY,
    MIGRATIONS,
    STATEMENT_S,
    connect_once,
    fetch_over,
    refuse_newer,
    unavailable,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from asyncpg import Connection

    from consumer.ledger.look import FoundRows, LedgerRows

CLOSE_S: Final = 1.0
ABOUT_SERVER: Final = """
    SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on',
    has_database_privilege(current_database(), 'CREATE'), current_user, current_database()"""
ABOUT_SCHEMA: Final = """
    SELECT oid, has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE')
    FROM pg_namespace WHERE nspname = $1"""
TABLES: Final = """
    SELECT relname, pg_has_role(relowner, 'USAGE') FROM pg_class
    WHERE relnamespace = $1 AND relkind = 'r'"""
LACKING: Final = """
    SELECT one.privilege || ' on ' || relname FROM pg_class
    JOIN unnest($2::text[], $3::text[]) AS one(name, privilege) ON one.name = relname
    WHERE relnamespace = $1 AND NOT has_table_privilege(pg_class.oid, one.privilege)
    ORDER BY relname, one.privilege"""
ORDERS: Final = "SELECT INSERT"
NEEDED: Final = {
    "account": f"{ORDERS} UPDATE",
    "bonus": f"{ORDERS} UPDATE",
    "currency": ORDERS,
    "entry": ORDERS,
    "game": f"{ORDERS} UPDATE DELETE",
    "migration": "SELECT",
    "outbox": f"{ORDERS} DELETE",
    "provider_key": f"{ORDERS} UPDATE",
    "round": f"{ORDERS} UPDATE",
    "session": f"{ORDERS} UPDATE",
    "transactions": ORDERS,
    "verified": f"{ORDERS} UPDATE DELETE",
    "verify_run": f"{ORDERS} UPDATE",
}
"""The tables, each with the rights that the statements of this program need."""
NEEDED_PAIRS: Final = [(name, one) for name, rights in NEEDED.items() for one in rights.split()]


@contextlib.asynccontextmanager
async def look(url: str, schema: str) -> AsyncIterator[LedgerLook]:
    """See `Ledger.looked_at`."""
    try:
        connection = await connect_once(url)
        try:
            yield await _look(connection, schema)
            if not connection.is_closed():  # a statement that failed has ended it
                await fetch_over(connection, "ROLLBACK", ())
            await connection.close(timeout=CLOSE_S)
        finally:
            connection.terminate()  # it may be closed already
    except (*AWAY, asyncpg.PostgresError) as error:
        raise unavailable(error) from error


async def _look(connection: Connection, schema: str) -> LedgerLook:
    async def rows(statement: str, parameters: Sequence[object]) -> FoundRows:
        async with asyncio.timeout(STATEMENT_S * 2):
            return [tuple(row) for row in await fetch_over(connection, statement, parameters)]

    ((is_standby, is_read_only, may_create, user, database),) = await rows(ABOUT_SERVER, ())
    # From now on, the server refuses a change. The settings end with the transaction, also if a
    # pool such as PgBouncer keeps the connection to the server.
    await rows("BEGIN READ ONLY", ())
    await rows(f'SET LOCAL search_path = "{schema}"', ())
    if is_standby:
        raise LedgerUnavailable("this server is a standby: name the primary in [wallet] database")
    if is_read_only:
        raise LedgerUnavailable(
            "default_transaction_read_only is on for this user or this database: switch it off"
        )
    if not may_create:  # the server wants this right also if the schema is there
        raise LedgerUnavailable(
            f'a right is missing, run: GRANT CREATE ON DATABASE "{database}" TO "{user}"'
        )
    found = await rows(ABOUT_SCHEMA, (schema,))
    if not found:
        return LedgerLook(f"schema {schema} will be created")
    ((oid, may_use),) = found
    if not may_use:
        raise LedgerUnavailable(
            f'a right is missing, run: GRANT USAGE, CREATE ON SCHEMA "{schema}" TO "{user}"'
        )
    return await _look_at_tables(rows, schema, oid)


async def _look_at_tables(rows: LedgerRows, schema: str, oid: object) -> LedgerLook:
    """Look at the tables of a schema that exists."""
    owned = {str(name): bool(is_ours) for name, is_ours in await rows(TABLES, (oid,))}
    if "migration" not in owned:
        return LedgerLook(steps_told(f"schema {schema}", 0, len(MIGRATIONS)))
    done = {name for (name,) in await rows("SELECT name FROM migration", ())}
    refuse_newer(done, schema)
    told = steps_told(f"schema {schema}", len(done), len(MIGRATIONS))
    if len(done) < len(MIGRATIONS):
        if not all(owned.values()):
            raise LedgerUnavailable(
                f"{told}, and only the owner of the tables can do this: name this user in "
                "[wallet] database"
            )
        return LedgerLook(told, rows)
    if missing := NEEDED.keys() - owned.keys():
        raise LedgerUnavailable(f"schema {schema} lacks tables: {', '.join(sorted(missing))}")
    names, rights = zip(*NEEDED_PAIRS, strict=True)
    lacking = [str(one) for (one,) in await rows(LACKING, (oid, names, rights))]
    if lacking:
        raise LedgerUnavailable(
            f"rights are missing in schema {schema}: {', '.join(lacking)}; grant them, or name the "
            "owner of the tables in [wallet] database"
        )
    return LedgerLook(told, rows)
