"""Leaves half of the time to the lanes, however much of the past is read at the same time.

A page is a page of history or of dead letters, or a round in which a reader catches up.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SLICE_S: Final = 0.005
"""After so much time, a page pauses. A posted event waits for at most about this long."""


class Pace:
    """The pauses of all pages in this process. There is one object for all of them."""

    def __init__(self) -> None:
        self._pages_count = 0

    @contextlib.asynccontextmanager
    async def page(self) -> AsyncIterator[PagePace]:
        """Count a page for the time of the block; yields what pauses it."""
        self._pages_count += 1
        try:
            yield PagePace(self)
        finally:
            self._pages_count -= 1

    def pause_s(self, worked_s: float) -> float:
        """Return how long a page has to pause after its work, in seconds.

        So the work of all pages together takes half of the time.
        """
        return worked_s * (2 * self._pages_count - 1)


class PagePace:
    """The pauses of one page.

    Args:
        pace: The pauses of all pages.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._began_s = time.perf_counter()

    async def give_way(self) -> None:
        """Pause if the page has worked for `SLICE_S`."""
        worked_s = time.perf_counter() - self._began_s
        if worked_s >= SLICE_S:
            await asyncio.sleep(self._pace.pause_s(worked_s))
            self._began_s = time.perf_counter()
