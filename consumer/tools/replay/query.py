"""Describes which dead letters are wanted, and what is returned for each of them."""

from __future__ import annotations

import math

import msgspec

from consumer.dead_letters.record import Letter
from consumer.deliveries.origin import Sender
from consumer.errors import Reason


class StoredLetter(msgspec.Struct, frozen=True):
    """A letter in its stream.

    Attributes:
        number: The letter's sequence number in the stream.
        stored_s: The time at which the server stored the letter, in seconds since 1970.
        size_bytes: The size of the body, in bytes. It is 0 if `LetterReader.get` returned the
            letter and the body is in the object store.
        letter: The letter itself. Its body is left out if it is part of a list.
    """

    number: int
    stored_s: float
    size_bytes: int
    letter: Letter


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which letters are wanted.

    Attributes:
        sender: Who sent the delivery: a brand, in an environment. None means any sender.
        listener: The name of the listener that took the delivery in. None means any listener.
        reason: The reason why the delivery became a letter. None means any reason.
        message_type: The message type, compared without case. None means any message type.
        since_s: The time in seconds since 1970 from which letters are wanted.
        until_s: The time in seconds since 1970 before which letters are wanted.
        limit_count: The largest number of letters. `LetterReader.newest` returns the newest of
            the letters that fit, and `chunks` yields the oldest.
    """

    sender: Sender | None = None
    listener: str | None = None
    reason: Reason | None = None
    message_type: str | None = None
    since_s: float = 0.0
    until_s: float = math.inf
    limit_count: int = 50

    def wants(self, stored: StoredLetter) -> bool:
        """Tell whether a letter has the wanted sender, message type and time.

        The server compares listener and reason, because they are in the letter's subject.
        """
        if self.sender is not None and stored.letter.sender != self.sender:
            return False
        wanted = self.message_type
        if wanted is not None and stored.letter.message_type.lower() != wanted.lower():
            return False
        return self.since_s <= stored.stored_s < self.until_s
