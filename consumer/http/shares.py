"""Shares a limited amount among holders, so that no holder can keep the others out.

Each holder may have as much as is free at that moment. So one holder alone gets half of the amount,
two holders get a third each, and a part is left for a holder who comes later. A holder who has
nothing may get more than its share: see `has_room`. This is the rule of dynamic thresholds:
Choudhury and Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998.
"""

from __future__ import annotations


class Shares:
    """An amount, such as bytes of memory, and how much of it each holder has.

    Args:
        total_count: The whole amount. It may be changed at any time.

    Attributes:
        total_count: The whole amount.
        held_count: How much all holders have together.
    """

    def __init__(self, total_count: float) -> None:
        self.total_count = total_count
        self.held_count = 0
        self._by_holder: dict[str, int] = {}

    def has_room(self, holder: str, count: int) -> bool:
        """Tell whether a holder may have so much more.

        A holder who has nothing may take any amount, unless the whole amount is used up. Otherwise
        a request for more than the share could never succeed.
        """
        free_count = self.total_count - self.held_count
        held_count = self._by_holder.get(holder, 0)
        return free_count > 0 and (not held_count or held_count + count <= free_count)

    def take(self, holder: str, count: int) -> None:
        """Give a holder so much more. The caller has to ask `has_room` first."""
        if not count:
            return
        self._by_holder[holder] = self._by_holder.get(holder, 0) + count
        self.held_count += count

    def give_back(self, holder: str, count: int) -> None:
        """Take so much from a holder."""
        if not count:
            return
        left_count = self._by_holder[holder] - count
        self.held_count -= count
        if left_count:
            self._by_holder[holder] = left_count
        else:
            del self._by_holder[holder]
