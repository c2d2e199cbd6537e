"""Changes what lies underneath a running daemon at random, under load on all three sources.

    python -m bench.changes MINUTES [SEED]

Every change is one that a person makes or a machine suffers: edited, lowered, deleted, paused,
demoted, filled, frozen, killed, added. It stays for some seconds, then it is undone. At the end,
every event that was sent has to be in the sink once, and `/readyz` may never have been wrong for
more than 30 s: not ready while a part was unfit, and ready again after it was mended.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
from aiokafka.admin import NewPartitions

from tests.brokers import running_brokers
from tests.brokers.nats import Nats
from tests.brokers.redis import Redis
from tests.support.eventually import eventually
from tests.support.samples import casino
from tests.support.scene import Scene
from tests.support.source_kafka import KafkaSource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.support.daemon import Daemon
    from tests.support.sources import Source

PER_S: Final = 60
"""Events a second for each source."""
TOLD_WITHIN_S: Final = 30.0
LASTS_S: Final = (2.0, 12.0)
PARTITIONS_MAX_COUNT: Final = 12


class World:
    """A daemon, what is around it, and everything that may happen to it."""

    def __init__(self, scene: Scene, sink: Nats, store: Redis, daemon: Daemon) -> None:
        self.scene = scene
        self.sink = sink
        self.store = store
        self.daemon = daemon
        self.kafka = scene.sources["kafka"]
        self.nats = scene.sources["nats"]
        self.sent: list[str] = []
        self.partitions_count = 3

    async def load(self, name: str, source: Source) -> None:
        """Send events with ids of their own, each confirmed, until this is cancelled."""
        number = 0
        while True:
            number += 1
            event_id = f"{name} {number}"
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(20):
                    await source.send(casino(activity_id=event_id))
                    self.sent.append(event_id)
            await asyncio.sleep(1 / PER_S)

    @contextlib.asynccontextmanager
    async def edited(self, told: str, **settings: object) -> AsyncIterator[None]:
        """Edit the stream of events, and edit it back."""
        before = await self.scene.sink.config()
        await self.scene.sink.change_stream(**settings)
        if told:
            await self.daemon.says("sink", told, within_s=TOLD_WITHIN_S)
        yield
        await self.scene.sink.change_stream(**{name: getattr(before, name) for name in settings})

    def small_window(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Let the sink forget message ids after 1 s."""
        return self.edited("duplicate_window is 1 s", duplicate_window=1)

    def lower_limit(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Let the sink refuse large messages. The events of this load are smaller."""
        return self.edited("", max_msg_size=20_000)

    @contextlib.asynccontextmanager
    async def frozen(self, broker: Nats | Redis, part: str) -> AsyncIterator[None]:
        """Freeze a server."""
        broker.freeze()
        await self.daemon.says(part, "", within_s=TOLD_WITHIN_S)
        yield
        broker.thaw()

    def frozen_sink(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Freeze the sink."""
        return self.frozen(self.sink, "sink")

    def frozen_store(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Freeze the store."""
        return self.frozen(self.store, "store")

    @contextlib.asynccontextmanager
    async def killed_sink(self) -> AsyncIterator[None]:
        """Kill the server of the sink, and start it again."""
        self.sink.kill()
        await self.daemon.says("sink", "", within_s=TOLD_WITHIN_S)
        yield
        await asyncio.to_thread(self.sink.start)

    @contextlib.asynccontextmanager
    async def full_store(self) -> AsyncIterator[None]:
        """Leave the store no memory."""
        self.store.command("CONFIG", "SET", "maxmemory", "1mb")
        await self.daemon.says("store", "memory is full", within_s=TOLD_WITHIN_S)
        yield
        self.store.command("CONFIG", "SET", "maxmemory", "0")

    @contextlib.asynccontextmanager
    async def demoted_store(self) -> AsyncIterator[None]:
        """Make the store a replica, which takes no writes. It keeps its data: nobody syncs it."""
        self.store.command("REPLICAOF", "127.0.0.1", "1")
        await self.daemon.says("store", "replica", within_s=TOLD_WITHIN_S)
        yield
        self.store.command("REPLICAOF", "NO", "ONE")

    @contextlib.asynccontextmanager
    async def lost_scripts(self) -> AsyncIterator[None]:
        """Let the store forget its scripts."""
        self.store.command("SCRIPT", "FLUSH")
        yield

    @contextlib.asynccontextmanager
    async def deleted_durable(self) -> AsyncIterator[None]:
        """Delete the durable consumer of the NATS source."""
        assert isinstance(self.nats, NatsSource)
        await self.nats.delete_durable()
        yield

    @contextlib.asynccontextmanager
    async def paused_durable(self) -> AsyncIterator[None]:
        """Pause the durable consumer."""
        assert isinstance(self.nats, NatsSource)
        with contextlib.suppress(Exception):  # it may be deleted at this moment
            await self.nats.pause_durable(datetime.now(UTC) + timedelta(seconds=10))
        yield

    @contextlib.asynccontextmanager
    async def more_partitions(self) -> AsyncIterator[None]:
        """Add a partition to the topic."""
        assert isinstance(self.kafka, KafkaSource)
        if self.partitions_count < PARTITIONS_MAX_COUNT:
            self.partitions_count += 1
            wanted = {self.kafka.topic: NewPartitions(self.partitions_count)}
            await self.kafka.admin.create_partitions(wanted)
        yield

    @contextlib.asynccontextmanager
    async def paused_listener(self) -> AsyncIterator[None]:
        """Pause a listener, and resume it."""
        name = random.choice(list(self.scene.sources))
        url = f"http://127.0.0.1:{self.daemon.port}/listeners/{name}"
        async with httpx.AsyncClient() as client:
            assert (await client.post(f"{url}/pause")).status_code == HTTPStatus.ACCEPTED
            yield
            assert (await client.post(f"{url}/resume")).status_code == HTTPStatus.ACCEPTED

    def changes(self) -> list[Callable[[], contextlib.AbstractAsyncContextManager[None]]]:
        """Return everything that may happen."""
        return [
            *(self.small_window, self.lower_limit, self.frozen_sink, self.frozen_store),
            *(self.killed_sink, self.full_store, self.demoted_store),
            *(self.lost_scripts, self.deleted_durable, self.paused_durable),
            *(self.more_partitions, self.paused_listener),
        ]


async def shake(world: World, minutes: float, seed: int) -> None:
    """Let things happen one after the other, and check `/readyz` after each of them."""
    draw, counts = random.Random(seed), Counter[str]()
    until_s = time.monotonic() + minutes * 60
    while time.monotonic() < until_s:
        change = draw.choice(world.changes())
        counts[change.__name__] += 1
        print(f"{datetime.now(UTC):%H:%M:%S} {change.__name__}", flush=True)
        async with change():
            await asyncio.sleep(draw.uniform(*LASTS_S))
        await world.daemon.is_ready(within_s=TOLD_WITHIN_S)
    print(dict(counts))


async def main(minutes: float, seed: int) -> int:
    """Run it, and say what is missing and what is there twice; returns the exit code."""
    brokers = running_brokers()
    sources: dict[str, Source] = {
        "rabbitmq": RabbitmqSource(brokers["rabbitmq"]),
        "kafka": KafkaSource(brokers["kafka"]),
        "nats": NatsSource(brokers["nats"]),
    }
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sink = stack.enter_context(Nats(folder / "sink"))
        store = stack.enter_context(Redis(folder / "store"))
        scene = Scene(folder, sources, store.address, sink.address)
        await stack.enter_async_context(scene)
        daemon = stack.enter_context(scene.daemon())
        return await judged(World(scene, sink, store, daemon), minutes, seed)


async def judged(world: World, minutes: float, seed: int) -> int:
    """Shake the world, wait until it is at rest, and compare."""
    await world.daemon.is_ready()
    async with asyncio.TaskGroup() as group:
        loads = [
            group.create_task(world.load(name, source))
            for name, source in world.scene.sources.items()
        ]
        await shake(world, minutes, seed)
        for load in loads:
            load.cancel()
    await world.scene.drained()
    await eventually(world.scene.events_are(len(world.sent)), within_s=60, what="all events")
    ids = await world.scene.sink.ids()
    lost = set(world.sent) - set(ids)
    doubled = [name for name, count in ids.items() if count > 1]
    told = await world.daemon.metric("source_lost")
    print(
        f"sent {len(world.sent)}, lost {len(lost)}, told as lost {told:g}, doubled {len(doubled)}"
    )
    print(f"ERRORs: {world.daemon.log().count(chr(34) + 'error' + chr(34))}")
    return 1 if lost or doubled else 0


if __name__ == "__main__":
    given_minutes, given_seed, *_ = [*sys.argv[1:], "1"]
    sys.exit(asyncio.run(main(float(given_minutes), int(given_seed))))
