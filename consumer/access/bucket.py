"""Keeps the keyring up to date from the JetStream KV bucket that holds the keys.

Responsible for reading the bucket whole, for watching it, and for noticing that the watch is lost:
the connection may be gone, the bucket may have been deleted or made anew, or the server may have
forgotten the watch. After that the bucket is read whole again, and what is read replaces what was
known. Meanwhile the known keys go on working.

Not responsible for changing keys (`edit.py`).
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import nats.errors
import nats.js.errors
import structlog
from nats.js.api import KeyValueConfig, StorageType

from consumer.access.record import KEY_PREFIX, USED_PREFIX, decode
from consumer.cancel import end_tasks
from consumer.errors import SinkUnavailable, Unavailable
from consumer.nats.connection import close, connect
from consumer.nats.explain import explained
from consumer.parts.base import Part

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js.kv import KeyValue

    from consumer.access.key import Key
    from consumer.access.keyring import Keyring
    from consumer.access.settings import KeysSettings
    from consumer.nats.connection import NatsSettings
    from consumer.operations.caveat import Caveat

READ_DEADLINE_S: Final = 10.0
USED_EVERY_S: Final = 30.0
"""The pause between two notes of which keys were used."""
MAX_KEY_BYTES: Final = 64 * 1024

log = structlog.get_logger()


async def open_bucket(client: Client, settings: KeysSettings, replicas_count: int) -> KeyValue:
    """Return the bucket of the keys. It is made if it is missing.

    Raises:
        SinkUnavailable: The server does not answer, or this user may not do it.
    """
    stream = f"KV_{settings.bucket}"
    jetstream = client.jetstream()
    request = f"$JS.API.STREAM.*.{stream}"
    with explained(stream, missing="was it deleted just now?", request=request):
        try:
            return await jetstream.key_value(settings.bucket)
        except nats.js.errors.BucketNotFoundError:
            wanted = KeyValueConfig(
                bucket=settings.bucket,
                description="access keys of consumer: hashes, never secrets",
                history=5,
                storage=StorageType.FILE,
                replicas=replicas_count,
                max_value_size=MAX_KEY_BYTES,
            )
            made = await jetstream.create_key_value(wanted)
            log.info("bucket of keys created", bucket=settings.bucket)
            return made


class KeyBucket(Part):
    """The watch on the bucket of keys.

    Args:
        connection: How to reach the server.
        settings: The name of the bucket.
        replicas_count: The number of servers that keep a bucket that we create.
        keyring: The keys in memory.
    """

    def __init__(
        self,
        connection: NatsSettings,
        settings: KeysSettings,
        replicas_count: int,
        keyring: Keyring,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._replicas_count = replicas_count
        self._keyring = keyring
        self._client: Client | None = None
        self._bucket: KeyValue | None = None
        self._watcher: KeyValue.KeyWatcher | None = None
        self._lost = asyncio.Event()
        self._why_lost = "not connected yet"
        self._applied_number = 0
        self._created: object = None
        self._behind = False
        self._used: set[str] = set()
        self._noted: dict[str, str] = {}
        self._unreadable: set[str] = set()

    def note_used(self, key_id: str) -> None:
        """Note that a key was used today. The bucket learns it later."""
        self._used.add(key_id)

    async def open(self) -> list[Caveat]:
        """Connect, read the bucket whole, and begin to watch it. See `Part.open`."""
        await self.close()
        lost = self._lost = asyncio.Event()

        def on_lost(why: str) -> None:
            if lost is self._lost:
                self._lose(f"connection lost: {why}")

        try:
            client = await connect(self._connection, name="consumer keys", on_lost=on_lost)
        except Unavailable as error:
            raise SinkUnavailable(str(error)) from error
        try:
            async with asyncio.timeout(READ_DEADLINE_S):
                await self._read(client)
        except TimeoutError as error:
            await close(client)
            raise SinkUnavailable(f"keys not read within {READ_DEADLINE_S:g} s") from error
        except BaseException:
            await close(client)
            raise
        self._client = client
        return []

    async def _read(self, client: Client) -> None:
        """Read all keys, and put them in the place of what was known."""
        bucket = await open_bucket(client, self._settings, self._replicas_count)
        stream = f"KV_{self._settings.bucket}"
        keys: dict[str, Key] = {}
        with explained(stream, missing="was it deleted just now?"):
            self._created = (await client.jetstream().stream_info(stream)).created
            watcher = await bucket.watchall()
            self._applied_number, self._behind = 0, False
            while (entry := await watcher.updates(timeout=READ_DEADLINE_S)) is not None:  # type: ignore[no-untyped-call]  # nats-py's
                key = self._apply(entry)
                if key is not None:
                    keys[key.id] = key
        self._bucket, self._watcher = bucket, watcher
        self._keyring.replace(keys)

    def _apply(self, entry: KeyValue.Entry) -> Key | None:
        """Take one entry of the bucket; returns the key, if it is one that may be used."""
        self._applied_number = max(self._applied_number, entry.revision or 0)
        if entry.key.startswith(USED_PREFIX):
            day = (entry.value or b"").decode("latin-1")
            self._noted[entry.key.removeprefix(USED_PREFIX)] = day
            return None
        key_id = entry.key.removeprefix(KEY_PREFIX)
        key = decode(entry.value or b"", key_id) if entry.operation is None else None
        if key is None:
            if entry.operation is None and key_id not in self._unreadable:
                self._unreadable.add(key_id)
                log.error("key cannot be read, so it is refused", key=key_id[:64])
            self._keyring.remove(key_id)
            return None
        self._unreadable.discard(key_id)
        return key

    async def check(self) -> None:
        """Ask whether the watch still sees everything. See `Part.check`.

        A watch that misses something once may be late. If it still misses something at the next
        check, it is lost.
        """
        client = self._client
        if client is None:
            raise SinkUnavailable(self._why_lost)
        stream = f"KV_{self._settings.bucket}"
        try:
            with explained(stream, missing="it was deleted"):
                info = await client.jetstream().stream_info(stream)
        except SinkUnavailable as error:
            if "deleted" in str(error):
                self._lose(str(error))
            raise
        behind = info.state.last_seq > self._applied_number
        if info.created != self._created or (behind and self._behind):
            self._lose("the watch on the keys was lost")
        self._behind = behind

    def _lose(self, why: str) -> None:
        self._why_lost = why
        self._keyring.complete = False
        self._lost.set()

    async def wait_lost(self) -> str:
        """Follow the bucket until the watch is lost. See `Part.wait_lost`."""
        if self._client is None:
            return self._why_lost
        async with asyncio.TaskGroup() as group:
            following = [
                group.create_task(self._follow(), name="follow keys"),
                group.create_task(self._write_used(), name="note used keys"),
            ]
            await self._lost.wait()
            await end_tasks(following)
        return self._why_lost

    async def _follow(self) -> None:
        watcher = self._watcher
        if watcher is None:
            return
        async for entry in watcher:
            if entry is not None:
                key = self._apply(entry)
                if key is not None:
                    self._keyring.put(key)

    async def _write_used(self) -> None:
        """Write the day of last use of each key, at most once a day and key."""
        while True:
            await asyncio.sleep(USED_EVERY_S)
            today = datetime.now(UTC).date().isoformat()
            used, self._used = self._used, set()
            for key_id in used:
                if self._noted.get(key_id) != today and self._bucket is not None:
                    await self._note(self._bucket, key_id, today)

    async def _note(self, bucket: KeyValue, key_id: str, today: str) -> None:
        try:
            await bucket.put(USED_PREFIX + key_id, today.encode())
            self._noted[key_id] = today
        except (nats.errors.Error, OSError, TimeoutError) as error:
            self._used.add(key_id)  # it is tried again
            log.debug("use of a key not noted", key=key_id, why=str(error))

    async def close(self) -> None:
        """See `Part.close`."""
        client, self._client = self._client, None
        if client is not None:
            self._lose("closed")
            await close(client)
