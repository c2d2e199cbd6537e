"""Waiting for what happens elsewhere: a condition with a deadline. The only place that sleeps."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FIRST_PAUSE_S = 0.001
PAUSE_S = 0.01
"""Pauses grow from the first to this one: in memory, most conditions hold after a few turns."""


async def eventually(
    predicate: Callable[[], object | Awaitable[object]],
    *,
    within_s: float = 10.0,
    what: str = "the condition",
) -> None:
    """Return once the predicate is true.

    Raises:
        AssertionError: it was not within the deadline.
    """
    deadline_s = time.monotonic() + within_s
    pause_s = FIRST_PAUSE_S
    while True:
        result = predicate()
        if inspect.isawaitable(result):
            result = await result
        if result:
            return
        assert time.monotonic() < deadline_s, f"{what} did not hold within {within_s} s"
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, PAUSE_S)
