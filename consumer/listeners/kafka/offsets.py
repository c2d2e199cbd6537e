"""Knows which offsets of a partition may be committed. Does no I/O.

A commit says "everything below this offset is done". So an offset may only be committed when all
offsets that were handed out before it are settled. Offsets have gaps (compaction, markers of
transactions), so this module remembers the offsets that were handed out, and does not count.
"""

from __future__ import annotations

from collections import deque


class PartitionBook:
    """The offsets of one partition that are in hand, during one assignment of the partition to us.

    Each assignment of a partition has its own book. A delivery refers to its book, so a delivery
    that is settled late never changes the offsets of a later assignment.

    Attributes:
        open: True while the partition is ours. If false, no record of the partition may be handed
            out or committed.
        committable_offset: The offset behind the settled prefix, which may be committed. None while
            there is no settled prefix.
        committed_offset: The offset that the broker has confirmed in this assignment. None while
            the broker has confirmed no offset.
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
        """The number of deliveries that were handed out and are not settled yet."""
        return len(self._waiting) - len(self._done)

    @property
    def moved(self) -> bool:
        """True if the settled prefix has an end that the broker has not confirmed."""
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

    def step(self, offset: int) -> None:
        """Note that nothing below an offset is in hand or will come: markers, aborted records.

        If something is in hand, this does nothing.
        """
        if not self.in_hand_count and (self.committable_offset or 0) < offset:
            self.committable_offset = offset
