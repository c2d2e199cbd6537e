"""Lets time pass in a test whose event loop jumps over every wait, so that no test sleeps."""

from __future__ import annotations

import asyncio

from tests.support.memory_sink import JumpingLoop


async def pass_time(duration_s: float) -> None:
    """Let everything happen that is due within the duration; it takes no real time.

    Raises:
        AssertionError: The loop is an ordinary one: there, wait for a condition with `eventually`.
    """
    assert isinstance(asyncio.get_running_loop(), JumpingLoop)
    await asyncio.sleep(duration_s)
