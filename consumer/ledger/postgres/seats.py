"""Keeps one player from taking all connections to PostgreSQL.

Orders of one account wait for each other in the database, and each of them needs a connection while
it waits. So only a few orders of a session are sent to the database at once. The others wait here.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SEATS_COUNT: Final = 3
"""So many orders of a session are in the database at once."""


class Seats:
    """The orders that are under way, by session."""

    def __init__(self) -> None:
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._users_count: dict[str, int] = {}

    @contextlib.asynccontextmanager
    async def taken(self, session: str) -> AsyncIterator[None]:
        """Wait for a seat of a session, and hold it for the time of the block.

        Cancelling: no seat is held.
        """
        turn = self._turns.setdefault(session, asyncio.Semaphore(SEATS_COUNT))
        self._users_count[session] = self._users_count.get(session, 0) + 1
        try:
            async with turn:
                yield
        finally:
            self._users_count[session] -= 1
            if not self._users_count[session]:
                del self._users_count[session], self._turns[session]
