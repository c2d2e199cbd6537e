"""What the tests of the NATS listener do with one."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import urlsplit

from consumer.listeners.nats.listener import NatsListener, NatsListenerSettings

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


def core_listener(url: str, subject: str, **settings: object) -> NatsListener:
    """Make a listener without a stream."""
    options: dict[str, Any] = {"url": url, "subject": subject}
    options.update(settings)
    return NatsListener("core", NatsListenerSettings(**options))


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
