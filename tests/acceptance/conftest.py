"""Scenes on the shared brokers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.brokers.nats import Nats
from tests.brokers.postgres import Postgres
from tests.brokers.redis import Redis
from tests.support.http_daemon import HttpScene
from tests.support.scene import Scene
from tests.support.source_kafka import KafkaSource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.brokers.base import Broker
    from tests.support.sources import Source


@pytest.fixture
async def scene(
    tmp_path: Path, rabbitmq_url: str, kafka_address: str, nats_url: str, redis_url: str
) -> AsyncIterator[Scene]:
    """Return a scene with three sources."""
    sources: dict[str, Source] = {
        "rabbitmq": RabbitmqSource(rabbitmq_url),
        "kafka": KafkaSource(kafka_address, partitions_count=3),
        "nats": NatsSource(nats_url),
    }
    async with Scene(tmp_path, sources, redis_url, nats_url) as scene:
        yield scene


@pytest.fixture
async def http_scene(tmp_path: Path, nats_url: str, redis_url: str) -> AsyncIterator[HttpScene]:
    """Return what a daemon with a public port needs."""
    async with HttpScene(tmp_path, nats_url, redis_url) as scene:
        yield scene


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[dict[str, Broker]]:
    """Return a NATS and a Redis server that a test may stop."""
    with Nats(tmp_path / "nats") as sink, Redis(tmp_path / "r") as store:
        yield {"sink": sink, "store": store}


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return an empty database of the kind that the test asks for."""
    if request.param == "sqlite":
        yield f"sqlite:{tmp_path / 'wallet.db'}"
    else:
        with Postgres(tmp_path / "postgres") as server:
            yield server.address
