"""A client, and a stream of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nats
import pytest

from tests.support.source_nats import NatsSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.aio.client import Client
    from nats.js.client import JetStreamContext


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    """Give a client of the test's own."""
    client = await nats.connect(nats_url)
    yield client
    await client.close()


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
