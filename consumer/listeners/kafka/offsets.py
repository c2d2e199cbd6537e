"""Keeps the books of which offsets of a partition may be committed. Does no I/O.

A commit says "everything below this offset is done". So only the contiguous prefix of what was
handed out may be committed, and an offset that is settled early waits here for those before it.
Offsets have gaps (compaction, markers of transactions), therefore the prefix is counted in the
offsets that were seen.
"""

from __future__ import annotations

from collections import deque


class PartitionBook:
    """What of one partition is in hand, during one assignment of that partition to us.

    Another assignment of the same partition has another book. A delivery names its book, so what
    is settled late never moves the offsets of an assignment that came after.

    Attributes:
        open: False once the partition is not ours any more. Nothing of it may be handed out or
            committed then.
        committable_offset: The offset behind the settled prefix, which may be committed. None:
            there is no prefix yet.
        committed_offset: The offset that the broker has confirmed in this assignment. None: it
            has confirmed nothing yet.
    """

    __slots__ = ("_done", "_waiting", "committable_offset", "committed_offset", "open")

    def __init__(self) -> None:
        self.open = True
        self.committable_offset: int | None = None
        self.committed_offset: int | None = None
        self._waiting: deque[int] = deque()
        self._done: set[int] = set()

    @property
    def in_hand_count(self) -> int:
        """How many deliveries were handed out and are not settled yet."""
        return len(self._waiting) - len(self._done)

    @property
    def moved(self) -> bool:
        """Whether there is a prefix that the broker has not confirmed."""
        return self.committable_offset != self.committed_offset

    def hand_out(self, offset: int) -> None:
        """Note that an offset was handed out. Offsets come in ascending order."""
        self._waiting.append(offset)

    def settle(self, offset: int) -> None:
        """Note that an offset is done. Each offset is settled once, in any order."""
        waiting, done = self._waiting, self._done
        if not waiting or waiting[0] != offset:
            done.add(offset)
            return
        waiting.popleft()
        while waiting and waiting[0] in done:
            offset = waiting.popleft()
            done.remove(offset)
        self.committable_offset = offset + 1
