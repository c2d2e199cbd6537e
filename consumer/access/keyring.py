"""Holds all keys in memory, so that a request needs no look-up over the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.access.key import Key


class Keyring:
    """The keys as they are known now. The bucket's watch keeps it up to date.

    Attributes:
        complete: True while every key is known. False before the keys were read whole once, and
            after the watch was lost: then the keys that are known go on working, and nothing is
            said about others.
    """

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}
        self.complete = False

    def replace(self, keys: Mapping[str, Key]) -> None:
        """Take what was read whole for all that there is."""
        self._keys = dict(keys)
        self.complete = True

    def put(self, key: Key) -> None:
        """Add a key, or replace it."""
        self._keys[key.id] = key

    def remove(self, key_id: str) -> None:
        """Forget a key."""
        self._keys.pop(key_id, None)

    def find(self, key_id: str) -> Key | None:
        """Return a key; None if it is not known."""
        return self._keys.get(key_id)

    def all(self) -> list[Key]:
        """Return all keys."""
        return list(self._keys.values())
