"""One daemon's surroundings: three sources, a sink of its own, and who reads it."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.support.daemon import Daemon
from tests.support.eventually import eventually
from tests.support.sink_reader import SinkReader
from tests.support.source_kafka import KafkaSource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from tests.support.mixed import Mix, Sent
    from tests.support.sources import Source

SENDERS = 200
"""So many sends are under way at once for each source."""


class Scene:
    """Sources, sink and configuration of one test.

    Attributes:
        sources: by the listener's name.
        sink: what has been stored.
        tables: the daemon's configuration.
    """

    def __init__(
        self, folder: Path, sources: dict[str, Source], redis_url: str, nats_url: str
    ) -> None:
        self._folder = folder
        self.sources = sources
        self.name = f"t{secrets.token_hex(4)}"
        names = {"events": f"EVENTS_{self.name}", "dead_letters": f"DEAD_{self.name}"}
        self.sink = SinkReader(nats_url, **names)
        self.tables: dict[str, Any] = {
            "brand": self.name,
            "listeners": {name: self._options(source) for name, source in sources.items()},
            "dedupe": {"url": redis_url, "key_prefix": f"{self.name}:"},
            "sink": {"url": nats_url, "stream": names["events"], "subject_prefix": self.name},
            "dead_letters": {"stream": names["dead_letters"], "subject_prefix": f"dead{self.name}"},
            "log": {"format": "json"},
        }

    @staticmethod
    def _options(source: Source) -> dict[str, Any]:
        """Return the options of the source's own listener, as the file would have them."""
        settings = source.listener().settings
        fields: dict[str, Any] = msgspec.to_builtins(settings)
        return {name: value for name, value in fields.items() if value is not None}

    def daemon(self) -> Daemon:
        """Return the daemon, not started."""
        return Daemon(self._folder, self.tables)

    async def send(self, mix: Mix) -> None:
        """Send a third of a mix to each source, all at the same time."""
        async with asyncio.TaskGroup() as group:
            for index, source in enumerate(self.sources.values()):
                group.create_task(send_all(source, mix.third(index)))

    async def drained(self, within_s: float = 120.0) -> None:
        """Wait until every source is empty, nothing unsettled included."""
        for name, source in self.sources.items():
            await eventually(source.remaining_is(0), within_s=within_s, what=f"{name} empty")


async def send_all(source: Source, deliveries: Sequence[Sent]) -> None:
    """Send many, several at once, each confirmed."""
    waiting = list(reversed(deliveries))

    async def sender() -> None:
        while waiting:
            one = waiting.pop()
            await source.send(one.body, one.message_type)

    async with asyncio.TaskGroup() as group:
        for _ in range(SENDERS):
            group.create_task(sender())


@pytest.fixture
async def scene(
    tmp_path: Path, rabbitmq_url: str, kafka_address: str, nats_url: str, redis_url: str
) -> AsyncIterator[Scene]:
    """Return a scene on the shared brokers."""
    sources: dict[str, Source] = {
        "rabbitmq": RabbitmqSource(rabbitmq_url),
        "kafka": KafkaSource(kafka_address, partitions=3),
        "nats": NatsSource(nats_url),
    }
    for source in sources.values():
        await source.open()
    scene = Scene(tmp_path, sources, redis_url, nats_url)
    async with scene.sink:
        yield scene
    for source in sources.values():
        await source.close()
