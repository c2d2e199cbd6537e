"""The stream and the readers of the tests in this folder."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import nats
import pytest
from nats.js.api import StreamConfig

from tests.support.readers import ReadersScene, sink_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.aio.client import Client


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    """Connect to the server."""
    connected = await nats.connect(nats_url)
    yield connected
    await connected.close()


@pytest.fixture
async def scene(client: Client, nats_url: str) -> AsyncIterator[ReadersScene]:
    """Make a stream, and delete it at the end."""
    name = f"r{secrets.token_hex(4)}"
    made = ReadersScene(client, sink_settings(nats_url, name))
    jetstream = client.jetstream()
    await jetstream.add_stream(StreamConfig(name=made.stream, subjects=[f"{name}.>"]))
    yield made
    await jetstream.delete_stream(made.stream)
