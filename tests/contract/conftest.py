"""A stream behind a proxy, a Redis of the test's own, and a database for a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import nats
import pytest
from redis.asyncio import Redis as RedisClient

from tests.brokers.redis import Redis
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from nats.aio.client import Client

    from tests.support.ledgers import LedgerPlace


from tests.support.ledgers import PostgresPlace, SqlitePlace
from tests.support.sink_places import JetStreamPlace


@pytest.fixture
async def proxy(nats_url: str) -> AsyncIterator[Proxy]:
    """Return a proxy before the real server."""
    async with Proxy("127.0.0.1", urlsplit(nats_url).port or 4222) as proxy:
        yield proxy


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    """Return a connection of the test's own."""
    client = await nats.connect(nats_url, max_reconnect_attempts=2)
    yield client
    await client.close()


@pytest.fixture
async def jetstream(proxy: Proxy, client: Client) -> AsyncIterator[JetStreamPlace]:
    """Return a stream's place; the stream is made by whoever opens a sink."""
    place = JetStreamPlace(proxy, client)
    yield place
    await place.delete()


@pytest.fixture(params=["sqlite", "postgres"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LedgerPlace]:
    """Return each kind of database."""
    place: LedgerPlace = SqlitePlace(tmp_path / "wallet.db")
    if request.param == "postgres":
        place = PostgresPlace(request.getfixturevalue("postgres_url"))
    yield place
    await place.delete()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    """Return a Redis server of this test's own."""
    with Redis(tmp_path) as server:
        yield server
        server.thaw()


@pytest.fixture
async def admin(server: Redis) -> AsyncIterator[RedisClient]:
    """Return a client to that server."""
    async with RedisClient.from_url(server.address) as client:
        yield client
