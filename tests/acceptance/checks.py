"""What must hold at the end of a run, whatever happened in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.mixed import Mix
    from tests.support.scene import Scene


async def assert_all_is_there_once(scene: Scene, mix: Mix) -> None:
    """Every distinct event once, every broken one once with its own bytes, nothing else."""
    await eventually(at_least(scene, len(mix.ids)), within_s=120, what="every event stored")
    await scene.drained()
    ids = await scene.sink.ids()
    assert not set(mix.ids) - set(ids), "lost"
    assert not set(ids) - set(mix.ids), "invented"
    assert not [name for name, count in ids.items() if count > 1], "duplicated"
    bodies = [letter.data for letter in await scene.sink.letters()]
    assert len(bodies) == len(set(bodies)), "a letter twice"
    assert set(bodies) == mix.broken


def at_least(scene: Scene, count: int) -> Callable[[], Awaitable[bool]]:
    """Return a condition for `eventually`: so many events are stored."""

    async def condition() -> bool:
        return await scene.sink.count() >= count

    return condition
