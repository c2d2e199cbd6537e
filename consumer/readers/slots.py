"""Limits how many reads of the past run at the same time, in the process and for each key."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class _Holder:
    def __init__(self, count: int) -> None:
        self.free = asyncio.Semaphore(count)
        self.users_count = 0


class Slots:
    """A number of slots. Each holder may use some of them at the same time.

    Args:
        all_count: The number of slots.
        holder_count: The largest number of slots that one holder may use.
    """

    def __init__(self, all_count: int, holder_count: int) -> None:
        self._free = asyncio.Semaphore(all_count)
        self._holder_count = holder_count
        self._holders: dict[str, _Holder] = {}

    @contextlib.asynccontextmanager
    async def turn(self, holder: str) -> AsyncIterator[None]:
        """Wait for a slot, and use it for the time of the block."""
        known = self._holders.get(holder)
        if known is None:
            known = self._holders[holder] = _Holder(self._holder_count)
        known.users_count += 1
        try:
            async with known.free, self._free:
                yield
        finally:
            known.users_count -= 1
            if not known.users_count:
                del self._holders[holder]
