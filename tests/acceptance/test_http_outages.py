"""What is posted while things break: every event that was answered with 200 is there, once."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.brokers.nats import Nats
from tests.brokers.redis import Redis
from tests.support.eventually import eventually
from tests.support.proxy import Proxy
from tests.support.public_port import PublicPort
from tests.support.resending import Senders
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.brokers.base import Broker

COUNT = 6_000
KILLS = 5
FROZEN_S = 3.0


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[dict[str, Broker]]:
    """Return a NATS and a Redis server that a test may stop."""
    brokers: dict[str, Broker] = {"sink": Nats(tmp_path / "nats"), "store": Redis(tmp_path / "r")}
    for broker in brokers.values():
        broker.start()
    yield brokers
    for broker in brokers.values():
        broker.thaw()
        broker.kill()


@pytest.fixture
async def port(tmp_path: Path, servers: dict[str, Broker]) -> AsyncIterator[PublicPort]:
    """Return the surroundings of a daemon on servers of its own."""
    yield PublicPort(tmp_path, servers["store"].address, servers["sink"].address)


def bodies_of(name: str, count: int = COUNT) -> list[bytes]:
    """Return so many different events, the first one last, because senders take the last one."""
    return [casino(activity_id=f"{name}-{number}") for number in reversed(range(count))]


async def assert_each_is_there_once(port: PublicPort, senders: Senders, count: int) -> None:
    """Check that all of them got their 200, and that each is stored once."""
    assert len(senders.done) == count
    async with port.sink as sink:
        ids = await sink.ids()
        assert (len(ids), set(ids.values())) == (count, {1})
        assert await sink.dead_count() == 0


async def test_kill_9_under_load_loses_and_doubles_nothing(port: PublicPort) -> None:
    """At moments drawn from a seed, with 50 clients that post again until they get 200."""
    draw = random.Random(31)
    keys = await port.new_keys(3)
    daemon = port.daemon()
    with daemon:
        await daemon.is_ready()
        async with Senders(port.port, keys) as senders:
            senders.waiting = bodies_of(port.name)
            for kill in range(KILLS):
                goal = (kill + 1) * COUNT // (KILLS + 2)
                await eventually(lambda goal=goal: len(senders.done) > goal, what=f"{goal} done")
                await asyncio.sleep(draw.random() * 0.05)  # a moment is what is tested
                daemon.kill()
                daemon.start()
            await eventually(lambda: len(senders.done) == COUNT, within_s=30, what="all done")
        assert senders.answers[0], "no answer was lost: the kills did not meet any request"
        await assert_each_is_there_once(port, senders, COUNT)


@pytest.mark.parametrize("name", ["sink", "store"])
async def test_frozen_server_is_told_with_503_and_loses_nothing(
    port: PublicPort, servers: dict[str, Broker], name: str
) -> None:
    """SIGSTOP in the middle of the load. After SIGCONT all goes on by itself."""
    port.tables["listeners"]["api"]["answer_timeout_s"] = 2
    keys = await port.new_keys(3)
    with port.daemon() as daemon:
        await daemon.is_ready()
        async with Senders(port.port, keys) as senders:
            senders.waiting = bodies_of(port.name)
            await eventually(lambda: len(senders.done) > COUNT // 4, what="a quarter done")
            servers[name].freeze()
            thaw_at_s = time.monotonic() + FROZEN_S
            await eventually(lambda: senders.answers[503], what="503", within_s=FROZEN_S)
            await asyncio.sleep(thaw_at_s - time.monotonic())  # the outage has to last
            servers[name].thaw()
            await eventually(lambda: len(senders.done) == COUNT, within_s=25, what="all done")
        assert not set(senders.answers) - {200, 503}, "an answer of another kind, or none"
        await daemon.is_ready()
        await assert_each_is_there_once(port, senders, COUNT)


async def test_answers_that_never_arrive_double_nothing(port: PublicPort) -> None:
    """A proxy passes the requests on, and cuts the connections before the answers."""
    keys = await port.new_keys(3)
    async with Proxy("127.0.0.1", port.port) as proxy:
        with port.daemon() as daemon:
            await daemon.is_ready()
            async with Senders(proxy.port, keys) as senders:
                senders.waiting = bodies_of(port.name)
                for cut in range(20):
                    goal = cut * COUNT // 25
                    await eventually(lambda goal=goal: len(senders.done) >= goal, what="the goal")
                    await _cut_after_requests(proxy)
                await eventually(lambda: len(senders.done) == COUNT, within_s=25, what="all done")
            assert senders.answers[0] >= 20, "too few answers were lost"
            assert await daemon.metric("duplicates"), "nothing was sent twice"
            await assert_each_is_there_once(port, senders, COUNT)


async def _cut_after_requests(proxy: Proxy) -> None:
    """Swallow the answers of some requests, and cut."""
    proxy.drop_replies = True
    swallowed = proxy.replied_bytes
    await eventually(lambda: proxy.replied_bytes > swallowed, what="an answer was swallowed")
    proxy.cut()
    proxy.drop_replies = False
