"""`/v1/keys`: lists, makes, rotates and revokes the keys of a brand in one environment.

A key with the scope `admin` does this for its own brand and environment. A key of another brand or
environment is answered like a key that does not exist. What an admin key may give away is in
`access/grant.py`. Each change is a line in the audit log that names the admin key.

Not responsible for the descriptions (`key_endpoints.py`).
"""

from __future__ import annotations

import contextlib
from datetime import datetime  # msgspec reads annotations
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from consumer.access.edit import (
    KeyChangedMeanwhile,
    KeyChangeRefused,
    Keys,
    NoSuchKey,
)
from consumer.access.fields import LIFE_MAX_S
from consumer.access.gate import UNREAD_RETRY_S, WORDS
from consumer.access.grant import beyond
from consumer.access.key import Key, PerSecond, Scope
from consumer.access.refusal import KeyRefused, Refusal
from consumer.access.shown import fields_of
from consumer.clock import SYSTEM_CLOCK
from consumer.errors import ConfigError
from consumer.http.answer import Answer, Problem
from consumer.http.parameters import BODY_MAX_BYTES, read_object
from consumer.http.request import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from consumer.access.bucket import KeyBucket
    from consumer.access.keyring import Keyring
    from consumer.clock import Clock
    from consumer.http.request import Request

KEYS_MAX_COUNT: Final = 1000
"""A brand can make no further key over HTTP if it has so many in one environment, the revoked keys
included. Every process holds all keys in memory."""
NO_KEY: Final = "there is no such key"
SECRET_HEADERS: Final = {"cache-control": "no-store"}


MaxRate = Annotated[PerSecond | None, Meta(description="a number above 0, or null for no limit")]


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """What a new key shall allow. Its brand and its environment are those of the admin key.

    Attributes: see `Key`.
    """

    scopes: Annotated[
        tuple[Scope, ...],
        Meta(min_length=1, description=f"a list of {', '.join(Scope)}; at least one"),
    ]
    name: Annotated[str, Meta(description="a name for people")] = ""
    person: Annotated[str, Meta(description="who holds the key; empty for a program")] = ""
    subjects: Annotated[
        tuple[str, ...],
        Meta(description="a list of subjects, and of families such as game.*; empty: all"),
    ] = ()
    expires: (
        Annotated[
            datetime, Meta(tz=True, description="a time with a zone, such as 2027-01-31T00:00:00Z")
        ]
        | None
    ) = None
    addresses: Annotated[
        tuple[str, ...],
        Meta(description="a list of addresses, and of networks such as 203.0.113.0/24; empty: all"),
    ] = ()
    events_per_s: MaxRate = None
    requests_per_s: MaxRate = None


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """How a key is rotated.

    Attributes:
        overlap_s: The time for which the earlier secrets still hold, in seconds.
    """

    overlap_s: Annotated[
        float,
        Meta(
            ge=0,
            le=LIFE_MAX_S,
            description="for how many seconds the earlier secrets still hold, 0 or more",
        ),
    ] = 86_400.0


class KeyPages:
    """Answers requests of admin keys.

    Args:
        bucket: The bucket of keys, which is kept open.
        bucket_name: Its name.
        keyring: The keys in memory.
        admit_again: Checks a key again after the body was read: see `Gate.admit_again`.
        clock: The clock.
    """

    def __init__(
        self,
        bucket: KeyBucket,
        bucket_name: str,
        keyring: Keyring,
        admit_again: Callable[[Key, str], None],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._bucket = bucket
        self._bucket_name = bucket_name
        self._keyring = keyring
        self._admit_again = admit_again
        self._clock = clock

    async def listed(self, request: Request) -> Answer:
        """Return the keys of the brand and environment of an admin key, the newest last."""
        keys = self._keys_of(key_of(request))
        return Answer(200, msgspec.json.encode({"keys": list(map(self._shown, keys))}))

    async def create(self, request: Request) -> Answer:
        """Make a key."""
        admin = key_of(request)
        asked = read_object(await request.read_body(BODY_MAX_BYTES), NewKey)
        key = Key(
            id="",
            brand=admin.brand,
            environment=admin.environment,
            name=asked.name,
            person=asked.person,
            scopes=tuple(dict.fromkeys(asked.scopes)),
            subjects=asked.subjects,
            expires_s=None if asked.expires is None else asked.expires.timestamp(),
            addresses=asked.addresses,
            requests_per_s=asked.requests_per_s,
            events_per_s=asked.events_per_s,
        )
        with _answered():
            _check_gift(admin, key)
            if len(self._keys_of(admin)) >= KEYS_MAX_COUNT:
                raise Problem(
                    409,
                    "too_many_keys",
                    f"there are {KEYS_MAX_COUNT} keys, ask the operator to remove some",
                )
            made, text = await self._editor(request, admin).create(key)
        return await self._with_secret(201, made, text)

    async def rotate(self, request: Request) -> Answer:
        """Give a key a new secret."""
        admin = key_of(request)
        asked = read_object(await request.read_body(BODY_MAX_BYTES), Rotation)

        def check(key: Key) -> None:
            _check_own(admin, key)
            _check_gift(admin, key)

        with _answered():
            made, text = await self._editor(request, admin).rotate(
                request.parameters["id"], asked.overlap_s, check
            )
        return await self._with_secret(200, made, text)

    async def revoke(self, request: Request) -> Answer:
        """Revoke a key. An admin key may revoke any key of its brand and environment."""
        admin = key_of(request)
        with _answered():
            key = await self._editor(request, admin).revoke(
                request.parameters["id"], lambda key: _check_own(admin, key)
            )
        await self._bucket.arrived(key)
        return Answer(200, msgspec.json.encode(self._shown(key)))

    def _editor(self, request: Request, admin: Key) -> Keys:
        """Return what changes keys. The admin key is checked again: reading a body takes time."""
        self._admit_again(admin, request.address)
        by = f"key {admin.id}" + (f" ({admin.person})" if admin.person else "")
        bucket = self._bucket
        return Keys(bucket.client, bucket.bucket, self._bucket_name, self._clock, by)

    def _keys_of(self, admin: Key) -> list[Key]:
        """Return all keys of the brand and the environment of an admin key, the oldest first.

        Raises:
            KeyRefused: Not all keys are known at this moment.
        """
        if not self._keyring.complete:
            raise KeyRefused(Refusal.UNREAD, WORDS[Refusal.UNREAD], UNREAD_RETRY_S)
        own = (key for key in self._keyring.keys.values() if _is_own(admin, key))
        return sorted(own, key=lambda key: (key.created_s, key.id))

    async def _with_secret(self, status: int, key: Key, text: str) -> Answer:
        """Return the answer that shows the text of a key, which is shown only once."""
        await self._bucket.arrived(key)  # so that the client can use it at once
        shown = {"key": text, **self._shown(key)}
        return Answer(status, msgspec.json.encode(shown), headers=SECRET_HEADERS)

    def _shown(self, key: Key) -> dict[str, object]:
        return fields_of(key, self._bucket.used_on(key.id), self._clock.now_s())


def without_secret(answer: Answer) -> Answer:
    """Return an answer without the text of the key, which must not be stored anywhere."""
    shown = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
    shown["key"] = msgspec.Raw(b"null")
    return msgspec.structs.replace(answer, body=msgspec.json.encode(shown))


def _is_own(admin: Key, key: Key) -> bool:
    return (key.brand, key.environment) == (admin.brand, admin.environment)


def _check_own(admin: Key, key: Key) -> None:
    """Refuse a key of another brand or environment, as if it did not exist.

    Raises:
        Problem: 404.
    """
    if not _is_own(admin, key):
        raise Problem(404, "not_found", NO_KEY)


def _check_gift(admin: Key, key: Key) -> None:
    """Refuse a key that allows something that the admin key does not allow.

    Raises:
        Problem: 403.
    """
    problems = list(beyond(admin, key))
    if problems:
        raise Problem(403, "forbidden", "; ".join(problems))


@contextlib.contextmanager
def _answered() -> Iterator[None]:
    """Turn the refusal of a change into an answer.

    Raises:
        Problem: 400, 404 or 409.
    """
    try:
        yield
    except ConfigError as error:
        raise Problem(400, "invalid", "; ".join(error.problems)) from error
    except NoSuchKey as error:
        raise Problem(404, "not_found", NO_KEY) from error
    except KeyChangedMeanwhile as error:
        raise Problem(409, "changed", str(error)) from error
    except KeyChangeRefused as error:
        raise Problem(409, "not_possible", str(error)) from error
