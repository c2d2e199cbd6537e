"""A client, and a stream of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.nats.connection import NatsSettings, connected
from tests.support.source_nats import NatsSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.aio.client import Client
    from nats.js.client import JetStreamContext


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    """Give a client of the test's own.

    Its `flush` returns once the server has everything. The `flush` of nats-py's own client may
    return before (consumer/nats/hardened.py), and tests that flood a listener rely on it.
    """
    async with connected(NatsSettings(url=nats_url), name="test") as client:
        yield client


@pytest.fixture
async def jetstream(client: Client) -> JetStreamContext:
    """Give its JetStream."""
    return client.jetstream()


@pytest.fixture
async def source(nats_url: str) -> AsyncIterator[NatsSource]:
    """Give a stream of its own."""
    source = NatsSource(nats_url)
    await source.open()
    yield source
    await source.close()
