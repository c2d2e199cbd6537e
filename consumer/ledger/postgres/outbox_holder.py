"""Lets one process take from the outbox, by a lock of a connection to PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncpg

from consumer.ledger.postgres.connection import AWAY, CONNECT_S, unavailable

if TYPE_CHECKING:
    from asyncpg import Connection

ASK_S: Final = 2.0
NOTICED: Final = {
    "application_name": "consumer outbox",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""With these settings the server notices within 15 s that this process is gone without a word, such
as when its host has lost power. By default that takes two hours, in which nobody takes from the
outbox."""


class OutboxHolder:
    """A connection that has the lock, or tries to get it.

    If the connection is lost, the server gives the lock to another process.

    Args:
        url: The server and the database.
        schema: The schema whose outbox it is about.
    """

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._connection: Connection | None = None
        self._holds = False

    async def holds(self) -> bool:
        """Try to get the lock, and tell whether this process has it.

        Raises:
            LedgerUnavailable: The server does not answer.
        """
        try:
            if self._connection is None or self._connection.is_closed():
                self._holds = False
                self._connection = await asyncpg.connect(
                    self._url, timeout=CONNECT_S, server_settings=dict(NOTICED)
                )
            if self._holds:
                await self._connection.fetchval("SELECT 1", timeout=ASK_S)
            else:
                self._holds = await self._connection.fetchval(
                    "SELECT pg_try_advisory_lock(hashtextextended($1, 0))",
                    f"outbox of {self._schema}",
                    timeout=ASK_S,
                )
        except (*AWAY, asyncpg.PostgresError) as error:
            self.close()
            raise unavailable(error) from error
        return self._holds

    def close(self) -> None:
        """End the connection, and with it the lock. It may be called twice."""
        connection, self._connection, self._holds = self._connection, None, False
        if connection is not None:
            connection.terminate()
