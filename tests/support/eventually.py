"""Waiting for what happens elsewhere: a condition with a deadline. The only place that sleeps."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

POLL_S = 0.01


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
    while True:
        result = predicate()
        if inspect.isawaitable(result):
            result = await result
        if result:
            return
        assert time.monotonic() < deadline_s, f"{what} did not hold within {within_s} s"
        await asyncio.sleep(POLL_S)
