"""The disk under the sandbox's stream takes no writes: live events are stored as before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.deliveries.origin import Environment
from tests.brokers.nats import Nats
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene
from tests.support.resending import Senders, share_s
from tests.support.samples import casino
from tests.support.small_disk import SmallDisk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from tests.support.daemon import Daemon

COUNT = 2_000
DISK_BYTES = 16 * 1024 * 1024


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nats]:
    """Return a NATS server whose streams lie in a folder of the test."""
    with Nats(tmp_path / "nats") as server:
        yield server


@pytest.fixture
async def scene(tmp_path: Path, server: Nats, redis_url: str) -> AsyncIterator[HttpScene]:
    """Return the surroundings of a daemon that soon notices that nothing is confirmed."""
    async with HttpScene(tmp_path, server.address, redis_url) as scene:
        scene.tables["listeners"]["api"]["answer_timeout_s"] = 2
        scene.tables["sink"]["publish_timeout_s"] = 1
        yield scene


@pytest.fixture
def disk(server: Nats, scene: HttpScene) -> Iterator[SmallDisk]:
    """Return the disk that holds nothing but the stream of the sandbox."""
    streams = server.folder / "jetstream" / "jetstream" / "$G" / "streams"
    with SmallDisk(streams / scene.tables["sandbox"]["stream"], DISK_BYTES) as disk:
        yield disk


def fill(_: Nats, disk: SmallDisk) -> None:
    """Let the disk be full while NATS writes to it."""
    disk.fill()


def make_room(server: Nats, disk: SmallDisk) -> None:
    """Make room, and restart NATS, which otherwise never writes to the stream again."""
    disk.make_room()
    server.stop()
    server.start()


def refuse_writes(server: Nats, disk: SmallDisk) -> None:
    """Let NATS find a disk that is read-only when it starts."""
    server.stop()
    disk.refuse_writes()
    server.start()


def allow_writes(_: Nats, disk: SmallDisk) -> None:
    """Let the disk be written again, and do nothing else."""
    disk.allow_writes()


@pytest.mark.parametrize(
    ("hurt", "mend", "why"),
    [
        (fill, make_room, "no confirmation within"),
        (refuse_writes, allow_writes, "error creating store for stream"),
    ],
    ids=["full", "read-only"],
)
async def test_broken_disk_of_the_sandbox_harms_nothing_live(
    server: Nats,
    scene: HttpScene,
    disk: SmallDisk,
    hurt: Callable[[Nats, SmallDisk], None],
    mend: Callable[[Nats, SmallDisk], None],
    why: str,
) -> None:
    """Test keys get 503 until the disk is mended. Then each of their events is stored, once."""
    live, test = await scene.key(), await scene.key(Environment.TEST)
    with scene.daemon() as daemon:
        await daemon.is_ready()
        async with Senders(scene.port, [test], 20) as testers:
            testers.waiting = [casino(activity_id=f"t{number}") for number in range(COUNT)]
            await testers.all_done(COUNT // 10)
            hurt(server, disk)
            await eventually(lambda: _says(daemon, why), what=why)
            await eventually(lambda: _is_refused(testers), what="503 for the test key")
            done_count = len(testers.done)
            await daemon.is_ready()
            await assert_live_is_served(scene, live)
            assert await _says(daemon, why)
            assert await daemon.ready()
            assert len(testers.done) == done_count
            mend(server, disk)
            await testers.all_done(COUNT)
        assert testers.answers.keys() <= {200, 503}
    assert set((await scene.sandbox.ids()).values()) == {1}
    assert (await scene.sandbox.count(), await scene.sink.count()) == (COUNT, COUNT)


async def _is_refused(testers: Senders) -> bool:
    """Tell whether one of the senders got a 503."""
    return testers.answers[503] > 0


async def _says(daemon: Daemon, why: str) -> bool:
    """Tell whether `/readyz` explains with this text why the sandbox takes nothing in."""
    whys = await daemon.whys("sandbox")
    return "lane api-test" in whys and any(why in said for said in whys.values())


async def assert_live_is_served(scene: HttpScene, live: str) -> None:
    """Post live events, and check that they are stored as fast as ever."""
    async with Senders(scene.port, [live], 20) as senders:
        senders.waiting = [casino(activity_id=f"l{number}") for number in range(COUNT)]
        await senders.all_done(COUNT)
    assert senders.answers == {200: COUNT}
    assert share_s((took_s for _, took_s in senders.good[live]), 0.99) < 0.5
