"""Tells when a step has held the event loop for too long. The caller then gives way."""

from __future__ import annotations

import asyncio
import time
from typing import Final

HELD_S: Final = 0.03
"""The time for which a step may hold the event loop before other tasks get a turn, in seconds."""


class Turn:
    """Measures the time since it was made."""

    def __init__(self) -> None:
        self._began_s = time.perf_counter()

    def is_over(self) -> bool:
        """Tell whether other tasks should get a turn now. If true, the time starts again."""
        now_s = time.perf_counter()
        if now_s - self._began_s <= HELD_S:
            return False
        self._began_s = now_s
        return True

    async def give_way(self) -> None:
        """If the time is over, let other tasks run, and start the time again.

        Cancelling: the task is cancelled here only if the time is over.
        """
        if self.is_over():
            await asyncio.sleep(0)
