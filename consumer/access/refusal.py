"""Defines why a request is refused because of its key."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from consumer.errors import ConsumerError


class Refusal(StrEnum):
    """Why a key is refused: the value of the label `reason` of a metric."""

    UNREAD = "unread"
    """The keys could not be read yet, or the key is unknown while the watch is lost."""
    MISSING = "missing"
    """The request has no key."""
    MALFORMED = "malformed"
    """The text is no key: it is cut off, or its checksum is wrong."""
    UNKNOWN = "unknown"
    """There is no such key, or its secret is wrong."""
    EXPIRED = "expired"
    REVOKED = "revoked"
    ENVIRONMENT = "environment"
    """This process does not serve the environment of the key."""
    SCOPE = "scope"
    ADDRESS = "address"
    RATE = "rate"


class RateLimit(msgspec.Struct, frozen=True):
    """The limit that a key has reached.

    Attributes:
        name: What is limited: `events` or `requests`.
        quota_count: How many of them the key may have at once.
        window_s: The time after which a used-up quota is whole again, in seconds.
    """

    name: str
    quota_count: int
    window_s: float


class KeyRefused(ConsumerError):
    """A request is refused because of its key.

    The text may be shown to the sender. It says nothing about other keys, so that nobody can find
    out which keys exist.

    Attributes:
        refusal: The reason.
        retry_after_s: The time after which the same request may succeed, in seconds. None if
            waiting does not help.
        limit: The limit that was reached, if the reason is a rate.
    """

    def __init__(
        self,
        refusal: Refusal,
        detail: str,
        retry_after_s: float | None = None,
        limit: RateLimit | None = None,
    ) -> None:
        super().__init__(detail)
        self.refusal = refusal
        self.retry_after_s = retry_after_s
        self.limit = limit
