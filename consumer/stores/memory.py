"""Remembers identities in this process: the marks are gone when it ends.

This is for demos, tests, and a single process that can rely on the sink's own window after a
restart. Only the window limits the number of marks. An identity takes about 250 bytes, so 1,000
events a second that are remembered for an hour take about 900 MB. A long window needs Redis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.clock import SYSTEM_CLOCK, Clock
from consumer.stores.base import Mark, Memory, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.events.identity import Identity
    from consumer.operations.caveat import Caveat


class MemoryStore(Store):
    """Keeps marks in one dictionary for each window, oldest first.

    Args:
        clock: The clock. Tests give a clock of their own.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        # A dictionary for each length of window. In each of them, the marks stand in the order in
        # which they end, because a mark that is written again moves to the end. There are at most
        # as many windows as message types.
        self._windows: dict[float, dict[str, tuple[float, Memory]]] = {}

    @property
    def count(self) -> int:
        """The number of identities that are remembered."""
        return sum(map(len, self._windows.values()))

    async def open(self) -> list[Caveat]:
        """See `Part.open`. There is nothing to connect to."""
        return []

    async def exchange(
        self, done: Sequence[Identity], claims: Sequence[Identity]
    ) -> list[Memory | None]:
        """See `Store.exchange`. It awaits nothing, so no other task sees it half done."""
        now_s = self._clock.monotonic_s()
        self._forget(now_s)
        for identity in done:
            for marks in self._windows.values():
                marks.pop(identity.key, None)
            self._write(identity, now_s, done=True)
        return [self._claim(identity, now_s) for identity in claims]

    def _claim(self, identity: Identity, now_s: float) -> Memory | None:
        for marks in self._windows.values():
            if identity.key in marks:
                since_s, memory = marks[identity.key]
                age_s = 0.0 if memory.done else now_s - since_s
                return Memory(done=memory.done, fingerprint=memory.fingerprint, age_s=age_s)
        self._write(identity, now_s, done=False)
        return None

    def _write(self, identity: Identity, now_s: float, *, done: bool) -> None:
        marks = self._windows.setdefault(identity.window_s, {})
        marks[identity.key] = (now_s, Memory(done=done, fingerprint=identity.fingerprint))

    def _forget(self, now_s: float) -> None:
        for window_s, marks in self._windows.items():
            while marks:
                key, (since_s, _) = next(iter(marks.items()))
                if now_s - since_s < window_s:
                    break
                del marks[key]

    async def recall(self, keys: Sequence[str]) -> list[Mark | None]:
        """See `Store.recall`."""
        now_s = self._clock.monotonic_s()
        return [self._recall(key, now_s) for key in keys]

    def _recall(self, key: str, now_s: float) -> Mark | None:
        for window_s, marks in self._windows.items():
            since_s, memory = marks.get(key, (now_s, None))
            left_s = since_s + window_s - now_s
            if memory is not None and left_s > 0:
                age_s = 0.0 if memory.done else now_s - since_s
                return Mark(memory.done, memory.fingerprint, age_s, left_s)
        return None

    async def check(self) -> None:
        """See `Part.check`. This store is always there."""

    async def close(self) -> None:
        """See `Part.close`. There is nothing to free."""
