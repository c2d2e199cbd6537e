"""Decides which events a reader gets: those that it asks for, if its key may read them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from consumer.access.key import Key
from consumer.errors import ConsumerError
from consumer.events.registry import find, subjects
from consumer.nats.subjects import covers
from consumer.options.check import no_such
from consumer.pipeline.decode import suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.readers.place import ReadEvent


class SelectionRefused(ConsumerError):
    """A reader asks for events that it may not read, or that do not exist. The text says which.

    Attributes:
        reason: `forbidden_subject`, `unknown_subject`, `forbidden_user` or `unknown_type`.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Rights(msgspec.Struct, frozen=True):
    """What the holder of a key, or of a ticket, may read.

    Attributes:
        key: The key.
        subjects: The subjects of the catalogue.
        user: The player whose events may be read. None means all players.
        mark: Tells with which secret of the key: see `token.mark_of`. Empty if it is not known.
    """

    key: Key
    subjects: frozenset[str]
    user: str | None = None
    mark: str = ""


class Selection(msgspec.Struct, frozen=True):
    """The events that a reader gets.

    Attributes:
        brand: The brand of the key.
        subjects: The subjects of the catalogue.
        user: The player's id. None means all players, and events without a player.
        message_type: The message type in lower case. None means all.
    """

    brand: str
    subjects: frozenset[str]
    user: str | None = None
    message_type: str | None = None

    def wants(self, event: ReadEvent) -> bool:
        """Tell whether an event is one of these."""
        return (
            event.subject in self.subjects
            and event.brand == self.brand
            and (self.user is None or event.user == self.user)
            and (self.message_type is None or event.message_type == self.message_type)
        )


def rights_of(key: Key) -> Rights:
    """Return what the holder of a key may read."""
    return Rights(key, _matched_by(key.subjects or (">",)))


def select(
    rights: Rights,
    patterns: Sequence[str] = (),
    user: str | None = None,
    message_type: str | None = None,
) -> Selection:
    """Return the events that a reader gets.

    Args:
        rights: What it may read.
        patterns: The subjects that it asks for, which may have wildcards. If there is none, it gets
            all that it may read.
        user: The player whose events it asks for.
        message_type: The message type that it asks for, compared without case.

    Raises:
        SelectionRefused: It asks for something that it may not read, or that does not exist.
    """
    wanted = rights.subjects
    if patterns:
        wanted = frozenset().union(*(_checked(rights, pattern) for pattern in patterns))
    if rights.user is not None and user not in (None, rights.user):
        raise SelectionRefused("forbidden_user", "user: the ticket is for another user")
    if message_type is not None:
        found = find(message_type)
        if found is None:
            hint = suggestion(message_type[:64])
            raise SelectionRefused("unknown_type", f"message_type: there is no such type{hint}")
        message_type = found.name.lower()
    return Selection(rights.key.brand, wanted, user or rights.user, message_type)


def _checked(rights: Rights, pattern: str) -> frozenset[str]:
    matched = _matched_by((pattern,))
    if not matched:
        text = f"subjects: {no_such('subject', pattern[:64], list(subjects()))}"
        raise SelectionRefused("unknown_subject", text)
    if not matched <= rights.subjects:
        text = f"subjects: the key may not read all of {pattern[:64]}"
        raise SelectionRefused("forbidden_subject", text)
    return matched


@lru_cache(maxsize=1024)
def _matched_by(patterns: tuple[str, ...]) -> frozenset[str]:
    """Return the subjects of the catalogue that these subjects, perhaps with wildcards, match."""
    return frozenset(
        subject for subject in subjects() for pattern in patterns if covers(pattern, subject)
    )
