"""The main job: three brokers at once, duplicates within and across them, broken ones between."""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.checks import assert_all_is_there_once
from tests.support.eventually import eventually
from tests.support.mixed import Mix

if TYPE_CHECKING:
    from tests.support.scene import Scene

COUNT = int(os.environ.get("MIXED_COUNT", "30000"))
KILLS = 10
KILL_COUNT = 9_000


async def test_every_event_is_stored_once_and_the_books_balance(scene: Scene) -> None:
    """A third from each broker at the same time, all of one brand."""
    mix = Mix(COUNT, seed=1, name=scene.name)
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await scene.send(mix)
        await assert_all_is_there_once(scene, mix)
        await eventually(daemon.is_idle, what="nothing in flight")
        books = await daemon.books()
        assert books == {
            "received": COUNT,
            "forwarded": len(mix.ids),
            "duplicates": mix.copies,
            "dead_letters": len(mix.broken),
            "in_flight": 0,
        }


@pytest.mark.parametrize("seed", [11])
async def test_kill_9_in_the_middle_loses_and_doubles_nothing(scene: Scene, seed: int) -> None:
    """Ten times, spread over the run, at moments drawn from the seed."""
    mix = Mix(KILL_COUNT, seed=seed, name=scene.name)
    await scene.send(mix)
    draw = random.Random(seed)
    daemon = scene.daemon()
    with daemon:
        for kill in range(KILLS):
            goal = (kill + 1) * len(mix.ids) // (KILLS + 2)
            await eventually(scene.events_are(goal), within_s=60, what=f"{goal} stored")
            await asyncio.sleep(draw.random() * 0.05)  # a moment is what is tested
            daemon.kill()
            daemon.start()
        await assert_all_is_there_once(scene, mix)


async def test_sigterm_under_load_drains_and_exits_0(scene: Scene) -> None:
    """What was stored is settled: nothing confirmed is delivered again."""
    mix = Mix(COUNT, seed=2, name=scene.name, copies=0, broken=0)
    await scene.send(mix)
    with scene.daemon() as daemon:
        await eventually(scene.events_are(COUNT // 10), what="a tenth stored")
        daemon.terminate()
        async with asyncio.timeout(25):
            assert await daemon.exit_code() == 0
        stored = len(await scene.sink.ids())
        assert stored < COUNT, "it was done before it was told to stop"
        left = sum([await source.remaining() for source in scene.sources.values()])
        assert stored + left == COUNT
