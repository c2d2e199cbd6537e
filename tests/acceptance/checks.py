"""What must hold at the end of a run, whatever happened in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.eventually import eventually

if TYPE_CHECKING:
    from tests.support.mixed import Mix
    from tests.support.scene import Scene


async def assert_all_is_there_once(scene: Scene, mix: Mix) -> None:
    """Every distinct event once, every broken one once with its own bytes, nothing else."""
    await eventually(scene.events_are(len(mix.ids)), within_s=120, what="every event stored")
    await scene.drained()
    ids = await scene.sink.ids()
    assert not set(mix.ids) - set(ids), "lost"
    assert not set(ids) - set(mix.ids), "invented"
    assert not [name for name, count in ids.items() if count > 1], "duplicated"
    bodies = [letter.data for letter in await scene.sink.letters()]
    assert len(bodies) == len(set(bodies)), "a letter twice"
    assert set(bodies) == mix.broken
