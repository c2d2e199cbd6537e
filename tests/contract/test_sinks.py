"""The sinks' contract: a fake, JetStream and core NATS, the latter two through a proxy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from consumer.errors import SinkUnavailable
from consumer.sinks.base import Receipt
from tests.contract.sink_suite import (
    PUBLISH_TIMEOUT_S,
    Place,
    SinkContract,
    StoringSinkContract,
)

if TYPE_CHECKING:
    from nats.aio.client import Client

    from consumer.sinks.base import Sink
    from tests.support.proxy import Proxy

from tests.support.sink_places import CorePlace, JetStreamPlace, MemoryPlace


class TestMemory(StoringSinkContract):
    """The fake that the pipeline's tests run on."""

    @pytest.fixture
    def place(self) -> Place:
        """Return an empty list."""
        return MemoryPlace()


class TestJetStream(StoringSinkContract):
    """The real one."""

    @pytest.fixture
    def place(self, jetstream: JetStreamPlace) -> Place:
        """Return a stream."""
        return jetstream


class TestCore(SinkContract):
    """At most once: it confirms that the server has read the messages, and knows no copies."""

    @pytest.fixture
    async def place(self, proxy: Proxy, client: Client) -> Place:
        """Return a subscriber."""
        place = CorePlace(proxy, client)
        await place.listen()
        return place

    async def test_copies_are_sent_on(self, place: Place, sink: Sink) -> None:
        """Which is why the operator is warned."""
        assert not sink.deduplicates
        for _ in range(2):
            assert await sink.publish([place.message(message_id="same")]) == [Receipt.STORED]
        assert len(await place.stored(2)) == 2

    async def test_frozen_server_confirms_nothing(
        self, place: Place, sink: Sink, proxy: Proxy
    ) -> None:
        """And the publisher hears so in time."""
        proxy.freeze()
        started_s = time.monotonic()
        (answer,) = await sink.publish([place.message()])
        assert isinstance(answer, SinkUnavailable)
        assert time.monotonic() - started_s < PUBLISH_TIMEOUT_S * 2
