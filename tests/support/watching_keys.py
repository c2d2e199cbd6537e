"""The keys as one process of several knows them: a watched bucket on a real server, and a gate."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING, Final, NamedTuple

from consumer.access.bucket import KeyBucket
from consumer.access.edit import Keys, opened_keys
from consumer.access.gate import Gate
from consumer.access.key import Key, Scope
from consumer.access.keyring import Keyring
from consumer.access.refusal import KeyRefused, Refusal
from consumer.access.settings import KeysSettings
from consumer.cancel import end_tasks
from consumer.deliveries.origin import Environment
from consumer.nats.connection import NatsSettings, connected
from consumer.operations.health import Health
from consumer.operations.metrics import Metrics
from consumer.parts.keep_open import KeptOpen
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.js.client import JetStreamContext

IN_FORCE_S: Final = 1.0
"""The time within which a change has to be in force in every process."""
ASKED: Final = Key(
    id="", brand="brand-a", environment=Environment.LIVE, scopes=(Scope.INGEST, Scope.EVENTS_READ)
)
"""What a new key allows, in most tests."""


class Place(NamedTuple):
    """A bucket of one test on the shared server."""

    url: str
    name: str
    keys: Keys
    jetstream: JetStreamContext

    @property
    def stream(self) -> str:
        """The stream behind the bucket."""
        return f"KV_{self.name}"

    async def write(self, name: str, value: bytes) -> None:
        """Write into the bucket, past all checks."""
        bucket = await self.jetstream.key_value(self.name)
        await bucket.put(name, value)


@contextlib.asynccontextmanager
async def place_on(url: str) -> AsyncIterator[Place]:
    """Make a bucket for the block."""
    name = f"KEYS_{uuid.uuid4().hex[:12]}"
    connection = NatsSettings(url=url)
    async with connected(connection, name="test") as client:
        async with opened_keys(connection, KeysSettings(bucket=name)) as keys:
            yield Place(url, name, keys, client.jetstream())
        await client.jetstream().delete_stream(f"KV_{name}")


class Process:
    """What a process has of the keys.

    Attributes:
        bucket: The watch.
        health: What `/readyz` would show.
        gate: The gate.
        keyring: The keys.
    """

    def __init__(self, connection: NatsSettings, bucket: str) -> None:
        self.keyring = Keyring()
        self.health = Health()
        self.bucket = KeyBucket(connection, KeysSettings(bucket=bucket), 1, self.keyring)
        self.kept = KeptOpen("keys", self.bucket, self.health)
        self.gate = Gate(
            self.keyring,
            Metrics(),
            environments=list(Environment),
            events_per_s={},
            used=self.bucket.note_used,
        )

    def refuses(self, text: str) -> Refusal | None:
        """Return why a key would be refused now; None if it would be let in."""
        try:
            self.gate.admit(text, Scope.INGEST, "127.0.0.1")
        except KeyRefused as refused:
            return refused.refusal
        return None

    async def note_uses(self) -> None:
        """Write the days of last use now, and not only every 30 s."""
        await self.bucket.write_used()

    async def comes_to(
        self, text: str, refusal: Refusal | None, *, within_s: float = IN_FORCE_S
    ) -> None:
        """Wait until a key is refused for this reason, or let in."""
        what = f"{refusal or 'admission'} of the key"
        await eventually(lambda: self.refuses(text) is refusal, within_s=within_s, what=what)

    async def is_down(self) -> None:
        """Wait until the part reports that it is away."""
        await eventually(lambda: self.health.why_down("keys"), what="the loss of the watch")


@contextlib.asynccontextmanager
async def process(
    server: str | NatsSettings, bucket: str, *, opens: bool = True
) -> AsyncIterator[Process]:
    """Run a process; with `opens`, the block begins when it has read the keys."""
    if isinstance(server, str):
        server = NatsSettings(url=server, connect_timeout_s=2)
    one = Process(server, bucket)
    running = asyncio.get_running_loop().create_task(one.kept.run())
    try:
        if opens:
            async with asyncio.timeout(10):
                await one.kept.opened.wait()
        yield one
    finally:
        await end_tasks([running])
        await one.bucket.close()
