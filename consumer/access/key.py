"""Defines a key: who holds it, and what it allows."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import Meta

from consumer.deliveries.origin import Environment, Sender
from consumer.options.values import TO_THE_END, Token

Sha256 = Annotated[str, Meta(pattern=rf"^[0-9a-f]{{64}}{TO_THE_END}")]
PerSecond = Annotated[float, Meta(gt=0)]


class Scope(StrEnum):
    """What a key allows its holder to do."""

    INGEST = "ingest"
    """Post events."""
    EVENTS_READ = "events:read"
    """Read the events of its brand, limited to the key's subjects."""
    DEAD_LETTERS_READ = "dead-letters:read"
    """Read the dead letters of its brand."""
    DEAD_LETTERS_REPLAY = "dead-letters:replay"
    """Replay and drop the dead letters of its brand."""
    WALLET = "wallet"
    """Call the wallet."""
    WALLET_OPERATOR = "wallet:operator"
    """Act as the operator of the wallet."""
    ADMIN = "admin"
    """Manage the keys of its brand and environment."""


class KeySecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A secret of a key. A key has several of them while it is rotated.

    Attributes:
        sha256: The SHA-256 of the secret's text, in hexadecimal digits. The secret itself is shown
            once and stored nowhere. It has 190 random bits, so no slower hash is needed.
        ends_s: The time from which the secret is refused, in seconds since 1970. None means never.
    """

    sha256: Sha256
    ends_s: float | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key, as the bucket holds it. `fields.py` says which values a new key may have.

    Attributes:
        id: The public part of the key: 12 characters of base62.
        brand: The brand for which its holder acts.
        environment: `LIVE` or `TEST`. Nothing that a key does reaches the other environment.
        name: The key's name, for people.
        person: The person who holds the key. Empty if the holder is a program.
        scopes: What the key allows.
        subjects: The subjects that the key may read. They may have wildcards. Empty means all.
        expires_s: The time from which the key is refused, in seconds since 1970. None means never.
        addresses: The networks from which the key may be used, such as `203.0.113.0/24`. Empty
            means everywhere.
        requests_per_s: The largest number of requests a second. None means no limit.
        events_per_s: The largest number of events a second. None means no limit.
        created_s: The time at which the key was made, in seconds since 1970.
        revoked_s: The time at which the key was revoked, in seconds since 1970. None means that it
            was not revoked.
        secrets: Its secrets: one, or several while it is rotated. The newest is the last.
    """

    id: str
    brand: Token
    environment: Environment
    name: str = ""
    person: str = ""
    scopes: tuple[Scope, ...] = ()
    subjects: tuple[str, ...] = ()
    expires_s: float | None = None
    addresses: tuple[str, ...] = ()
    requests_per_s: PerSecond | None = None
    events_per_s: PerSecond | None = None
    created_s: float = 0.0
    revoked_s: float | None = None
    secrets: tuple[KeySecret, ...] = ()

    @property
    def sender(self) -> Sender:
        """The sender of what is posted with this key. Equal senders are one object.

        The lane looks a sender up faster if it is the object of the delivery before.
        """
        return _sender_of(self.brand, self.environment)


@lru_cache(maxsize=1024)
def _sender_of(brand: str, environment: Environment) -> Sender:
    return Sender(brand, environment)
