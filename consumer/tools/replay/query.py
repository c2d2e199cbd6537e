"""What is asked of the dead letters, and what is answered."""

from __future__ import annotations

import math

import msgspec

from consumer.dead_letters.record import Letter
from consumer.errors import Reason


class StoredLetter(msgspec.Struct, frozen=True):
    """A letter where it is kept.

    Attributes:
        number: its sequence number in the stream.
        stored_s: seconds since 1970.
        size_bytes: of the body.
        letter: without its body, where it comes from a list.
    """

    number: int
    stored_s: float
    size_bytes: int
    letter: Letter


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters are wanted; None: any.

    Attributes:
        message_type: compared without case.
        since_s: stored at or after this, in seconds since 1970.
        until_s: stored before this.
        limit_count: the newest so many.
    """

    listener: str | None = None
    reason: Reason | None = None
    message_type: str | None = None
    since_s: float = 0.0
    until_s: float = math.inf
    limit_count: int = 50

    def wants(self, stored: StoredLetter) -> bool:
        """Tell what the subject alone cannot tell."""
        wanted = self.message_type
        if wanted is not None and stored.letter.message_type.lower() != wanted.lower():
            return False
        return self.since_s <= stored.stored_s < self.until_s
