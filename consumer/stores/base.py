"""The contract of a store: the memory of identities that all processes of a brand share.

A store is a cache of facts about the sink; the sink is the truth. Its states only grow:

    nothing ──claim──► P, pending ──the sink confirmed──► D, done

Nothing is ever deleted or moved back; a mark ends when the window is over. Why these rules lose
nothing and double nothing: docs/guarantees.md and the model in tests/unit/dedupe_model.py.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Literal

import msgspec

from consumer.events.identity import WINDOW_S
from consumer.options.values import Seconds, Secret, Text, TlsSettings, Url
from consumer.parts.base import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.events.identity import Identity


class DedupeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[dedupe]`.

    Attributes:
        store: `redis` (Redis from 7.0, Valkey), shared by all processes, or `memory`, for one.
        url: `redis://` or `rediss://`, with the number of the database.
        username, password: where the URL does not hold them.
        tls: TLS options; the URL must begin with `rediss://`.
        key_prefix: before every key, so that a database can be shared.
        mode: `enforce`, or `shadow`: duplicates and conflicts are forwarded and marked.
        window_s: how long an identity is remembered, in seconds.
        windows_s: the same for single message types, by name.
        timeout_s: of one call, in seconds.
    """

    store: Literal["redis", "memory"] = "redis"
    url: Url = "redis://127.0.0.1:6379/0"
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
            ValueError: with what to change.
        """
        if self.tls is None:
            return
        if not self.url.startswith("rediss://"):
            raise ValueError("tls is set, so url must begin with rediss://")
        if self.tls.server_hostname is not None:
            raise ValueError("tls.server_hostname cannot be used with Redis: put the name in url")

    def window_of_s(self, message_type: str) -> float:
        """Return how long identities of a message type are remembered, in seconds."""
        for name, window_s in self.windows_s.items():
            if name.lower() == message_type.lower():
                return window_s
        return self.window_s


class Memory(msgspec.Struct, frozen=True, gc=False):
    """What the store knew of a key before this claim.

    Attributes:
        done: True: D, the sink confirmed it. False: P, somebody may have published it.
        fingerprint: of the delivery that was claimed or done first.
        age_s: how long ago a P was claimed, by the store's own clock; 0 for a D.
    """

    done: bool
    fingerprint: str
    age_s: float = 0.0


class Mark(msgspec.Struct, frozen=True, gc=False):
    """What is remembered of a key, for people who ask.

    Attributes:
        done, fingerprint, age_s: as in `Memory`.
        remaining_s: until it is forgotten.
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
        """Mark some done and claim others, in this order, as one step.

        Atomic for each key; idempotent, so it is simply repeated after an error. It may be
        called by several tasks at the same time.

        Args:
            done: confirmed by the sink; whatever stood there becomes D for a whole window
                of its own.
            claims: about to be published; a key without a mark becomes P, others stay as they
                are. A key stands at most once in it.

        Returns:
            For each claim, in order: what was known before, or None: nothing, go ahead.

        Raises:
            StoreUnavailable: no answer; each mark may have been written or not.

        Cancelling: the call is finished first, so that no reply is ever taken for another's.
        """

    @abstractmethod
    async def recall(self, keys: Sequence[str]) -> list[Mark | None]:
        """Look keys up, and change nothing: neither a mark nor how long it lasts.

        For `consumer seen`; the answer may be out of date when it comes, so nothing is decided by
        it.

        Returns:
            For each key, in order: what is remembered, or None: nothing.

        Raises:
            StoreUnavailable: no answer.

        Cancelling: as `exchange`.
        """
