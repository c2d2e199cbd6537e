"""Which offset of a partition may be committed: the book-keeping, without any I/O.

A commit says "everything below is done", so only the contiguous prefix of what was handed out may
be committed: an event that is settled early waits here for those before it. Offsets have gaps
(compaction, markers of transactions), therefore the prefix is that of the offsets seen.
"""

from __future__ import annotations

from collections import deque


class PartitionBook:
    """What of one partition is in hand, for one assignment of it.

    Another assignment of the same partition is another book: a delivery names its book, so what is
    settled late never moves the offsets of an assignment that came after.

    Attributes:
        open: False once the partition is no longer ours; nothing of it may be handed out or
            committed any more.
        position: what may be committed: the offset after the settled prefix; None: no prefix yet.
        committed: what the broker has confirmed in this assignment; None: nothing yet.
    """

    __slots__ = ("_done", "_waiting", "committed", "open", "position")

    def __init__(self) -> None:
        self.open = True
        self.position: int | None = None
        self.committed: int | None = None
        self._waiting: deque[int] = deque()
        self._done: set[int] = set()

    @property
    def in_hand_count(self) -> int:
        """How many were handed out and will still be settled."""
        return len(self._waiting) - len(self._done)

    @property
    def moved(self) -> bool:
        """There is a prefix that the broker has not confirmed."""
        return self.position != self.committed

    def hand_out(self, offset: int) -> None:
        """Note that an offset was handed out; they come in ascending order."""
        self._waiting.append(offset)

    def settle(self, offset: int) -> None:
        """Note that an offset is done; once each, in any order."""
        waiting, done = self._waiting, self._done
        if not waiting or waiting[0] != offset:
            done.add(offset)
            return
        waiting.popleft()
        while waiting and waiting[0] in done:
            offset = waiting.popleft()
            done.remove(offset)
        self.position = offset + 1
