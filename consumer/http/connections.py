"""Counts the connections of the public port, and makes room for new ones.

Responsible for how many connections there may be, and for their deadlines. What one connection may
do is decided by `connection.py`, and by `tls.py` during the handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from consumer.http.client_address import ClientAddress
    from consumer.http.settings import HttpSettings
    from consumer.operations.metrics import Metrics

NEVER_S: Final = float("inf")
LAST_REQUESTS_S: Final = 0.5
"""How long a drain waits for requests that clients have sent before they can know of it."""
OWN_PART_BITS: Final = 64
"""The owner of an IPv6 network chooses so many of the last bits of its addresses."""


class CutOff(StrEnum):
    """Why a connection was cut off: a value of the label `reason` of `http_shed`."""

    CONNECTIONS = "connections"
    ADDRESS_CONNECTIONS = "address_connections"
    SLOW = "slow"
    NOT_READING = "not_reading"
    HEADERS = "headers"
    PIPELINED = "pipelined"
    MALFORMED = "malformed"
    HANDSHAKE = "handshake"
    FRAMES = "frames"
    SILENT = "silent"


class Held(Protocol):
    """What is counted as a connection: a connection, or the TLS handshake before it.

    Attributes:
        until_s: The deadline, on the loop's clock.
        until_read_s: The deadline for the client to read its answer.
    """

    until_s: float
    until_read_s: float

    def expire(self, now_s: float) -> None:
        """End the connection, because a deadline is over."""

    def shutdown(self) -> None:
        """End the connection as soon as the request that has begun, if any, is answered."""

    def abort(self) -> None:
        """End the connection at once."""


class Connections:
    """All connections of a port, and their limits.

    Args:
        settings: The limits.
        client_address: Knows the trusted proxies. They may have any number of connections.
        metrics: Counts the open connections, and those that are cut off.

    Attributes:
        settings: The limits.
        waiting: The connections without a request that the application works on. They wait for the
            head of a request, or were refused. The first has waited for the longest time.
        max_count: The largest number of connections. It is smaller than the number in the settings
            if the system does not allow so many.
        draining: If true, each connection ends after its next answer.
    """

    def __init__(
        self, settings: HttpSettings, client_address: ClientAddress, metrics: Metrics
    ) -> None:
        self.settings = settings
        self.waiting: dict[Held, None] = {}
        self.max_count = settings.max_connections_count
        self.draining = False
        self._owners: dict[Held, str] = {}
        self._by_owner: Counter[str] = Counter()
        self._client_address = client_address
        self._open = metrics.http_connections
        self._shed = {reason: metrics.http_shed.labels(reason.value) for reason in CutOff}
        self._left = asyncio.Event()

    def admit(self, connection: Held, address: str) -> bool:
        """Take a new connection, or refuse it.

        If there are too many connections, the connection that has waited for the longest time is
        closed, even if a part of a head has arrived on it. If no connection waits, the new
        connection is refused.
        """
        owner = _owner_of(address)
        trusted = self._client_address.is_trusted(address)
        if not trusted and self._by_owner[owner] >= self._max_per_address_count:
            self.shed(CutOff.ADDRESS_CONNECTIONS)
            return False
        if len(self._owners) >= self.max_count:
            self.shed(CutOff.CONNECTIONS)
            longest = next(iter(self.waiting), None)
            if longest is None:
                return False
            self.forget(longest)
            longest.abort()
        self._by_owner[owner] += 1
        self._owners[connection] = owner
        self._open.set(len(self._owners))
        return True

    @property
    def _max_per_address_count(self) -> int:
        return self.settings.max_connections_per_address_count

    def forget(self, connection: Held) -> None:
        """Forget a connection that is gone, or was never admitted."""
        self.waiting.pop(connection, None)
        owner = self._owners.pop(connection, None)
        if owner is None:
            return
        self._by_owner[owner] -= 1
        if not self._by_owner[owner]:
            del self._by_owner[owner]
        self._open.set(len(self._owners))
        self._left.set()

    def replace(self, connection: Held, by: Held) -> None:
        """Count a stream in place of the connection that read its request."""
        self._owners[by] = self._owners.pop(connection)

    def shed(self, reason: CutOff) -> None:
        """Count a connection that is cut off."""
        self._shed[reason].inc()

    def sweep(self, now_s: float) -> None:
        """End every connection that has missed a deadline."""
        late = [one for one in self._owners if one.until_s <= now_s or one.until_read_s <= now_s]
        for connection in late:
            connection.expire(now_s)

    async def drain(self) -> None:
        """End every connection behind its next answer, and wait until all are gone.

        A connection without a request is ended after `LAST_REQUESTS_S`, because its next request
        may be on its way. After an answer to many at once, this is so for most connections.

        Cancelling: the connections that are left stay open.
        """
        self.draining = True
        for connection in list(self._owners):
            if connection not in self.waiting:
                connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_REQUESTS_S):
                await self._gone()
        for connection in list(self._owners):
            connection.shutdown()
        await self._gone()

    async def _gone(self) -> None:
        while self._owners:
            self._left.clear()
            await self._left.wait()

    def abort(self) -> None:
        """End every connection at once."""
        for connection in list(self._owners):
            connection.abort()


def _owner_of(address: str) -> str:
    """Return what is counted as one address: an IPv4 address, or the network of an IPv6 address."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{int(found) >> OWN_PART_BITS:x}::/64"
