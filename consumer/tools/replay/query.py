"""Says which dead letters are wanted, and what is told of each of them."""

from __future__ import annotations

import math

import msgspec

from consumer.dead_letters.record import Letter
from consumer.errors import Reason


class StoredLetter(msgspec.Struct, frozen=True):
    """A letter in its stream.

    Attributes:
        number: Its sequence number in the stream.
        stored_s: When the server stored it, in seconds since 1970.
        size_bytes: The size of the body.
        letter: The letter itself. It has no body where it comes from a list.
    """

    number: int
    stored_s: float
    size_bytes: int
    letter: Letter


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters are wanted. None: any.

    Attributes:
        listener: The name of the listener that took the delivery in.
        reason: Why the delivery became a letter.
        message_type: The message type, compared without case.
        since_s: Letters that were stored at this time or later, in seconds since 1970.
        until_s: Letters that were stored before this time, in seconds since 1970.
        limit_count: How many letters, counted from the newest.
    """

    listener: str | None = None
    reason: Reason | None = None
    message_type: str | None = None
    since_s: float = 0.0
    until_s: float = math.inf
    limit_count: int = 50

    def wants(self, stored: StoredLetter) -> bool:
        """Whether a letter is wanted, as far as its subject alone does not tell it."""
        wanted = self.message_type
        if wanted is not None and stored.letter.message_type.lower() != wanted.lower():
            return False
        return self.since_s <= stored.stored_s < self.until_s
