"""Defines a caveat: something that works but may surprise. The log and `consumer check` show it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Caveat(msgspec.Struct, frozen=True):
    """Something that works but may surprise the operator.

    Attributes:
        what: A constant text, which is the event of the log line.
        facts: The fields of the log line, by name.
    """

    what: str
    facts: Mapping[str, object]

    def __str__(self) -> str:
        """Write the caveat in one line."""
        facts = ", ".join(f"{name} = {value}" for name, value in self.facts.items())
        return f"{self.what} ({facts})" if facts else self.what
