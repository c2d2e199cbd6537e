"""What `/livez` and `/readyz` answer: each part's state, and why, in words for the operator."""

from __future__ import annotations

import msgspec


class PartState(msgspec.Struct, frozen=True):
    """One part.

    Attributes:
        up: it does its work.
        why: what is wrong and what to do about it; empty while it is up.
    """

    up: bool
    why: str = ""


class Health:
    """The states of all parts. A part that nobody has reported yet is not there."""

    def __init__(self) -> None:
        self._parts: dict[str, PartState] = {}
        self._draining = False

    def up(self, part: str) -> None:
        """Report that a part works."""
        self._parts[part] = PartState(up=True)

    def down(self, part: str, why: str) -> None:
        """Report that a part does not work, and why."""
        self._parts[part] = PartState(up=False, why=why)

    def drain(self) -> None:
        """Report that the process takes nothing new: not ready from here on."""
        self._draining = True

    def why_down(self, part: str) -> str:
        """Return what was last reported of a part; empty: it is up, or unknown."""
        state = self._parts.get(part)
        return state.why if state else ""

    @property
    def ready(self) -> bool:
        """All parts are up, and the process is not going to end."""
        return not self._draining and all(state.up for state in self._parts.values())

    def report(self) -> bytes:
        """Return the answer of `/readyz`, JSON."""
        return msgspec.json.encode(
            {"ready": self.ready, "draining": self._draining, "parts": self._parts}
        )
