"""Asks whether the public port would work: its address, and the bucket of its keys."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from nats.js.errors import BucketNotFoundError

from consumer.access.record import KEY_PREFIX, decode, record_of, stream_of
from consumer.cli.check.answer import CONNECTION_NAME, PartAnswer
from consumer.cli.top.read import ProcessAwayError, read
from consumer.errors import ConfigError
from consumer.nats.connection import connected
from consumer.nats.explain import explained
from consumer.nats.follow import FIRST, following
from consumer.operations.http import listening_socket
from consumer.options.address import reachable

if TYPE_CHECKING:
    from nats.aio.client import Client

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
        with explained(stream_of(name), missing="was the bucket deleted just now?", client=client):
            try:
                await client.jetstream().key_value(name)
            except BucketNotFoundError:
                text = f"bucket {name} will be created"
                return PartAnswer(ok=True, text=text, warnings=(NO_KEY,))
        readable_count, unreadable = await _read(client, name)
    warnings = [f"key {key_id} cannot be read, so it is refused" for key_id in unreadable]
    if not readable_count:
        warnings.append(NO_KEY)
    told = "1 key" if readable_count == 1 else f"{readable_count} keys"
    return PartAnswer(ok=True, text=f"bucket {name}, {told}", warnings=tuple(warnings))


async def _read(client: Client, bucket: str) -> tuple[int, list[str]]:
    """Return how many keys can be read, and the ids of those that cannot.

    The bucket's own `watch` is not used: it leaves its consumer behind for five minutes. This one
    is deleted at the end, also after an error.
    """
    records: dict[str, bytes | None] = {}
    subjects = (f"$KV.{bucket}.{KEY_PREFIX}>",)
    async with following(client, FIRST, stream=stream_of(bucket), subjects=subjects) as follower:
        async for msg in follower.stored():
            record = record_of(msg, bucket)
            records[record.name.removeprefix(KEY_PREFIX)] = record.data
    kept = {key_id: data for key_id, data in records.items() if data is not None}
    unreadable = [key_id for key_id, data in kept.items() if decode(data, key_id) is None]
    return len(kept) - len(unreadable), unreadable
