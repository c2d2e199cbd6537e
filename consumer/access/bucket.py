"""Keeps the keyring up to date from the JetStream KV bucket that holds the keys.

Responsible for reading the whole bucket, for watching it, and for noticing that the watch is lost.
The connection may be gone. The bucket may have been deleted, emptied, or deleted and created again.
Or the server may have forgotten the watch. A lost watch is silent, like the watch of a bucket that
nobody changes. So every `LOOK_EVERY_S` the state of the stream behind the bucket is compared with
the records that have arrived.

After a loss, the whole bucket is read again, and its keys replace the keys that were known. Until
then the known keys go on working.

Not responsible for changing keys (`edit.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import nats.errors
import nats.js.errors
import structlog
from nats.js.api import StorageType

from consumer.access.opening import GONE, open_bucket
from consumer.access.record import KEY_PREFIX, TICKETS, USED_PREFIX, decode, record_of, stream_of
from consumer.cancel import end_tasks, raise_swallowed
from consumer.errors import SinkUnavailable, Unavailable
from consumer.nats.connection import close, connect
from consumer.nats.explain import explained
from consumer.nats.follow import FIRST, following
from consumer.operations.caveat import Caveat
from consumer.parts.base import Part

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js.api import StreamConfig
    from nats.js.kv import KeyValue

    from consumer.access.key import Key
    from consumer.access.keyring import Keyring
    from consumer.access.record import BucketRecord
    from consumer.access.settings import KeysSettings
    from consumer.nats.connection import NatsSettings
    from consumer.nats.follow import StreamFollower

LOOK_EVERY_S: Final = 0.4
LOOK_DEADLINE_S: Final = 2.0
USED_EVERY_S: Final = 30.0
"""The pause after which the days of last use are written again, in seconds."""
ARRIVED_MAX_S: Final = 1.0
"""So long is waited for a change to come back by the watch, in seconds."""
log = structlog.get_logger()


class _State:
    """The records of the bucket that have arrived.

    Attributes:
        created: The time at which the stream behind the bucket was created.
        number: The sequence number of the last record that has arrived.
        names: The names of all records.
    """

    def __init__(self, created: object = None) -> None:
        self.created = created
        self.number = 0
        self.names: set[str] = set()


class KeyBucket(Part):
    """The watch on the bucket of keys.

    Args:
        connection: How to reach the server.
        settings: The name of the bucket.
        replicas_count: The number of servers that keep a new bucket.
        keyring: The keys in memory, which are kept up to date.
        tickets: If true, the secret that signs tickets is created if it is missing.
    """

    def __init__(
        self,
        connection: NatsSettings,
        settings: KeysSettings,
        replicas_count: int,
        keyring: Keyring,
        *,
        tickets: bool = False,
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._replicas_count = replicas_count
        self._keyring = keyring
        self._tickets = tickets
        self._client: Client | None = None
        self._bucket: KeyValue | None = None
        self._follower: StreamFollower | None = None
        self._opened = contextlib.AsyncExitStack()
        self._lost = asyncio.Event()
        self._news = asyncio.Event()
        self._why_lost = "not connected yet"
        self._applied = _State()
        self._seen_number = 0
        self._trouble = ""
        self._was_read = False
        self._used: set[str] = set()
        self._noted: dict[str, str] = {}
        self._unreadable: set[str] = set()

    @property
    def names(self) -> frozenset[str]:
        """The names of the records that have arrived."""
        return frozenset(self._applied.names)

    @property
    def client(self) -> Client:
        """The open connection to the server.

        Raises:
            SinkUnavailable: There is none at this moment.
        """
        if self._client is None:
            raise SinkUnavailable(self._why_lost)
        return self._client

    @property
    def bucket(self) -> KeyValue:
        """The open bucket.

        Raises:
            SinkUnavailable: It is not open at this moment.
        """
        if self._client is None or self._bucket is None:
            raise SinkUnavailable(self._why_lost)
        return self._bucket

    def used_on(self, key_id: str) -> str:
        """Return the last day on which a key was used; empty if it was never used."""
        if key_id in self._used:
            return _today()
        return self._noted.get(key_id, "")

    async def arrived(self, key: Key) -> None:
        """Return once the watch has brought a key in this form, at most after `ARRIVED_MAX_S`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ARRIVED_MAX_S):
                while self._keyring.find(key.id) != key:
                    await self._news.wait()

    def note_used(self, key_id: str) -> None:
        """Note that a key was used today. `write_used` writes this to the bucket later."""
        self._used.add(key_id)

    async def open(self) -> list[Caveat]:
        """Connect, read the whole bucket, and begin to watch it. See `Part.open`."""
        await self.close()
        lost = self._lost = asyncio.Event()

        def on_lost(why: str) -> None:
            if lost is self._lost:
                self._lose(f"connection lost: {why}")

        try:
            client = await connect(self._connection, name="consumer keys", on_lost=on_lost)
        except Unavailable as error:
            raise SinkUnavailable(str(error)) from error
        async with contextlib.AsyncExitStack() as opened:
            opened.push_async_callback(close, client)
            caveats = await self._read(client, opened)
            self._client, self._opened = client, opened.pop_all()
        return caveats

    async def _read(self, client: Client, opened: contextlib.AsyncExitStack) -> list[Caveat]:
        """Read all keys, and let them replace the keys that were known."""
        name = self._settings.bucket
        self._bucket = await open_bucket(
            client, self._settings, self._replicas_count, create=not self._was_read
        )
        with explained(stream_of(name), missing=GONE):
            info = await client.jetstream().stream_info(stream_of(name))
        self._applied = _State(info.created)
        self._noted = {}
        follower = await opened.enter_async_context(
            following(client, FIRST, stream=stream_of(name))
        )
        keys: dict[str, Key] = {}
        async for msg in follower.stored():
            self._apply(record_of(msg, name), keys)
        self._follower = follower
        self._seen_number, self._trouble = 0, ""
        self._keyring.replace(keys)
        self._was_read = True
        if self._tickets and TICKETS not in self._applied.names:
            await self._create_ticket_secret(self._bucket)
        return _caveats(name, info.config)

    async def _create_ticket_secret(self, bucket: KeyValue) -> None:
        """Create the secret that signs tickets. The watch brings it, as to all processes."""
        secret = secrets.token_hex(32).encode()
        name = f"$KV.{self._settings.bucket}.{TICKETS}"
        with (
            explained(stream_of(self._settings.bucket), missing=GONE, request=name),
            # Another process may have created it a moment ago.
            contextlib.suppress(nats.js.errors.KeyWrongLastSequenceError),
        ):
            await bucket.create(TICKETS, secret)

    def _apply(self, record: BucketRecord, keys: dict[str, Key]) -> None:
        """Note one record of the bucket, and change `keys` if it is the record of a key."""
        self._applied.number = record.number
        self._applied.names.add(record.name)
        if record.name.startswith(USED_PREFIX):
            key_id = record.name.removeprefix(USED_PREFIX)
            self._noted[key_id] = (record.data or b"").decode("latin-1")
        if record.name == TICKETS:
            self._keyring.ticket_secret = record.data
        if not record.name.startswith(KEY_PREFIX):
            return  # a day of last use, or a record of a newer version
        key_id = record.name.removeprefix(KEY_PREFIX)
        key = None if record.data is None else decode(record.data, key_id)
        if key is not None:
            self._unreadable.discard(key_id)
            keys[key_id] = key
            return
        keys.pop(key_id, None)
        if record.data is not None and key_id not in self._unreadable:
            self._unreadable.add(key_id)
            log.error(
                "key refused because its record is not understood",
                key=key_id,
                advice="was it written by a newer version of this program?",
            )

    async def check(self) -> None:
        """Raise the trouble that the last look at the stream has found. See `Part.check`."""
        if self._client is None:
            raise SinkUnavailable(self._why_lost)
        if self._trouble:
            raise SinkUnavailable(self._trouble)

    async def _keep_looking(self, client: Client) -> None:
        while True:
            raise_swallowed()
            await asyncio.sleep(LOOK_EVERY_S)
            await self._look(client)

    async def _look(self, client: Client) -> None:
        """Compare the stream behind the bucket with the records that have arrived."""
        stream = stream_of(self._settings.bucket)
        try:
            with explained(stream, missing="it was deleted"):
                async with asyncio.timeout(LOOK_DEADLINE_S):
                    info = await client.jetstream().stream_info(stream)
        except SinkUnavailable as error:
            # The trouble may soon be over. Until then, not all keys are known for sure.
            self._trouble = str(error)
            self._keyring.complete = False
            if isinstance(error.__cause__, nats.js.errors.NotFoundError):
                self._lose(str(error))
            return
        applied, state = self._applied, info.state
        if info.created != applied.created or state.last_seq < applied.number:
            self._lose("the bucket of keys was made anew")
        elif state.last_seq == applied.number and state.messages < len(applied.names):
            self._lose("records of the bucket of keys were removed")
        elif applied.number < self._seen_number:  # this record was in the stream at the look before
            self._lose("the watch on the keys was lost")
        else:
            self._seen_number = state.last_seq
            self._trouble = ""
            self._keyring.complete |= state.last_seq == applied.number

    def _lose(self, why: str) -> None:
        self._why_lost = why
        self._keyring.complete = False
        self._lost.set()

    async def wait_lost(self) -> str:
        """Follow the bucket until the watch is lost. See `Part.wait_lost`."""
        if self._client is None or self._follower is None:
            return self._why_lost
        async with asyncio.TaskGroup() as group:
            following = [
                group.create_task(self._follow(self._follower), name="follow keys"),
                group.create_task(self._keep_looking(self._client), name="look after keys"),
                group.create_task(self._keep_noting(), name="note used keys"),
            ]
            await self._lost.wait()
            await end_tasks(following)
        return self._why_lost

    async def _follow(self, follower: StreamFollower) -> None:
        try:
            async for msg in follower:
                record = record_of(msg, self._settings.bucket)
                self._apply(record, self._keyring.keys)
                self._news.set()
                self._news = asyncio.Event()
                if record.name.startswith(KEY_PREFIX):
                    self._tell(record.name.removeprefix(KEY_PREFIX))
        except SinkUnavailable as error:
            self._lose(f"the watch on the keys was lost: {error}")

    def _tell(self, key_id: str) -> None:
        """Log a change of a key. The command that made it may have logged only to a terminal."""
        key = self._keyring.find(key_id)
        state = "gone" if key is None else "in force" if key.revoked_s is None else "revoked"
        log.info("key changed", key=key_id, brand="" if key is None else key.brand, state=state)

    async def _keep_noting(self) -> None:
        while True:
            raise_swallowed()
            await asyncio.sleep(USED_EVERY_S)
            await self.write_used()

    async def write_used(self) -> None:
        """Write the day of last use of each key that was used, at most once a day for each key.

        If writing fails, the next call tries again.
        """
        if self._bucket is None:
            return
        today = _today()
        used, self._used = self._used, set()
        while used:
            key_id = used.pop()
            if self._noted.get(key_id) == today:
                continue
            try:
                await self._bucket.put(USED_PREFIX + key_id, today.encode())
            except (nats.errors.Error, OSError, TimeoutError) as error:
                self._used |= {key_id, *used}
                log.debug("use of a key not noted", key=key_id, why=str(error))
                return
            self._noted[key_id] = today

    async def close(self) -> None:
        """See `Part.close`."""
        if self._client is not None:
            self._client = None
            self._lose("closed")
        await self._opened.aclose()


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _caveats(bucket: str, config: StreamConfig) -> list[Caveat]:
    """Return the caveats of a bucket that was made with other options than ours."""
    facts = {"bucket": bucket}
    found = []
    if config.storage == StorageType.MEMORY:
        found.append(Caveat("bucket of keys is gone after a restart of the server", facts))
    if config.max_age:
        found.append(Caveat("bucket of keys forgets keys after a time", facts))
    if config.max_msgs_per_subject != 1:
        found.append(
            Caveat("bucket of keys has a history, so lost records may go unnoticed", facts)
        )
    return found
