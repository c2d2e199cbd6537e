"""Shadow mode on a real NATS and Redis, and the switch to dropping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.eventually import eventually
from tests.support.samples import casino
from tests.support.scene import Scene
from tests.support.source_nats import NatsSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def shadowed(tmp_path: Path, nats_url: str, redis_url: str) -> AsyncIterator[Scene]:
    """Return a scene with one source, in shadow mode."""
    async with Scene(tmp_path, {"nats": NatsSource(nats_url)}, redis_url, nats_url) as scene:
        scene.tables["dedupe"]["mode"] = "shadow"
        yield scene


async def marks(scene: Scene) -> list[str]:
    """Return the mark of each stored event, sorted."""
    headers = [event.headers or {} for event in await scene.sink.events()]
    return sorted(one.get("Consumer-Duplicate", "") for one in headers)


async def test_shadow_drops_nothing_and_enforce_knows_what_it_saw(shadowed: Scene) -> None:
    """The sink's own window, which is still open, does not drop a marked one either."""
    source = shadowed.sources["nats"]
    with shadowed.daemon() as daemon:
        await daemon.is_ready()
        assert "shadow mode drops nothing" in daemon.log()
        for number, amount in enumerate((1, 1, 1, 2), start=1):
            await source.send(casino(amount=amount))
            await eventually(shadowed.events_are(number), what="one more event")
        assert await marks(shadowed) == ["", "conflict", "duplicate", "duplicate"]
        await shadowed.drained()
        assert await daemon.metric("shadow_duplicates", 'kind="duplicate"') == 2
        daemon.terminate()
        assert await daemon.exit_code() == 0
    shadowed.tables["dedupe"]["mode"] = "enforce"
    with shadowed.daemon() as daemon:
        await daemon.is_ready()
        await source.send(casino(amount=1))
        await source.send(casino(amount=2))
        await eventually(shadowed.sink.dead_count, what="the conflict's letter")
        await shadowed.drained()
        assert (await daemon.books())["duplicates"] == 1
    assert await shadowed.sink.count() == 4
