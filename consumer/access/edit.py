"""Changes keys in the bucket: makes, rotates and revokes them, and moves them elsewhere.

A change is stored only if the record still has the revision that was read. So if two people change
a key at the same moment, one change is stored and the other is refused. Every change is a line in
the log: this is the audit log.
"""

from __future__ import annotations

import contextlib
import getpass
import re
import socket
from typing import TYPE_CHECKING, Final

import msgspec
import nats.js.errors
import structlog

from consumer.access import token
from consumer.access.fields import check_fields
from consumer.access.key import Key, KeySecret
from consumer.access.opening import GONE, open_bucket
from consumer.access.record import KEY_PREFIX, USED_PREFIX, decode, encode, record_of, stream_of
from consumer.clock import SYSTEM_CLOCK
from consumer.errors import ConsumerError
from consumer.nats.connection import connected
from consumer.nats.explain import explained
from consumer.nats.follow import FIRST, following

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from nats.aio.client import Client
    from nats.js.kv import KeyValue

    from consumer.access.settings import KeysSettings
    from consumer.clock import Clock
    from consumer.nats.connection import NatsSettings

SECRETS_MAX_COUNT: Final = 4
"""The largest number of secrets of a key that hold at the same time."""

_is_id: Final = re.compile(rf"[0-9A-Za-z]{{{token.ID_CHARACTERS}}}").fullmatch


class KeyChangeRefused(ConsumerError):
    """A change of a key is not possible. The text says why."""


class NoSuchKey(KeyChangeRefused):
    """No key has this id, or the record of the key is not understood."""


class KeyChangedMeanwhile(KeyChangeRefused):
    """Somebody else changed the key at the same moment. Nothing was stored."""


class KeyUse(msgspec.Struct, frozen=True):
    """A key, and the day on which it was last used.

    Attributes:
        key: The key.
        used_on: The day, such as `2026-11-26`. Empty if the key was never used.
    """

    key: Key
    used_on: str


class KeyList(msgspec.Struct, frozen=True):
    """All keys of a bucket.

    Attributes:
        uses: The keys whose records are understood, the oldest first.
        unread: The ids of the keys whose records are not understood.
    """

    uses: list[KeyUse]
    unread: list[str]


def anything(_: Key) -> None:
    """Let every change of a key pass."""


class Keys:
    """The keys in an open bucket. `opened_keys` makes this object.

    Args:
        client: The connection.
        bucket: The bucket.
        name: The name of the bucket.
        clock: The clock.
        by: Who makes the changes, for the audit log.
    """

    def __init__(self, client: Client, bucket: KeyValue, name: str, clock: Clock, by: str) -> None:
        self._client = client
        self._bucket = bucket
        self._name = name
        self._stream = stream_of(name)
        self._clock = clock
        self._by = by
        self._audit = structlog.get_logger()

    async def create(self, key: Key) -> tuple[Key, str]:
        """Store a new key with a new secret.

        Args:
            key: The key without id and secret, which are made here.

        Returns:
            The key as it is stored, and its text with the secret, which is shown only once.

        Raises:
            ConfigError: A field has a value that is not possible.
        """
        now_s = self._clock.now_s()
        check_fields(key, now_s)
        secret = token.new_secret()
        made = msgspec.structs.replace(
            key,
            id=token.new_id(),
            created_s=now_s,
            revoked_s=None,
            secrets=(KeySecret(token.hash_of(secret)),),
        )
        await self._put(made, 0, "key created")
        return made, token.write(token.KeyText(made.environment, made.id, secret))

    async def rotate(
        self, key_id: str, overlap_s: float, check: Callable[[Key], None] = anything
    ) -> tuple[Key, str]:
        """Give a key a new secret, and let the earlier secrets end after the overlap.

        Args:
            key_id: The key's id.
            overlap_s: The time for which the earlier secrets still hold, in seconds. With 0 they
                end at once.
            check: Gets the key as it was read, and raises an exception if it must not be changed.

        Returns:
            The key as it is stored, and its new text.

        Raises:
            KeyChangeRefused: There is no such key, it is revoked, too many of its secrets still
                hold, or it was changed meanwhile.
        """
        key, revision_number = await self._get(key_id)
        check(key)
        if key.revoked_s is not None:
            raise KeyChangeRefused(f"key {key_id} was revoked, so it cannot be rotated")
        now_s = self._clock.now_s()
        latest_s = now_s + overlap_s
        holding = [
            msgspec.structs.replace(one, ends_s=min(one.ends_s or latest_s, latest_s))
            for one in key.secrets
            if overlap_s and (one.ends_s is None or one.ends_s > now_s)
        ]
        if len(holding) >= SECRETS_MAX_COUNT:
            raise KeyChangeRefused(
                f"key {key_id} has {len(holding)} secrets that still hold: wait until they end, or "
                "rotate it without an overlap, which ends all of them at once"
            )
        secret = token.new_secret()
        secrets = (*holding, KeySecret(token.hash_of(secret)))
        made = msgspec.structs.replace(key, secrets=secrets)
        await self._put(made, revision_number, "key rotated")
        return made, token.write(token.KeyText(made.environment, made.id, secret))

    async def revoke(self, key_id: str, check: Callable[[Key], None] = anything) -> Key:
        """Revoke a key. Within a second, every process refuses it.

        Args:
            key_id: The key's id.
            check: Gets the key as it was read, and raises an exception if it must not be changed.

        Returns:
            The key. If it was revoked before, it is not changed.

        Raises:
            KeyChangeRefused: There is no such key, or it was changed meanwhile.
        """
        key, revision_number = await self._get(key_id)
        check(key)
        if key.revoked_s is not None:
            return key
        made = msgspec.structs.replace(key, revoked_s=self._clock.now_s())
        await self._put(made, revision_number, "key revoked")
        return made

    async def restore(self, keys: Sequence[Key], *, replace: bool) -> tuple[int, int]:
        """Store keys that were exported.

        Args:
            keys: The keys, with the hashes of their secrets.
            replace: If true, a key that exists with other content is replaced. That may undo a
                revocation.

        Returns:
            The number of keys that were stored, and the number of keys that were in the bucket
            already with the same content.

        Raises:
            KeyChangeRefused: A key exists with other content, and `replace` is false: then nothing
                is stored. Or a key was changed meanwhile: then the keys before it in the list are
                stored.
        """
        found = [(key, await self._find(key.id)) for key in keys]
        missing = [(key, revision) for key, (held, revision) in found if held != encode(key)]
        others = [key.id for key, (held, _) in found if held not in (None, encode(key))]
        if others and not replace:
            raise KeyChangeRefused(
                f"nothing was restored: of {', '.join(others)} there is a record with other content"
            )
        for key, revision_number in missing:
            await self._put(key, revision_number, "key restored")
        return len(missing), len(found) - len(missing)

    async def one(self, key_id: str) -> KeyUse:
        """Return a key.

        Raises:
            KeyChangeRefused: There is no such key.
        """
        key, _ = await self._get(key_id)
        with self._explained(f"$JS.API.STREAM.MSG.GET.{self._stream}"):
            try:
                entry = await self._bucket.get(USED_PREFIX + key_id)
            except nats.js.errors.KeyNotFoundError:
                return KeyUse(key, "")
        return KeyUse(key, (entry.value or b"").decode("latin-1"))

    async def all(self) -> KeyList:
        """Return all keys."""
        keys: list[Key] = []
        unread: list[str] = []
        days: dict[str, str] = {}
        for name, data in (await self._records()).items():
            if name.startswith(USED_PREFIX):
                days[name.removeprefix(USED_PREFIX)] = data.decode("latin-1")
            elif name.startswith(KEY_PREFIX):
                key_id = name.removeprefix(KEY_PREFIX)
                key = decode(data, key_id)
                if key is None:
                    unread.append(key_id)
                else:
                    keys.append(key)
        keys.sort(key=lambda key: key.created_s)
        return KeyList([KeyUse(key, days.get(key.id, "")) for key in keys], unread)

    async def _records(self) -> dict[str, bytes]:
        records: dict[str, bytes | None] = {}
        async with following(self._client, FIRST, stream=self._stream) as follower:
            async for msg in follower.stored():
                record = record_of(msg, self._name)
                records[record.name] = record.data
        return {name: data for name, data in records.items() if data is not None}

    async def _get(self, key_id: str) -> tuple[Key, int]:
        record, revision_number = await self._find(key_id)
        if record is None:
            raise NoSuchKey(f"there is no key {key_id}")
        key = decode(record, key_id)
        if key is None:
            raise NoSuchKey(
                f"the record of key {key_id} is not understood, so the key is refused and cannot "
                "be changed. Was it written by a newer version of this program?"
            )
        return key, revision_number

    async def _find(self, key_id: str) -> tuple[bytes | None, int]:
        """Return a key's record and its revision.

        Returns:
            None as the record if there is none. The revision is then that of the deletion, or 0 if
            there never was a record.
        """
        if not _is_id(key_id):
            raise NoSuchKey(
                f"{key_id[:64]!r} is no id, expected {token.ID_CHARACTERS} of 0-9 A-Z a-z"
            )
        with self._explained(f"$JS.API.STREAM.MSG.GET.{self._stream}"):
            try:
                entry = await self._bucket.get(KEY_PREFIX + key_id)
            except nats.js.errors.KeyNotFoundError as error:
                return None, 0 if error.entry is None else error.entry.revision
        return entry.value or None, entry.revision or 0

    def _explained(self, request: str) -> contextlib.AbstractContextManager[None]:
        return explained(self._stream, missing=GONE, request=request)

    async def _put(self, key: Key, revision_number: int, event: str) -> None:
        """Store a key if its record still has this revision. 0 means that there is no record."""
        with self._explained(f"$KV.{self._name}.{KEY_PREFIX}*"):
            try:
                await self._bucket.update(KEY_PREFIX + key.id, encode(key), last=revision_number)
            except nats.js.errors.KeyWrongLastSequenceError as error:
                raise KeyChangedMeanwhile(
                    f"key {key.id} was changed meanwhile; try again"
                ) from error
        self._audit.info(
            event,
            key=key.id,
            brand=key.brand,
            environment=key.environment.value,
            name=key.name,
            person=key.person,
            scopes=[scope.value for scope in key.scopes],
            by=self._by,
        )


@contextlib.asynccontextmanager
async def opened_keys(
    connection: NatsSettings,
    settings: KeysSettings,
    replicas_count: int = 1,
    clock: Clock = SYSTEM_CLOCK,
    by: str = "",
) -> AsyncIterator[Keys]:
    """Open the bucket for the time of the block.

    Args:
        connection: How to reach the server.
        settings: The name of the bucket.
        replicas_count: The number of servers that keep a new bucket.
        clock: The clock.
        by: Who makes the changes. Empty means the user of this program on this host.

    Raises:
        Unavailable: The server is away, or this user may not use the bucket.
    """
    async with connected(connection, name="consumer keys") as client:
        bucket = await open_bucket(client, settings, replicas_count)
        yield Keys(client, bucket, settings.bucket, clock, by or _who())


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # the system knows no name for this user
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
