"""States the contract of a store: the memory of identities that all processes of a brand share.

A store only remembers what is known of the sink. What counts is what the sink has. A mark only goes
forward:

    nothing ──claim──► P, pending ──the sink confirmed──► D, done

A mark is never deleted or moved back; it ends when its window is over. docs/guarantees.md and the
model in tests/unit/dedupe_model.py show why no event is lost or doubled under these rules.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from consumer.events.identity import WINDOW_S
from consumer.options.values import TO_THE_END, Seconds, Secret, Text, TlsSettings, secret_url
from consumer.parts.base import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.events.identity import Identity

LOGIN: Final = ("username", "password")
"""The login in a URL's query, and in `[dedupe]`."""
RedisUrl = Annotated[
    str,
    secret_url(
        rf"^(rediss?|unix)://[^\s]+{TO_THE_END}",
        "a URL that starts with redis://, rediss:// or unix://",
    ),
]
"""An address of Redis. It is a secret because it may hold a password."""


class DedupeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[dedupe]`.

    Attributes:
        store: `redis` (Redis from 7.0, or Valkey), which all processes share, or `memory`, which
            belongs to a single process.
        url: The address, `redis://` or `rediss://`, with the number of the database; or
            `unix://` with the path of a socket.
        username, password: The user name and the password, if the URL does not hold them.
        tls: The TLS options. With them, the URL must begin with `rediss://`.
        key_prefix: The text before every key, so that a database can be shared.
        mode: `enforce`, or `shadow`, which forwards duplicates and conflicts and marks them.
        window_s: How long an identity is remembered, in seconds; at least the
            `duplicate_window_s` of `[sink]`.
        windows_s: How long identities of single message types are remembered, in seconds, by the
            names of the types. The same limit applies.
        timeout_s: How long a call may take, in seconds.
    """

    store: Literal["redis", "memory"] = "redis"
    url: RedisUrl = "redis://127.0.0.1:6379/0"
    username: Text | None = None
    password: Secret | None = None
    tls: TlsSettings | None = None
    key_prefix: Text = "consumer:"
    mode: Literal["enforce", "shadow"] = "enforce"
    window_s: Seconds = WINDOW_S
    windows_s: dict[str, Seconds] = msgspec.field(default_factory=dict)
    timeout_s: Seconds = 5.0

    def __post_init__(self) -> None:
        """Refuse TLS options that would have no effect.

        Raises:
            ValueError: The text says what to change.
        """
        if self.tls is not None and not self.url.startswith("rediss://"):
            raise ValueError("tls is set, so url must begin with rediss://")

    def window_of_s(self, *names: str) -> float:
        """Return how long the identities of a message type are remembered, in seconds.

        Args:
            names: All names of the type. Upper and lower case are the same.
        """
        known = {name.lower() for name in names}
        for name, window_s in self.windows_s.items():
            if name.lower() in known:
                return window_s
        return self.window_s


def address_without_login(url: str) -> str:
    """Return the part of the URL of `[dedupe]` that only a start reads.

    If a running process moved to another server or database, its connections would move at
    different moments. For that time, the marks would be in two places, and the other place would
    not have passed the checks of a start.

    Args:
        url: The URL, with or without user and password.
    """
    parts = urlsplit(url)
    query = [each for each in parse_qsl(parts.query) if each[0] not in LOGIN]
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query=urlencode(query)).geturl()


class Memory(msgspec.Struct, frozen=True, gc=False):
    """What the store knew of a key before this claim.

    Attributes:
        done: If true, the mark is D: the sink has confirmed the event. If false, the mark is P:
            some process may have published the event.
        fingerprint: The fingerprint of the delivery that was claimed or done first.
        age_s: How long ago a P was claimed, by the store's own clock, in seconds. 0 for a D.
    """

    done: bool
    fingerprint: str
    age_s: float = 0.0


class Mark(msgspec.Struct, frozen=True, gc=False):
    """What is remembered of a key, for people who ask.

    Attributes:
        done, fingerprint, age_s: The same as in `Memory`.
        remaining_s: How long the key will still be remembered, in seconds.
    """

    done: bool
    fingerprint: str
    age_s: float
    remaining_s: float


class Store(Part):
    """Remembers identities, each for its own window."""

    @abstractmethod
    async def exchange(
        self, done: Sequence[Identity], claims: Sequence[Identity]
    ) -> list[Memory | None]:
        """Mark some identities as done, then claim others, in one step.

        The step is atomic for each key. It may be repeated after an error, with the same effect.
        Several tasks may call it at the same time.

        Args:
            done: Identities that the sink has confirmed. Their marks become D for a whole window,
                whatever they were before.
            claims: Identities that are about to be published. Those without a mark become P; the
                marks of the others stay as they are. No key may stand in it twice.

        Returns:
            For each claim, in order, what was known of it before. None means that nothing was
            known.

        Raises:
            StoreUnavailable: There was no answer. Each mark may have been written or not.

        Cancelling: the call is finished first, so that its reply is not taken for the reply of
        the next call.
        """

    @abstractmethod
    async def recall(self, keys: Sequence[str]) -> list[Mark | None]:
        """Look keys up. Marks stay as they are, and end when they would have ended anyway.

        This is for people who ask (`consumer seen`), and for the error of a conflict. The answer
        may be out of date when it comes, so no event's fate may depend on it.

        Returns:
            For each key, in order, what is remembered. None means that nothing is remembered.

        Raises:
            StoreUnavailable: There was no answer.

        Cancelling: See `exchange`.
        """
