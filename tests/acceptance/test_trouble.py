"""What an SRE is woken by: a line that says what to do, and recovery without a restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.brokers.redis import Redis
from tests.support.eventually import eventually
from tests.support.samples import casino
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.scene import Scene


async def test_missing_queue_is_told_and_found_once_it_is_there(
    scene: Scene, rabbitmq_url: str
) -> None:
    """One failing listener never touches another."""
    late = RabbitmqSource(rabbitmq_url)
    scene.tables["listeners"]["rabbitmq"]["queue"] = late.queue
    with scene.daemon() as daemon:
        await daemon.says("listener rabbitmq", "create it or set declare = true")
        await scene.sources["kafka"].send(casino(activity_id="by kafka"))
        await eventually(scene.events_are(1), what="the other listener's event")
        await late.open()
        await late.send(casino(activity_id="by rabbitmq"))
        await eventually(scene.events_are(2), what="the late queue's event", within_s=40)
        await daemon.is_ready()
    await late.close()


async def test_wrong_password_is_told_without_showing_it(scene: Scene) -> None:
    """Neither in the log nor in /readyz."""
    url = scene.tables["listeners"]["rabbitmq"]["url"]
    scene.tables["listeners"]["rabbitmq"]["url"] = url.replace("guest:guest", "guest:s3cret")
    with scene.daemon() as daemon:
        await daemon.says("listener rabbitmq", "password")
        assert "s3cret" not in daemon.log() + str(await daemon.whys())


async def test_full_store_is_backpressure(scene: Scene, tmp_path: Path) -> None:
    """Nothing is taken in that could not be remembered; memory again, and it goes on."""
    with Redis(tmp_path / "redis") as redis:
        scene.tables["dedupe"]["url"] = redis.address
        with scene.daemon() as daemon:
            await daemon.is_ready()
            redis.command("CONFIG", "SET", "maxmemory", "1mb")
            await scene.sources["nats"].send(casino())
            await daemon.says("lane nats", "memory is full")
            assert await scene.sink.count() == 0
            redis.command("CONFIG", "SET", "maxmemory", "0")
            await eventually(scene.events_are(1), what="the held event", within_s=20)
            await daemon.is_ready()


async def test_second_signal_does_not_wait_for_the_drain(scene: Scene, tmp_path: Path) -> None:
    """What is in flight goes back to its source."""
    with Redis(tmp_path / "redis") as redis:
        scene.tables["dedupe"]["url"] = redis.address
        with scene.daemon() as daemon:
            await daemon.is_ready()
            redis.freeze()
            await scene.sources["nats"].send(casino())
            await daemon.says("lane nats", "no answer in time")
            daemon.terminate()
            await daemon.says("lane nats", "no answer in time")
            async with asyncio.timeout(15):
                daemon.terminate()
                assert await daemon.exit_code() == 1
            redis.thaw()
            assert await scene.sink.count() == 0
        with scene.daemon() as daemon:
            await eventually(scene.events_are(1), what="the held event", within_s=20)


async def test_bad_configuration_ends_with_2_before_any_connection(scene: Scene) -> None:
    """Option, what it holds, what was expected; all mistakes at once."""
    scene.tables["sink"]["max_age"] = 1
    scene.tables["dedupe"]["window_s"] = "24h"
    with scene.daemon() as daemon:
        assert await daemon.exit_code() == 2
        assert "sink.max_age: there is no such option; did you mean max_age_s?" in daemon.log()
        assert "dedupe.window_s: holds '24h', expected seconds, more than 0" in daemon.log()
    assert await scene.sink.count() == 0


async def test_unfit_stream_is_refused_with_what_to_change(scene: Scene) -> None:
    """A work queue forgets ids with its messages."""
    await scene.sink.make_stream(f"{scene.name}.>", retention="workqueue")
    with scene.daemon() as daemon:
        await daemon.says("sink", "retention is workqueue, must be limits")
        assert not await daemon.ready()
