"""The turns of long batches."""

from __future__ import annotations

import asyncio

import pytest

from consumer.listeners.http.long_batches import HELD_MAX_COUNT, LongBatches
from consumer.listeners.http.shed import NotTaken, Shed

SOON_S = 0.05


class Passing:
    """Batches that note when they begin and end."""

    def __init__(self) -> None:
        self.long = LongBatches()
        self.notes: list[str] = []

    async def turn(self, key_id: str, name: str, within_s: float = 10) -> None:
        """Let a batch pass that takes a moment."""
        until_s = asyncio.get_running_loop().time() + within_s
        async with self.long.turn(key_id, until_s):
            self.notes.append(f"{name} begins")
            await asyncio.sleep(0)
            self.notes.append(f"{name} ends")


async def test_batches_of_a_key_pass_in_turn() -> None:
    """If they passed piece by piece, under load all of them would come too late."""
    passing = Passing()
    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(passing.turn("key", name))
    assert passing.notes == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]


async def test_keys_do_not_wait_for_each_other() -> None:
    """The intake lets them take turns."""
    passing = Passing()
    async with asyncio.TaskGroup() as group:
        group.create_task(passing.turn("key", "a"))
        group.create_task(passing.turn("other", "b"))
    assert passing.notes[:2] == ["a begins", "b begins"]


async def test_too_many_are_refused_at_once() -> None:
    """They would hold memory. There is room again as soon as the others have passed."""
    passing = Passing()
    async with asyncio.TaskGroup() as group:
        for number in range(HELD_MAX_COUNT):
            group.create_task(passing.turn("key", str(number)))
        await asyncio.sleep(0)
        with pytest.raises(NotTaken) as refused:
            await passing.turn("key", "one more")
    assert refused.value.why is Shed.BUSY
    await passing.turn("key", "later")
    assert passing.notes[-1] == "later ends"


async def test_sender_waits_no_longer_than_for_an_answer() -> None:
    """Nothing of its batch was taken. Those behind it still get their turn."""
    passing = Passing()
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group, passing.long.turn("key", loop.time() + 10):
        with pytest.raises(NotTaken) as refused:
            await passing.turn("key", "late", SOON_S)
        group.create_task(passing.turn("key", "behind"))
    assert refused.value.why is Shed.LATE
    assert passing.notes == ["behind begins", "behind ends"]


async def test_batch_that_is_cancelled_lets_the_next_pass() -> None:
    """While it passes, and while it waits."""
    passing = Passing()
    tasks = [asyncio.get_running_loop().create_task(passing.turn("key", name)) for name in "abc"]
    await asyncio.sleep(0)
    for task in tasks[:2]:
        task.cancel()
    await asyncio.wait(tasks)
    assert passing.notes == ["a begins", "c begins", "c ends"]
