"""What is posted while things break: every event that was answered with 200 is there, once."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene
from tests.support.proxy import Proxy
from tests.support.resending import MANY_PATH, ONE_PATH, Client, Senders
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.brokers.base import Broker

COUNT = 6_000
KILLS = 5
CUTS = 20
FROZEN_S = 3.0
KILLED = ("sink", "store", "sink", "store")
DOWN_S = 1.5
ANSWER_S = 1.0
"""The daemon's `answer_timeout_s` while servers are killed. After half of it, new posts are refused
at once."""
AT_ONCE_S = 0.5


@pytest.fixture
async def scene(tmp_path: Path, servers: dict[str, Broker]) -> AsyncIterator[HttpScene]:
    """Return the surroundings of a daemon on servers of its own."""
    async with HttpScene(tmp_path, servers["sink"].address, servers["store"].address) as scene:
        yield scene


def bodies_of(name: str, count: int = COUNT) -> list[bytes]:
    """Return so many different events, the first one last, because senders take the last one."""
    return [casino(activity_id=f"{name}-{number}") for number in reversed(range(count))]


def batches_of(bodies: list[bytes], lines_count: int) -> list[bytes]:
    """Return batches with so many of these events each."""
    lines = [b'{"type":"CASINO","data":%b}' % body for body in bodies]
    starts = range(0, len(lines), lines_count)
    return [b"\n".join(lines[start : start + lines_count]) for start in starts]


async def assert_each_is_there_once(scene: HttpScene, count: int) -> None:
    """Check that each of them is stored once, and nothing else."""
    ids = await scene.sink.ids()
    assert (len(ids), set(ids.values())) == (count, {1})
    assert await scene.sink.dead_count() == 0


@pytest.mark.parametrize("lines_count", [0, 50])
async def test_kill_9_under_load_loses_and_doubles_nothing(
    scene: HttpScene, lines_count: int
) -> None:
    """At moments drawn from a seed, with 50 clients that post again until they get 200."""
    draw = random.Random(31)
    keys = [await scene.key() for _ in range(3)]
    bodies, path = bodies_of(scene.name), ONE_PATH
    if lines_count:
        bodies, path = batches_of(bodies, lines_count), MANY_PATH
    daemon = scene.daemon()
    with daemon:
        await daemon.is_ready()
        async with Senders(scene.port, keys, path=path) as senders:
            goals = [kill * len(bodies) // (KILLS + 2) for kill in range(1, KILLS + 1)]
            senders.waiting = list(bodies)
            for goal in goals:
                await senders.all_done(goal)
                await asyncio.sleep(draw.random() * 0.05)  # a moment is what is tested
                daemon.kill()
                daemon.start()
            await senders.all_done(len(bodies))
    assert senders.cut_off_count, "the kills did not meet any request"
    assert len(senders.done) == len(bodies)
    await assert_each_is_there_once(scene, COUNT)


@pytest.mark.parametrize("name", ["sink", "store"])
async def test_frozen_server_is_told_with_503_and_loses_nothing(
    scene: HttpScene, servers: dict[str, Broker], name: str
) -> None:
    """SIGSTOP in the middle of the load. After SIGCONT all goes on by itself."""
    scene.tables["listeners"]["api"]["answer_timeout_s"] = 2
    keys = [await scene.key() for _ in range(3)]
    with scene.daemon() as daemon:
        await daemon.is_ready()
        async with Senders(scene.port, keys) as senders:
            senders.waiting = bodies_of(scene.name)
            await senders.all_done(COUNT // 4)
            servers[name].freeze()
            thaw_at_s = time.monotonic() + FROZEN_S
            await eventually(lambda: senders.answers[503], what="503", within_s=FROZEN_S)
            await asyncio.sleep(thaw_at_s - time.monotonic())  # the outage has to last
            servers[name].thaw()
            await senders.all_done(COUNT)
        assert not set(senders.answers) - {200, 503}, "an answer of another kind, or none"
        await daemon.is_ready()
        await assert_each_is_there_once(scene, COUNT)


@pytest.mark.parametrize("forgets", [False, True], ids=["store keeps", "store forgets"])
async def test_killed_servers_lose_and_double_nothing(
    scene: HttpScene, servers: dict[str, Broker], *, forgets: bool
) -> None:
    """SIGKILL for NATS, Redis, and both once more. Each has its port and its files again.

    Or Redis loses its files. Then only the message ids in the sink protect against duplicates.
    """
    scene.tables["listeners"]["api"]["answer_timeout_s"] = ANSWER_S
    keys = [await scene.key() for _ in range(3)]
    with scene.daemon() as daemon:
        await daemon.is_ready()
        probed: list[bytes] = []
        async with Senders(scene.port, keys) as senders:
            senders.waiting = bodies_of(scene.name)
            for kill, name in enumerate(KILLED, start=1):
                await senders.all_done(kill * COUNT // (len(KILLED) + 2))
                outage = _killed(servers[name], forgets=forgets and name == "store")
                probed += await _refused_in(outage, Client(scene.port, keys[0]), f"probe-{kill}")
            senders.waiting += probed
            await senders.all_done(COUNT + len(probed))
        assert not set(senders.answers) - {200, 503}, "an answer of another kind, or none"
        assert max(senders.refused_s) < ANSWER_S + AT_ONCE_S, "a post hung"
        await daemon.is_ready()
    await assert_each_is_there_once(scene, COUNT + len(probed))


@contextlib.contextmanager
def _killed(server: Broker, *, forgets: bool) -> Iterator[None]:
    """Kill a server for the block. Then start it with its files, or without."""
    server.kill()
    yield
    if forgets:
        shutil.rmtree(server.folder)
    server.start()


async def _refused_in(
    outage: contextlib.AbstractContextManager[None], client: Client, name: str
) -> list[bytes]:
    """Post during an outage. Each answer is 503 in time, and comes at once after a moment.

    Returns:
        What was posted. Some of it may be stored later.
    """
    bodies: list[bytes] = []
    with outage, contextlib.closing(client):
        began_s = time.monotonic()
        while (since_s := time.monotonic() - began_s) < DOWN_S:
            bodies.append(casino(activity_id=f"{name}-{len(bodies)}"))
            status, answer = await client.post(bodies[-1])
            took_s = time.monotonic() - began_s - since_s
            assert status == 503, answer
            is_noticed = since_s > ANSWER_S / 2 + AT_ONCE_S
            assert took_s < (0.0 if is_noticed else ANSWER_S) + AT_ONCE_S, answer
            await asyncio.sleep(0.02)  # the senders need the machine too
    return bodies


async def test_answers_that_never_arrive_double_nothing(scene: HttpScene) -> None:
    """A proxy passes the requests on, and cuts the connections before the answers."""
    keys = [await scene.key() for _ in range(3)]
    daemon = scene.daemon()
    async with Proxy("127.0.0.1", scene.port) as proxy, Senders(proxy.port, keys) as senders:
        with daemon:
            await daemon.is_ready()
            senders.waiting = bodies_of(scene.name)
            for cut in range(CUTS):
                await senders.all_done(cut * COUNT // (CUTS + 5))
                await _cut_after_requests(proxy)
            await senders.all_done(COUNT)
            assert await daemon.metric("duplicates"), "nothing was sent twice"
    assert senders.answers[0] >= CUTS, "too few answers were lost"
    await assert_each_is_there_once(scene, COUNT)


async def _cut_after_requests(proxy: Proxy) -> None:
    """Swallow the answers of some requests, and cut."""
    proxy.drop_replies = True
    swallowed = proxy.replied_bytes
    await eventually(lambda: proxy.replied_bytes > swallowed, what="an answer was swallowed")
    proxy.cut()
    proxy.drop_replies = False
