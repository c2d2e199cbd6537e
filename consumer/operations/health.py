"""Keeps what `/readyz` answers: the state of each part, and what to do if it is down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

INSIDE: Final = ("listener ", "lane ")
"""The names of listeners and lanes begin so. All other parts are outside this process."""


class PartState(msgspec.Struct, frozen=True):
    """The state of one part.

    Attributes:
        up: If true, the part works.
        why: What is wrong and what to do about it. While the part is up, it is empty, or says what
            the operator wanted.
    """

    up: bool
    why: str = ""


class Health:
    """The states of all parts. A part that has never been reported does not count."""

    def __init__(self) -> None:
        self._parts: dict[str, PartState] = {}
        self._apart: dict[str, Health] = {}
        self._draining = False

    def apart(self, name: str) -> Health:
        """Return the states of parts that are shown, but do not count.

        If the sandbox is broken, the process still takes in live events, and must not be taken out
        of a load balancer.

        Args:
            name: The name under which the parts are shown.
        """
        return self._apart.setdefault(name, Health())

    def state_apart(self, name: str) -> Health | None:
        """Return the states that are shown apart under a name. None if there are none."""
        return self._apart.get(name)

    def up(self, part: str, note: str = "") -> None:
        """Report that a part works, or rests because the operator wants it."""
        self._parts[part] = PartState(up=True, why=note)

    def down(self, part: str, why: str) -> None:
        """Report that a part does not work, and why."""
        self._parts[part] = PartState(up=False, why=why)

    def drain(self) -> None:
        """Report that the process takes in nothing new. From then on, it is not ready."""
        self._draining = True

    def why_down(self, part: str) -> str:
        """Return why a part is down. Return an empty text if it is up or was never reported."""
        state = self._parts.get(part)
        return state.why if state and not state.up else ""

    def outside(self) -> Iterator[tuple[str, bool]]:
        """Give the parts outside this process, each with true if it works.

        The word before the name of a part tells where it is shown apart, such as `wallet ledger`.
        """
        for name, state in self._parts.items():
            if not name.startswith(INSIDE):
                yield name, state.up
        for group, health in self._apart.items():
            for name, up in health.outside():
                yield f"{group} {name}", up

    @property
    def ready(self) -> bool:
        """True if all parts are up and the process takes in new deliveries."""
        return not self._draining and all(state.up for state in self._parts.values())

    def report(self) -> bytes:
        """Return the body of the answer to `/readyz`, in JSON."""
        states = {"ready": self.ready, "draining": self._draining, **self.states()}
        return msgspec.json.encode(states)

    def states(self) -> dict[str, object]:
        """Return the states of all parts, and of the parts apart, as `/readyz` shows them."""
        return {
            "parts": self._parts,
            **{name: health.states() for name, health in self._apart.items()},
        }
