"""Whatever happens to what was posted, nothing of the intake's room is lost.

Room that is lost would never come back while the process runs, and in the end the port would refuse
everything.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import pytest

from consumer.listeners.http.intake import FIRST_COUNT, Intake
from consumer.listeners.http.shed import NotTaken
from tests.support.fates import end_all
from tests.support.jumping_time import pass_time
from tests.support.memory_sink import jump
from tests.support.posting import deliveries_of, request_with

if TYPE_CHECKING:
    from consumer.deliveries.delivery import Delivery

TIMEOUT_S = 4.0
MAX_BYTES = 20_000
STEPS_COUNT = 150
KEYS = "abc"


class Storm:
    """Posts, cancels, takes, ends, waits, closes and opens, in a random order."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.intake = Intake(TIMEOUT_S, MAX_BYTES)
        self.intake.open()
        self.tasks: list[asyncio.Task[None]] = []
        self.lane: list[list[Delivery]] = []

    async def run(self) -> None:
        """Let it rage, and let everything come to its end."""
        acts = (self._post, self._cancel, self._take, self._end, self._wait, self._reopen)
        for _ in range(STEPS_COUNT):
            (act,) = self.random.choices(acts, (9, 3, 5, 5, 1, 1))
            await act()
        while self.intake.waiting_count:
            await self._take()
        while self.lane:
            await self._end()
        if self.tasks:
            await asyncio.wait(self.tasks)

    async def _post(self) -> None:
        bodies = [b"x" * self.random.randint(0, 300) for _ in range(self.random.randint(0, 40))]
        question = self._ask(self.random.choice(KEYS), bodies)
        self.tasks.append(asyncio.get_running_loop().create_task(question))
        if self.random.random() < 0.7:
            await asyncio.sleep(0)

    async def _ask(self, key_id: str, bodies: list[bytes]) -> None:
        try:
            ended = await self.intake.ask(request_with(), key_id, deliveries_of(*bodies))
        except NotTaken:
            return
        assert [one.body for one in ended] == bodies
        assert None not in [one.end for one in ended]

    async def _cancel(self) -> None:
        if self.tasks:
            self.random.choice(self.tasks).cancel()

    async def _take(self) -> None:
        limits = self.random.randint(1, 60), self.random.randint(1, 4000)
        self.lane.append(self.intake.take(*limits))

    async def _end(self) -> None:
        if self.lane:
            taken = self.lane.pop(0)
            end_all(taken)
            self.intake.ended(taken)

    async def _wait(self) -> None:
        await pass_time(self.random.choice((0.1, 1, 5)))

    async def _reopen(self) -> None:
        self.intake.close()
        await asyncio.sleep(0)
        self.intake.open()


@pytest.mark.parametrize("seed", range(40))
def test_all_room_comes_back(seed: int) -> None:
    """Afterwards, each key can post as much as a new intake takes from it."""

    async def scenario() -> None:
        storm = Storm(seed)
        await storm.run()
        failed = [task for task in storm.tasks if not task.cancelled() and task.exception()]
        assert failed == []
        intake = storm.intake
        for key_id in KEYS:
            # Who holds anything gets no more than half, so this fits only if nothing is lost.
            bodies = [b"x" * (MAX_BYTES // FIRST_COUNT)] * (FIRST_COUNT * 3 // 4)
            intake.refuse_if_full(key_id)
            asking = asyncio.get_running_loop().create_task(
                intake.ask(request_with(), key_id, deliveries_of(*bodies))
            )
            await asyncio.sleep(0)
            assert not asking.done()
            taken = intake.take(FIRST_COUNT, MAX_BYTES)
            end_all(taken)
            intake.ended(taken)
            assert len(await asking) == len(bodies)
            assert intake.waiting_count == 0

    jump(scenario())
