"""A bad deployment of a sender: the queue stays a queue, and is drained once that is mended."""

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

    from tests.support.sources import Source

WRONG_COUNT, GOOD_COUNT = 400, 50


@pytest.fixture
async def flooded(tmp_path: Path, nats_url: str, redis_url: str) -> AsyncIterator[Scene]:
    """Return a scene whose first source holds broken ones, and good ones behind them."""
    sources: dict[str, Source] = {"nats": NatsSource(nats_url), "other": NatsSource(nats_url)}
    async with Scene(tmp_path, sources, redis_url, nats_url) as scene:
        scene.tables["listeners"]["nats"]["max_batch_count"] = 30
        for number in range(WRONG_COUNT):
            await sources["nats"].send(casino(activity_id=f"wrong-{number}", amount="abc"))
        for number in range(GOOD_COUNT):
            await sources["nats"].send(casino(activity_id=f"good-{number}"))
        yield scene


async def test_flooded_listener_stops_itself_and_nothing_else(flooded: Scene) -> None:
    """A bounded number of letters, the rest stays; SIGTERM still ends it with 0."""
    with flooded.daemon() as daemon:
        await daemon.says("listener nats", "stopped itself: 100% of 1")
        assert "last: invalid (amount); mend" in str(await daemon.whys())
        await flooded.sources["other"].send(casino(activity_id="other"))
        await eventually(flooded.events_are(1), what="the other listener's event")
        assert await daemon.metric("listener_restarts", 'reason="flooded"') == 1
        assert await daemon.metric("listener_up", '"nats"') == 0
        letters_count = await flooded.sink.dead_count()
        books = await daemon.books()
        assert (books["dead_letters"], books["received"]) == (letters_count, letters_count + 1)
        assert 0 < letters_count < 100
        daemon.terminate()
        assert await daemon.exit_code() == 0
        assert daemon.log().count("listener stopped itself") == 1
    left_count = WRONG_COUNT + GOOD_COUNT - letters_count
    await eventually(flooded.sources["nats"].remaining_is(left_count), what="the rest")


async def test_flooded_source_is_drained_once_that_is_wanted(flooded: Scene) -> None:
    """After a restart with the guard off: each once, none lost."""
    with flooded.daemon() as daemon:
        await daemon.says("listener nats", "stopped itself")
        daemon.terminate()
        assert await daemon.exit_code() == 0
    flooded.tables["dead_letters"]["max_share"] = 1.0
    with flooded.daemon() as daemon:
        await daemon.is_ready()
        await flooded.drained()
        await eventually(flooded.events_are(GOOD_COUNT), what="the good ones")
    assert await flooded.sink.dead_count() == WRONG_COUNT
    assert set((await flooded.sink.ids()).values()) == {1}
