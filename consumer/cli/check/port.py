"""Asks whether the public port would work: its address, and the bucket of its keys."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from nats.js.errors import BucketNotFoundError

from consumer.access.record import KEY_PREFIX, decode
from consumer.cli.check.answer import CONNECTION_NAME, PartAnswer
from consumer.cli.top.read import ProcessAwayError, read
from consumer.errors import ConfigError
from consumer.nats.connection import connected
from consumer.nats.explain import explained
from consumer.operations.http import listening_socket
from consumer.options.address import reachable

if TYPE_CHECKING:
    from nats.js.kv import KeyValue

    from consumer.config.load import Config
    from consumer.http.settings import HttpSettings

NO_KEY: Final = "there is no key yet, so every request is refused: run consumer keys create"
PLAIN: Final = "plain HTTP: keys can be read on the way, unless a proxy with TLS stands in front"


async def public_port(config: Config, settings: HttpSettings) -> PartAnswer:
    """Take the port for a moment. The certificates were read with the configuration.

    If the daemon of this configuration runs, it has the port, and that is right.

    Raises:
        ConfigError: Somebody else has the port, or the socket is not inherited.
    """
    try:
        listening_socket(settings.bind, "http.bind").close()
    except ConfigError:
        operations = reachable(config.operations.bind)
        if not await asyncio.to_thread(_is_daemon, operations):
            raise
        text = f"{settings.bind}, in use while the daemon runs that answers at {operations}"
        return PartAnswer(ok=True, text=text)
    if settings.tls is not None:
        return PartAnswer(ok=True, text=f"{settings.bind}, TLS with {settings.tls.cert_file}")
    warnings = () if _is_private(settings.bind) else (PLAIN,)
    return PartAnswer(ok=True, text=f"{settings.bind}, plain HTTP", warnings=warnings)


def _is_daemon(address: str) -> bool:
    """Tell whether a daemon answers at an operations port."""
    try:
        read(f"http://{address}")
    except ProcessAwayError:
        return False
    return True


def _is_private(bind: str) -> bool:
    """Tell whether only this machine reaches an address, or nobody can tell from its text."""
    host = bind.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name, or an inherited socket
        return host in ("localhost", "fd")


async def keys(config: Config) -> PartAnswer:
    """Read the bucket of the keys, and do not make it.

    Raises:
        Unavailable: The server is away, or this user may not read the bucket.
    """
    name = config.keys.bucket
    async with connected(config.sink, name=CONNECTION_NAME) as client:
        with explained(f"KV_{name}", missing="was the bucket deleted just now?", client=client):
            try:
                bucket = await client.jetstream().key_value(name)
            except BucketNotFoundError:
                text = f"bucket {name} will be created"
                return PartAnswer(ok=True, text=text, warnings=(NO_KEY,))
            readable_count, unreadable = await _read(bucket)
    warnings = [f"key {key_id} cannot be read, so it is refused" for key_id in unreadable]
    if not readable_count:
        warnings.append(NO_KEY)
    told = "1 key" if readable_count == 1 else f"{readable_count} keys"
    return PartAnswer(ok=True, text=f"bucket {name}, {told}", warnings=tuple(warnings))


async def _read(bucket: KeyValue) -> tuple[int, list[str]]:
    """Return how many keys can be read, and the ids of those that cannot."""
    readable_count = 0
    unreadable: list[str] = []
    watcher = await bucket.watch(f"{KEY_PREFIX}>", ignore_deletes=True)
    async for entry in watcher:
        if entry is None:  # what comes after it is news
            break
        key_id = entry.key.removeprefix(KEY_PREFIX)
        if decode(entry.value or b"", key_id) is None:
            unreadable.append(key_id)
        else:
            readable_count += 1
    return readable_count, unreadable
