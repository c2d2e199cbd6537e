"""NATS and Valkey of our own, and a configuration that uses them."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Any, Final

import msgspec
from nats.js.api import StreamConfig

from consumer.config.load import Config, build
from consumer.config.render import to_toml
from consumer.listeners.registry import kinds
from consumer.nats.connection import NatsSettings, close, connect
from consumer.tools.embedded.servers import embedded_nats, embedded_valkey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BRAND: Final = "demo"
LISTENER: Final = "demo"
INBOUND: Final = "INBOUND"
INBOUND_SUBJECTS: Final = "inbound.>"
HOST: Final = "127.0.0.1"
NATS_PORT: Final = 4222
VALKEY_PORT: Final = 6379
OPERATIONS_PORT: Final = 9464
PORTS_TRIED_COUNT: Final = 100


@contextlib.asynccontextmanager
async def embedded_servers(
    data: Path, *, nats_port: int = 0, valkey_port: int = 0
) -> AsyncIterator[tuple[str, str]]:
    """Run both servers; yields the URLs of NATS and Valkey. Port 0: any free one.

    Raises:
        EmbeddedError: not installed, or not ready in time.
    """
    async with (
        embedded_nats(data / "nats", nats_port) as nats_url,
        embedded_valkey(data / "valkey", valkey_port) as valkey_url,
    ):
        yield nats_url, valkey_url


def next_free_port(first: int) -> int:
    """Return the first port from `first` on that nobody listens on; 0: there is none near."""
    for port in range(first, first + PORTS_TRIED_COUNT):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                return port
    return 0


async def make_inbound_stream(nats_url: str) -> None:
    """Create the stream that the sample brand publishes to; as it is, where it exists.

    Raises:
        Unavailable: the server is away.
    """
    client = await connect(
        NatsSettings(url=nats_url),
        name="consumer embedded",
        on_lost=lambda _: None,
        on_error=lambda _: None,
    )
    try:
        inbound = StreamConfig(name=INBOUND, subjects=[INBOUND_SUBJECTS])
        await client.jetstream().add_stream(inbound)
    finally:
        await close(client)


def sample_tables(nats_url: str, valkey_url: str, operations_port: int) -> dict[str, Any]:
    """Return the tables of a configuration with one NATS listener, on our own servers."""
    return {
        "brand": BRAND,
        "listeners": {
            LISTENER: {
                "kind": "nats",
                "url": nats_url,
                "stream": INBOUND,
                "subject": INBOUND_SUBJECTS,
            }
        },
        "dedupe": {"store": "redis", "url": valkey_url},
        "sink": {"kind": "jetstream", "url": nats_url},
        "operations": {"bind": f"{HOST}:{operations_port}"},
    }


def sample_config(nats_url: str, valkey_url: str, operations_port: int) -> Config:
    """Return such a configuration, checked."""
    return build(sample_tables(nats_url, valkey_url, operations_port), kinds())


def redirected(config: Config, nats_url: str, valkey_url: str) -> Config:
    """Return a configuration of the user's with sink and store on our own servers.

    Its logins go with its addresses: our servers ask for none.
    """
    login = ("user", "password", "token", "nkey_seed", "credentials_file", "tls")
    sink = msgspec.structs.replace(config.sink, url=nats_url, **dict.fromkeys(login))
    dedupe = msgspec.structs.replace(
        config.dedupe, store="redis", url=valkey_url, username=None, password=None, tls=None
    )
    return msgspec.structs.replace(config, sink=sink, dedupe=dedupe)


def keep_config(config: Config, path: Path) -> None:
    """Write a configuration for the other verbs, readable by its owner only: it holds secrets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(
        "# Made anew by each `consumer run --embedded`.\n" + to_toml(config, hide_secrets=False),
        encoding="utf-8",
    )
