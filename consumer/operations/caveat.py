"""Something that works and may still surprise: the daemon logs it, `consumer check` prints it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Caveat(msgspec.Struct, frozen=True):
    """One surprise that an operator should know of before it comes.

    Attributes:
        what: A constant text: the log's event.
        facts: What belongs to it, by name: the log's fields.
    """

    what: str
    facts: Mapping[str, object]

    def __str__(self) -> str:
        """Say it in one line."""
        facts = ", ".join(f"{name} = {value}" for name, value in self.facts.items())
        return f"{self.what} ({facts})" if facts else self.what
