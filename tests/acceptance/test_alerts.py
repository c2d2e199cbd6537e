"""Each alert fires at the fault that it is for, and none fires without a fault."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from consumer.listeners.http.paths import MANY_PATH
from tests.support import alerts
from tests.support.alerts import Scrape, scrape
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene, post
from tests.support.samples import casino
from tests.support.scene import Scene
from tests.support.source_nats import NatsSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.brokers.base import Broker
    from tests.support.daemon import Daemon


@pytest.fixture
async def lone(
    tmp_path: Path, nats_url: str, servers: dict[str, Broker]
) -> AsyncIterator[tuple[Scene, NatsSource]]:
    """Return a scene with one source, and with a sink and a store that a test may stop."""
    source = NatsSource(nats_url)
    store, sink = servers["store"].address, servers["sink"].address
    async with Scene(tmp_path, {"nats": source}, store, sink) as scene:
        yield scene, source
        servers["sink"].thaw()


async def fired(scrapes: list[Scrape], folder: Path, *, minutes: int = 25) -> set[str]:
    """Return the alerts that fire, except that on a lag: a machine under load may have one."""
    return await alerts.fired(scrapes, folder, minutes=minutes) - {"ConsumerLoopLag"}


async def _twice(daemon: Daemon, apart_s: float = 1.0) -> list[Scrape]:
    """Return two scrapes with a time between them, in which a fault goes on."""
    first = await scrape(daemon)
    await asyncio.sleep(apart_s)
    return [first, await scrape(daemon)]


async def test_nothing_fires_while_all_is_well(
    lone: tuple[Scene, NatsSource], tmp_path: Path
) -> None:
    """With events, a duplicate and one broken event in many."""
    scene, source = lone
    with scene.daemon() as daemon:
        await daemon.is_ready()
        scrapes = [await scrape(daemon)]
        for number in range(200):
            await source.send(casino(activity_id=f"good {number % 199}"))
        await source.send(b"{")
        await scene.drained()
        scrapes += await _twice(daemon)
        assert await fired(scrapes, tmp_path) == set()


@pytest.mark.parametrize("part", ["sink", "store"])
async def test_part_that_is_away_pages_an_idle_daemon(
    lone: tuple[Scene, NatsSource], servers: dict[str, Broker], tmp_path: Path, part: str
) -> None:
    """No lane is held, so no retry is counted."""
    scene, _ = lone
    with scene.daemon() as daemon:
        await daemon.is_ready()
        scrapes = [await scrape(daemon)]
        servers[part].freeze()
        await daemon.says(part, "")
        scrapes += await _twice(daemon)
        servers[part].thaw()
        await daemon.is_ready()
    assert await fired(scrapes, tmp_path) == {"ConsumerPartDown"}


async def test_held_lane_pages_and_its_source_fills(
    lone: tuple[Scene, NatsSource], servers: dict[str, Broker], tmp_path: Path
) -> None:
    """At the real pace towards a frozen sink: 5 s for a try, and pauses of up to 5 s."""
    scene, source = lone
    scene.tables["listeners"]["nats"]["max_batch_count"] = 1
    with scene.daemon() as daemon:
        await daemon.is_ready()
        scrapes = [await scrape(daemon)]
        servers["sink"].freeze()
        for number in range(1_100):
            await source.send(casino(activity_id=f"held {number}"))
        await daemon.says("lane nats", "holding, publish")

        async def lags() -> bool:
            return await daemon.metric("lag") > 1_000

        await eventually(lags, what="the lag", within_s=30)
        before = await daemon.metric("retries", "publish")
        scrapes.append(await scrape(daemon))
        for number in range(200):
            await source.send(casino(activity_id=f"more {number}"))

        async def tried() -> bool:
            return await daemon.metric("retries", "publish") >= before + 3

        await eventually(tried, what="three more tries", within_s=60)
        scrapes.append(await scrape(daemon))
        servers["sink"].thaw()
    assert await fired(scrapes, tmp_path, minutes=40) == {
        "ConsumerPartDown",
        "ConsumerSinkOrStoreNotReady",
        "ConsumerInFlightNotFalling",
        "ConsumerLagGrowing",
    }


async def test_dead_process_pages(lone: tuple[Scene, NatsSource], tmp_path: Path) -> None:
    """Its own metrics are gone with it."""
    scene, _ = lone
    with scene.daemon() as daemon:
        await daemon.is_ready()
        scrapes = await _twice(daemon)
        daemon.kill()
        scrapes += await _twice(daemon)
    assert await fired(scrapes, tmp_path) == {"ConsumerDown"}


async def test_listener_that_is_refused_again_and_again_pages(
    lone: tuple[Scene, NatsSource], tmp_path: Path
) -> None:
    """At the pace of its pauses, which grow to 15 s."""
    scene, _ = lone
    scene.tables["listeners"]["nats"]["stream"] = "NOWHERE"
    with scene.daemon() as daemon:
        await daemon.says("listener nats", "NOWHERE")

        async def restarted() -> bool:
            return await daemon.metric("listener_restarts", "refused") >= 6

        await eventually(restarted, what="some restarts", within_s=60)
        scrapes = await _twice(daemon, 15)
    assert await fired(scrapes, tmp_path) == {"ConsumerListenerDown", "ConsumerListenerRestarts"}


async def test_burst_of_dead_letters_between_two_scrapes_is_seen(
    lone: tuple[Scene, NatsSource], tmp_path: Path
) -> None:
    """A counter that is born with its first increment would never show an increase."""
    scene, source = lone
    with scene.daemon() as daemon:
        await daemon.is_ready()
        scrapes = await _twice(daemon)
        for number in range(90):
            await source.send(casino(activity_id=f"event {number}"))
        for number in range(10):
            await source.send(casino(activity_id=f"wrong {number}", amount="abc"))
        await scene.drained()
        await eventually(scene.letters_are(10), what="the letters")
        scrapes += await _twice(daemon)
    assert await fired(scrapes, tmp_path, minutes=10) == {"ConsumerDeadLetters"}


async def test_flooded_listener_pages(lone: tuple[Scene, NatsSource], tmp_path: Path) -> None:
    """It has stopped itself."""
    scene, source = lone
    with scene.daemon() as daemon:
        await daemon.is_ready()
        scrapes = [await scrape(daemon)]
        for number in range(300):
            await source.send(casino(activity_id=f"wrong {number}", amount="abc"))
        await daemon.says("listener nats", "stopped itself")
        scrapes += await _twice(daemon)
    assert await fired(scrapes, tmp_path, minutes=10) >= {
        "ConsumerListenerDown",
        "ConsumerDeadLetters",
    }


async def test_messages_that_the_source_lost_are_seen(
    lone: tuple[Scene, NatsSource], tmp_path: Path
) -> None:
    """They were deleted while the daemon was stopped."""
    scene, source = lone
    await source.keep_at_most(10)
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await source.send(casino())
        await scene.drained()
        daemon.terminate()
        assert await daemon.exit_code() == 0
    for number in range(100):
        await source.send(casino(activity_id=f"event {number}"))
    with scene.daemon() as daemon:
        await daemon.is_ready()
        scrapes = [await scrape(daemon)]

        async def lost() -> bool:
            return await daemon.metric("source_lost") == 90

        await eventually(lost, what="the count", within_s=20)
        scrapes += await _twice(daemon)
    assert await fired(scrapes, tmp_path, minutes=10) == {"ConsumerSourceLost"}


@pytest.fixture
async def port(
    servers: dict[str, Broker], tmp_path: Path, redis_url: str
) -> AsyncIterator[HttpScene]:
    """Return a scene with a public port, and with a sink that a test may stop."""
    async with HttpScene(tmp_path, servers["sink"].address, redis_url) as scene:
        yield scene
        servers["sink"].thaw()


async def test_errors_of_the_public_port_page(
    port: HttpScene, servers: dict[str, Broker], tmp_path: Path
) -> None:
    """The sink is frozen, so no event is stored and senders get 503."""
    port.tables["listeners"]["api"]["answer_timeout_s"] = 1.0
    key = await port.key()
    with port.daemon() as daemon:
        await daemon.is_ready()
        async with port.client(key) as client:
            assert (await post(client, casino())).status == 200
            scrapes = [await scrape(daemon)]
            servers["sink"].freeze()
            for _ in range(2):
                await _post_in_vain(client, 3)
                scrapes.append(await scrape(daemon))
    assert "ConsumerHttpErrors" in await fired(scrapes, tmp_path)


async def _post_in_vain(client: httpx.AsyncClient, count: int) -> None:
    """Post events that are answered with 503."""
    for number in range(count):
        with pytest.raises(httpx.HTTPStatusError, match="503"):
            await post(client, casino(activity_id=f"event {number}"))


async def test_senders_that_are_refused_are_seen(http_scene: HttpScene, tmp_path: Path) -> None:
    """Because of their keys, or because they send broken events."""
    key = await http_scene.key()
    with http_scene.daemon() as daemon:
        await daemon.is_ready()
        scrapes = [await scrape(daemon)]
        async with http_scene.client(key) as client:
            broken = b'{"type":"CASINO","data":{}}\n' * 120
            await client.post(MANY_PATH, content=broken)
            scrapes.append(await scrape(daemon))
            for _ in range(20):
                answer = await client.post(MANY_PATH, content=broken)
                assert answer.status_code == 429
        async with http_scene.client("no key") as client:
            for _ in range(5):
                assert (await client.post(MANY_PATH)).status_code == 401
        scrapes.append(await scrape(daemon))
    assert await fired(scrapes, tmp_path) >= {"ConsumerHttpShed", "ConsumerKeyRefusals"}
