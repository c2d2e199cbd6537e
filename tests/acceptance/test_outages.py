"""Every server killed or frozen: nothing lost, told by /readyz, and over without a restart."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.checks import assert_all_is_there_once
from tests.brokers.kafka import Kafka
from tests.brokers.nats import Nats
from tests.brokers.rabbitmq import RabbitMQ
from tests.brokers.redis import Redis
from tests.support.eventually import eventually
from tests.support.mixed import Mix
from tests.support.scene import Scene
from tests.support.source_kafka import KafkaSource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.brokers.base import Broker
    from tests.support.sources import Source

COUNT = 9_000
FROZEN_S = 40


@pytest.fixture(scope="module")
def own_brokers(
    tmp_path_factory: pytest.TempPathFactory, rabbitmq_url: str, kafka_address: str
) -> Iterator[dict[str, Broker]]:
    """Return one of each that this module may kill; the shared ones show that they can run."""
    assert rabbitmq_url
    assert kafka_address
    folder = tmp_path_factory.mktemp("brokers")
    kinds: dict[str, type[Broker]] = {
        "rabbitmq": RabbitMQ,
        "kafka": Kafka,
        "nats": Nats,
        "sink": Nats,
        "redis": Redis,
    }
    brokers = {name: kind(folder / name) for name, kind in kinds.items()}
    for broker in brokers.values():
        broker.start()
    yield brokers
    for broker in brokers.values():
        broker.thaw()
        broker.kill()


@pytest.fixture
async def scene(tmp_path: Path, own_brokers: dict[str, Broker]) -> AsyncIterator[Scene]:
    """Return a scene on brokers of its own."""
    addresses = {name: broker.address for name, broker in own_brokers.items()}
    sources: dict[str, Source] = {
        "rabbitmq": RabbitmqSource(addresses["rabbitmq"]),
        "kafka": KafkaSource(addresses["kafka"], partitions_count=3),
        "nats": NatsSource(addresses["nats"]),
    }
    scene = Scene(tmp_path, sources, addresses["redis"], addresses["sink"])
    async with scene:
        yield scene


async def test_each_server_killed_once_loses_and_doubles_nothing(
    scene: Scene, own_brokers: dict[str, Broker]
) -> None:
    """Redis, the sink and each source, one after the other, in the middle of the load."""
    # RabbitMQ 3.10 writes a new queue's definition behind: killed within seconds it can forget a
    # durable queue with all its confirmed messages. A clean stop brings the definition to disk.
    own_brokers["rabbitmq"].stop()
    own_brokers["rabbitmq"].start()
    await scene.reconnect()
    mix = Mix(COUNT, seed=21, name=scene.name)
    await scene.send(mix)
    with scene.daemon():
        for step, (name, broker) in enumerate(own_brokers.items()):
            goal = (step + 1) * len(mix.ids) // (len(own_brokers) + 2)
            await eventually(scene.events_are(goal), within_s=90, what=f"{goal} before {name}")
            broker.kill()
            broker.start()
        await scene.reconnect()
        await assert_all_is_there_once(scene, mix)


@pytest.mark.parametrize("name", ["redis", "sink"])
async def test_store_or_sink_away_is_told_and_waited_for(
    scene: Scene, own_brokers: dict[str, Broker], name: str
) -> None:
    """The daemon takes nothing new, says why, and goes on by itself."""
    mix = Mix(600, seed=22, name=scene.name)
    with scene.daemon() as daemon:
        await daemon.is_ready()
        own_brokers[name].kill()
        part = {"redis": "store", "sink": "sink"}[name]
        await daemon.says(part, "")
        own_brokers[name].start()
        await scene.reconnect()
        await scene.send(mix)
        await assert_all_is_there_once(scene, mix)
        await daemon.is_ready()


async def test_frozen_sources_are_noticed_and_recovered_from(
    scene: Scene, own_brokers: dict[str, Broker]
) -> None:
    """SIGSTOP for 40 s: connected but silent, the peers' commonest complaint."""
    first, second = (Mix(300, seed=seed, name=f"{scene.name}{seed}") for seed in (23, 24))
    frozen = [own_brokers[name] for name in ("rabbitmq", "kafka", "nats")]
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await scene.send(first)
        await scene.drained()
        for broker in frozen:
            broker.freeze()
        thaw_at_s = time.monotonic() + FROZEN_S
        async with asyncio.timeout(FROZEN_S):
            for name in scene.sources:
                await daemon.says(f"listener {name}", "", within_s=FROZEN_S)
            assert not await daemon.ready()
        await asyncio.sleep(thaw_at_s - time.monotonic())  # the outage has to last its 40 s
        assert not await daemon.ready()
        for broker in frozen:
            broker.thaw()
        await daemon.is_ready(within_s=60)
        await scene.reconnect()
        await scene.send(second)
        await eventually(scene.events_are(len(first.ids) + len(second.ids)), within_s=60)
        await scene.drained()
