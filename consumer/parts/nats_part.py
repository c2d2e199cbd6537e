"""A part that has a connection to NATS, or waits for one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import nats.errors

from consumer.errors import SinkUnavailable, Unavailable
from consumer.nats.connection import NatsSettings, close, connect
from consumer.parts.base import Part

if TYPE_CHECKING:
    from nats.aio.client import Client

    from consumer.operations.caveat import Caveat

CHECK_TIMEOUT_S: Final = 2


class NatsPart(Part):
    """A part that has a connection to NATS, or waits for one. Subclasses use the connection.

    Args:
        connection: How to reach the server.
        name: The connection's name, for the server's monitoring.

    Attributes:
        complaint: The last complaint of the server about a living connection. A missing permission
            shows nowhere else.
    """

    def __init__(self, connection: NatsSettings, *, name: str) -> None:
        self._connection = connection
        self._name = name
        self._client: Client | None = None
        self._lost = asyncio.Event()
        self._why_lost = "not connected yet"
        self.complaint = ""

    @property
    def client(self) -> Client:
        """The connection.

        Raises:
            SinkUnavailable: There is no connection now.
        """
        if self._client is None:
            raise SinkUnavailable(self._why_lost)
        return self._client

    async def prepare(self, _: Client, /) -> list[Caveat]:
        """Get a new connection ready. By default, there is nothing to do.

        Returns:
            A caveat for everything that works but may surprise.

        Raises:
            SinkUnavailable: The server is not fit; the text says what to do.
        """
        return []

    def abandon(self, why: str) -> None:
        """Answer all calls that still wait for this connection. By default there are none."""

    async def open(self) -> list[Caveat]:
        """See `Part.open`."""
        await self.close()
        try:
            return await self._open()
        except SinkUnavailable as error:
            self._disown()
            self._why_lost = str(error)
            raise

    async def _open(self) -> list[Caveat]:
        lost = self._lost = asyncio.Event()

        def on_lost(why: str) -> None:
            if lost is self._lost:  # otherwise an earlier connection ended, and we hear it late
                self._forget(f"connection lost: {why}")

        try:
            client = await connect(
                self._connection, name=self._name, on_lost=on_lost, on_error=self.complain
            )
        except Unavailable as error:
            raise SinkUnavailable(str(error), refused=error.refused) from error
        try:
            caveats = await self.prepare(client)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            await close(client)
            raise SinkUnavailable(f"connection lost while opening: {error}") from error
        except BaseException:
            await close(client)
            raise
        self.complaint = ""
        self._client = client
        return caveats

    def _disown(self) -> None:
        """From now on, do not listen to the connection that was. It tells its own end too."""
        self._lost = asyncio.Event()

    def _forget(self, why: str) -> None:
        self._client = None
        self._why_lost = why
        self.abandon(why)
        self._lost.set()

    def complain(self, error: Exception) -> None:
        """Keep the error that nats-py reports while the connection goes on."""
        self.complaint = str(error)

    async def wait_lost(self) -> str:
        """See `Part.wait_lost`."""
        if self._client is not None:
            await self._lost.wait()
        return self._why_lost

    async def check(self) -> None:
        """See `Part.check`."""
        try:
            await self.client.flush(timeout=CHECK_TIMEOUT_S)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise SinkUnavailable("the server does not answer") from error

    async def give_up(self, why: str) -> None:
        """Close the connection, because it is of no use any more.

        Cancelling: the socket is closed at once.

        Args:
            why: The reason, which `wait_lost` returns.
        """
        client = self._client
        if client is not None:
            self._forget(why)
            self._disown()
            await close(client)

    async def close(self) -> None:
        """See `Part.close`."""
        await self.give_up("closed")
