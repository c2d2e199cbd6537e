"""Runs NATS and Valkey together, and makes a configuration that uses them."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Final

import msgspec
from nats.js.api import StreamConfig

from consumer.config.load import Config, build
from consumer.config.render import to_toml
from consumer.listeners.registry import kinds
from consumer.nats.connection import NatsSettings, connected
from consumer.tools.embedded.folder import owned
from consumer.tools.embedded.servers import embedded_nats, embedded_valkey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BRAND: Final = "demo"
LISTENER: Final = "demo"
POSTED_LISTENER: Final = "api"
INBOUND: Final = "INBOUND"
INBOUND_SUBJECTS: Final = "inbound.>"
HOST: Final = "127.0.0.1"
NATS_PORT: Final = 4222
VALKEY_PORT: Final = 6379
OPERATIONS_PORT: Final = 9464
HTTP_PORT: Final = 8080
PORTS_TRIED_COUNT: Final = 100
"""The number of ports that `next_free_port` tries."""


@contextlib.asynccontextmanager
async def embedded_servers(
    data: Path, *, nats_port: int = 0, valkey_port: int = 0
) -> AsyncIterator[tuple[str, str]]:
    """Run both servers during the block; yields the URLs of NATS and Valkey.

    Args:
        data: The folder in which both servers keep their data.
        nats_port: The port of NATS. 0 means any free port.
        valkey_port: The port of Valkey. 0 means any free port.

    Raises:
        ConfigError: Another process uses the folder.
        EmbeddedError: A server is not installed, or was not ready in time.
    """
    with owned(data):
        async with (
            embedded_nats(data / "nats", nats_port) as nats_url,
            embedded_valkey(data / "valkey", valkey_port) as valkey_url,
        ):
            yield nats_url, valkey_url


def next_free_port(first_port: int) -> int:
    """Return the lowest free port that is not below `first_port`.

    Returns:
        The port, or 0 if none of the first `PORTS_TRIED_COUNT` ports is free.
    """
    for port in range(first_port, first_port + PORTS_TRIED_COUNT):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((HOST, port))
                return port
    return 0


async def make_inbound_stream(nats_url: str) -> None:
    """Create the stream that the sample brand publishes to, unless it exists already.

    Raises:
        Unavailable: The server is away.
    """
    settings = NatsSettings(url=nats_url)
    async with connected(settings, name="consumer embedded") as client:
        inbound = StreamConfig(name=INBOUND, subjects=[INBOUND_SUBJECTS])
        await client.jetstream().add_stream(inbound)


def sample_tables(
    nats_url: str, valkey_url: str, operations_port: int, http_port: int | None = None
) -> dict[str, object]:
    """Return the tables of a configuration with a listener on our own NATS server.

    Args:
        nats_url: The URL of our NATS server.
        valkey_url: The URL of our Valkey server.
        operations_port: The port of `/readyz` and `/metrics`.
        http_port: The public port, which has a sandbox. None means that there is none.
    """
    listeners: dict[str, object] = {
        LISTENER: {
            "kind": "nats",
            "url": nats_url,
            "stream": INBOUND,
            "subject": INBOUND_SUBJECTS,
        }
    }
    tables: dict[str, object] = {
        "brand": BRAND,
        "listeners": listeners,
        "dedupe": {"store": "redis", "url": valkey_url},
        "sink": {"kind": "jetstream", "url": nats_url},
        "operations": {"bind": f"{HOST}:{operations_port}"},
    }
    if http_port is not None:
        listeners[POSTED_LISTENER] = {"kind": "http"}
        # Nothing balances the load here, so a drain has nobody to wait for.
        tables["http"] = {"bind": f"{HOST}:{http_port}", "drain_delay_s": 0.1}
        tables["sandbox"] = {}
        tables["stream_api"] = {}
    return tables


def sample_config(
    nats_url: str, valkey_url: str, operations_port: int, http_port: int | None = None
) -> Config:
    """Return a checked configuration that is made from `sample_tables`."""
    return build(sample_tables(nats_url, valkey_url, operations_port, http_port), kinds())


def redirected(config: Config, nats_url: str, valkey_url: str) -> Config:
    """Return the user's configuration with our own servers as sink and store.

    The user's logins are left out, because our own servers ask for no login.
    """
    login = ("user", "password", "token", "nkey_seed", "credentials_file", "tls")
    sink = msgspec.structs.replace(config.sink, url=nats_url, **dict.fromkeys(login))
    dedupe = msgspec.structs.replace(
        config.dedupe, store="redis", url=valkey_url, username=None, password=None, tls=None
    )
    return msgspec.structs.replace(config, sink=sink, dedupe=dedupe)


def keep_config(config: Config, path: Path) -> None:
    """Write the configuration into a file for the other verbs.

    Only the owner may read it, because a configuration holds secrets.
    """
    write_private(
        path,
        "# `consumer run --embedded` and `consumer sandbox` write this file anew at each start.\n"
        + to_toml(config, hide_secrets=False),
    )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read. Its folder is made if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")
