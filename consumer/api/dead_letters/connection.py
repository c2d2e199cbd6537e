"""Holds the connection over which the port reads dead letters.

Requests have this connection for themselves. So a long list of letters does not delay the letters
that the lanes store. It is opened for the first request, and again after a loss.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from consumer.nats.connection import close, connect
from consumer.tools.replay.read import LetterReader

if TYPE_CHECKING:
    from nats.aio.client import Client

    from consumer.config.load import Config


class LetterConnection:
    """The way to the dead letters of one environment.

    Args:
        config: The configuration of the environment.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._client: Client | None = None
        self._opening = asyncio.Lock()

    async def reader(self) -> LetterReader:
        """Return a reader of the letters. Its connection is open, or was open a moment ago.

        Raises:
            Unavailable: The server is away, or refuses us.
        """
        async with self._opening:
            if self._client is None or self._client.is_closed:
                name = "consumer dead letters over HTTP"
                self._client = await connect(self._config.sink, name=name)
            return LetterReader(self._client, self._config.dead_letters)

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await close(self._client)
