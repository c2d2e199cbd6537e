"""More is posted than the sink can store: what it can store is answered with 200 all the time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.brokers.nats import Nats
from tests.support.http_daemon import HttpScene
from tests.support.proxy import Proxy
from tests.support.resending import Client, Senders, share_s
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SINK_BYTES_PER_S = 200_000
"""About 200 events a second."""
LASTS_S = 20
TIMEOUT_S = 6
WINDOW_S = 4
"""The sink confirms a batch as a whole, so single seconds differ."""
BURST_COUNT = 300
CLIENTS_COUNT = 900


class SlowScene(NamedTuple):
    """A daemon's surroundings, with a proxy before its sink."""

    scene: HttpScene
    proxy: Proxy


@pytest.fixture
async def slow(tmp_path: Path, redis_url: str) -> AsyncIterator[SlowScene]:
    """Return the surroundings of a daemon whose sink can be made slow."""
    with Nats(tmp_path / "nats") as nats:
        async with Proxy("127.0.0.1", nats.port) as proxy:
            url = f"nats://127.0.0.1:{proxy.port}"
            async with HttpScene(tmp_path, nats.address, redis_url, url) as scene:
                scene.tables["http"]["max_connections_per_address_count"] = CLIENTS_COUNT
                yield SlowScene(scene, proxy)


@pytest.mark.parametrize("keys_count", [1, 20])
async def test_slow_sink_is_used_all_the_time_and_the_rest_gets_503_at_once(
    slow: SlowScene, keys_count: int
) -> None:
    """Clients that always have something to post, to a sink that stores 200 a second."""
    scene, proxy = slow
    scene.tables["listeners"]["api"]["answer_timeout_s"] = TIMEOUT_S
    keys = [await scene.key() for _ in range(keys_count)]
    with scene.daemon() as daemon:
        await daemon.is_ready()
        proxy.max_sent_bytes_per_s = SINK_BYTES_PER_S
        async with Senders(scene.port, keys, CLIENTS_COUNT, pause_s=1) as senders:
            began_s = time.monotonic()
            senders.waiting = [casino(activity_id=f"s{number}") for number in range(100_000)]
            await asyncio.sleep(LASTS_S)  # the load has to last
            proxy.max_sent_bytes_per_s = 0
    assert not set(senders.answers) - {200, 503}, senders.answers
    good = [answer for key in keys for answer in senders.good[key]]
    windows = Counter(int(came_s - began_s) // WINDOW_S for came_s, _ in good)
    wanted = len(good) / LASTS_S * WINDOW_S / 2
    # In the first window all clients connect.
    assert all(windows[each] > wanted for each in range(1, LASTS_S // WINDOW_S)), windows
    assert len(good) > 100 * LASTS_S, "the sink was not used"
    assert share_s((took_s for _, took_s in good), 0.99) < TIMEOUT_S - 1, (
        "an answer almost too late"
    )
    assert senders.answers[503] > 100
    assert share_s(senders.refused_s, 0.99) < 1
    fewest, most = (of(len(senders.good[key]) for key in keys) for of in (min, max))
    assert fewest > most / 2, "the keys did not get equal shares"


async def test_burst_after_a_trickle_is_taken(slow: SlowScene) -> None:
    """A sink some milliseconds away ends few events a second while few are posted."""
    scene, proxy = slow
    proxy.delay_s = 0.02
    key = await scene.key()
    with scene.daemon() as daemon:
        await daemon.is_ready()
        client = Client(scene.port, key)
        for number in range(20):
            status, _ = await client.post(casino(activity_id=f"t{number}"))
            assert status == 200
        client.close()
        async with Senders(scene.port, [key], BURST_COUNT) as senders:
            senders.waiting = [casino(activity_id=f"b{each}") for each in range(BURST_COUNT)]
            await senders.all_done(BURST_COUNT)
        assert senders.answers == {200: BURST_COUNT}
