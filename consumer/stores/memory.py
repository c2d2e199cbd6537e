"""The store for one process: marks live and die with it.

For demos, tests, and a single process whose sink's own window is enough after a restart. No
bound but the window: at about 250 bytes an identity, 1,000 events a second remembered for an hour
are about 900 MB, so a long window belongs into Redis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.clock import SYSTEM_CLOCK, Clock
from consumer.stores.base import Identity, Mark, Memory, Store

if TYPE_CHECKING:
    from collections.abc import Sequence


class MemoryStore(Store):
    """Keeps marks in a dictionary, oldest first.

    Args:
        window_s: how long a mark lives, in seconds.
        clock: for tests.
    """

    def __init__(self, window_s: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._window_s = window_s
        self._clock = clock
        # Insertion order is order of expiry, because a mark that is written anew moves to the end.
        self._marks: dict[str, tuple[float, Memory]] = {}

    @property
    def count(self) -> int:
        """How many identities are remembered."""
        return len(self._marks)

    async def open(self) -> None:
        """Nothing to connect to."""

    async def exchange(
        self, done: Sequence[Identity], claims: Sequence[Identity]
    ) -> list[Memory | None]:
        """See `Store.exchange`. Never waits, so it is one step by itself."""
        now_s = self._clock.monotonic_s()
        self._forget(now_s)
        for identity in done:
            self._marks.pop(identity.key, None)
            self._marks[identity.key] = (now_s, Memory(done=True, fingerprint=identity.fingerprint))
        return [self._claim(identity, now_s) for identity in claims]

    def _claim(self, identity: Identity, now_s: float) -> Memory | None:
        known = self._marks.get(identity.key)
        if known is None:
            pending = Memory(done=False, fingerprint=identity.fingerprint)
            self._marks[identity.key] = (now_s, pending)
            return None
        since_s, memory = known
        if memory.done:
            return memory
        return Memory(done=False, fingerprint=memory.fingerprint, age_s=now_s - since_s)

    def _forget(self, now_s: float) -> None:
        while self._marks:
            key, (since_s, _) = next(iter(self._marks.items()))
            if now_s - since_s < self._window_s:
                return
            del self._marks[key]

    async def recall(self, keys: Sequence[str]) -> list[Mark | None]:
        """See `Store.recall`."""
        now_s = self._clock.monotonic_s()
        return [self._recall(key, now_s) for key in keys]

    def _recall(self, key: str, now_s: float) -> Mark | None:
        since_s, memory = self._marks.get(key, (now_s, None))
        age_s = now_s - since_s
        if memory is None or age_s >= self._window_s:
            return None
        return Mark(
            done=memory.done,
            fingerprint=memory.fingerprint,
            age_s=age_s,
            remaining_s=self._window_s - age_s,
        )

    async def check(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Nothing to free."""
