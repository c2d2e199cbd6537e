"""What the tests of the NATS listener do with one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest

from consumer.errors import ListenerUnavailable
from consumer.listeners.nats.listener import NatsListener, NatsListenerSettings
from tests.support.fates import end_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.deliveries.delivery import Delivery


DEADLINE_S: Final = 20
MEGABYTE: Final = 1024 * 1024
PATIENT: Final[dict[str, Any]] = {"ack_wait_s": 60.0}
"""So that nothing comes again because time passed."""
RIGHTS: Final = """
authorization {
  default_permissions { publish: ">", subscribe: ">" }
  users: [
    { user: admin, password: admin },
    { user: app, password: app, permissions: { publish: { deny: [%s] }, subscribe: ">" } },
    { user: deaf, password: deaf, permissions: { publish: ">", subscribe: { deny: ["core.>"] } } }
  ]
}
"""


@asynccontextmanager
async def opened(listener: NatsListener) -> AsyncIterator[NatsListener]:
    """Open a listener and close it in any case."""
    try:
        await listener.open()
        yield listener
    finally:
        await listener.close()


def core_listener(url: str, subject: str, **settings: object) -> NatsListener:
    """Make a listener without a stream."""
    options: dict[str, Any] = {"url": url, "subject": subject}
    options.update(settings)
    return NatsListener("core", NatsListenerSettings(**options))


async def receive(listener: NatsListener, count: int) -> list[Delivery]:
    """Receive exactly so many within the deadline."""
    found: list[Delivery] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            found += await listener.receive(count - len(found), 100 * MEGABYTE, 1)
    return found


async def acknowledge(listener: NatsListener, deliveries: list[Delivery]) -> None:
    """Settle as stored."""
    end_all(deliveries)
    await listener.settle(deliveries)


async def refusal(listener: NatsListener) -> ListenerUnavailable:
    """Return the error of an `open` that has to fail."""
    with pytest.raises(ListenerUnavailable) as caught:
        await listener.open()
    await listener.close()
    return caught.value


async def loss(listener: NatsListener) -> ListenerUnavailable:
    """Return the error that ends a listener's life within the deadline."""
    with pytest.raises(ListenerUnavailable) as caught:
        await receive(listener, 1_000_000)
    return caught.value


def ignore(_: object) -> None:
    """Hear nothing."""


async def send_raw(url: str, *lines: bytes) -> None:
    """Speak the protocol by hand, and return once the server has read it."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(b"".join((b'CONNECT {"headers":true}\r\n', *lines, b"PING\r\n")))
    while await reader.readline() != b"PONG\r\n":
        assert not reader.at_eof()
    writer.close()


def with_headers(block: bytes) -> bytes:
    """Return the protocol's line for a body `{}` behind any header block."""
    return b"HPUB %%sx %d %d\r\n" % (len(block), len(block) + 2) + block + b"{}\r\n"
