"""Holds all keys in memory, so that a request needs no look-up over the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consumer.access.key import Key


class Keyring:
    """The keys as they are known now. The bucket's watch keeps it up to date.

    Attributes:
        keys: The known keys, by their ids.
        complete: True while every key is known. False before the keys were read whole once, and
            after the watch was lost: then the keys that are known go on working, and nothing is
            said about others.
        ticket_secret: The secret that signs tickets. None while it is not known.
    """

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.complete = False
        self.ticket_secret: bytes | None = None

    def replace(self, keys: dict[str, Key]) -> None:
        """Take what was read whole for all that there is."""
        self.keys = keys
        self.complete = True

    def find(self, key_id: str) -> Key | None:
        """Return a key; None if it is not known."""
        return self.keys.get(key_id)
