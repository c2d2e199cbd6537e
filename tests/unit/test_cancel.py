"""Tasks end, also if a library swallows their first cancellation."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from consumer import cancel
from consumer.cancel import end_tasks
from consumer.operations.health import Health
from consumer.parts.base import Part
from consumer.parts.keep_open import KeptOpen
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from consumer.operations.caveat import Caveat


@pytest.fixture(autouse=True)
def _short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancel, "AGAIN_AFTER_S", 0.01)


async def swallow_once() -> None:
    """Wait for ever, twice: the first cancellation has no effect."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


async def test_every_task_ends() -> None:
    """A task that has ended before is no trouble."""
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = group.create_task(swallow_once(), name="waiting")
        ended = group.create_task(asyncio.sleep(0), name="ended")
        await eventually(ended.done)
        await end_tasks([waiting, ended])
        assert (waiting.cancelled(), ended.cancelled()) == (True, False)


class Swallowing(Part):
    """A part whose check swallows one cancellation, and which is lost at the first check."""

    def __init__(self) -> None:
        self.opened_count = 0
        self.checking = asyncio.Event()

    async def open(self) -> list[Caveat]:
        """See `Part.open`."""
        self.opened_count += 1
        return []

    async def check(self) -> None:
        """See `Part.check`."""
        self.checking.set()
        await swallow_once()

    async def wait_lost(self) -> str:
        """See `Part.wait_lost`."""
        await self.checking.wait()
        self.checking.clear()
        return "lost"

    async def close(self) -> None:
        """See `Part.close`."""


async def test_lost_part_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lanes would hold their batches until the next restart."""
    monkeypatch.setattr("consumer.parts.keep_open.CHECK_EVERY_S", 0.0)
    part = Swallowing()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(KeptOpen("sink", part, Health()).run(), name="kept open")
        await eventually(lambda: part.opened_count >= 2)
        await end_tasks([running])


class OpeningSwallows(Swallowing):
    """A part whose opening swallows a cancellation, and succeeds."""

    async def open(self) -> list[Caveat]:
        """See `Part.open`."""
        self.opened_count += 1
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return []


async def test_part_that_is_being_opened_ends_at_the_first_cancellation() -> None:
    """A group of tasks cancels its tasks once, and would wait for ever."""
    part = OpeningSwallows()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        running = group.create_task(KeptOpen("sink", part, Health()).run(), name="kept open")
        await eventually(lambda: part.opened_count == 1)
        running.cancel()
