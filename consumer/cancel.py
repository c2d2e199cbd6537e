"""Ends tasks for sure: a task that goes on after it was cancelled is cancelled again.

Before Python 3.12, `asyncio.wait_for` swallows a cancellation that comes at the same moment as the
result: https://github.com/python/cpython/issues/86296. nats-py uses this function for most of its
calls. Then a task with a loop never ends, and neither does the code that waits for its end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

AGAIN_AFTER_S: Final = 10.0
"""More than any of our parts needs for its closing, which a second cancellation would cut off."""


def raise_swallowed() -> None:
    """Raise the cancellation of this task that a library has swallowed.

    A loop that awaits calls of nats-py has to call this function in each round. Otherwise the loop
    goes on, and the code that has cancelled the loop waits for ever.

    Raises:
        asyncio.CancelledError: The task was cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and return once all of them have ended. Their errors are not raised here.

    Cancelling: the tasks were cancelled at least once, and may still run.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN_AFTER_S)
