"""The listeners' contract on a fake and on real brokers, the latter through a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.contract.listener_suite import ListenerContract
from tests.support.proxy import Proxy
from tests.support.source_memory import MemorySource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.listeners.base import Listener
    from tests.support.sources import Source

NOBODY = "127.0.0.1:1"


class TestMemory(ListenerContract):
    """The fake that the pipeline's property tests run on."""

    @pytest.fixture
    async def source(self) -> MemorySource:
        """Return an empty queue."""
        return MemorySource()

    def unreachable(self, source: Source) -> Listener[Any]:
        """See the suite."""
        assert isinstance(source, MemorySource)
        source.queue.reachable = False
        return source.listener()


class TestNats(ListenerContract):
    """JetStream."""

    @pytest.fixture
    async def source(self, nats_url: str) -> AsyncIterator[NatsSource]:
        """Return an empty stream."""
        async with Proxy("127.0.0.1", urlsplit(nats_url).port or 4222) as proxy:
            proxied = f"nats://127.0.0.1:{proxy.port}"
            source = NatsSource(nats_url, proxied_url=proxied, cut=proxy.cut)
            await source.open()
            yield source
            await source.close()

    def unreachable(self, source: Source) -> Listener[Any]:
        """See the suite."""
        return source.listener(url=f"nats://{NOBODY}")


class TestRabbitmq(ListenerContract):
    """A classic queue."""

    @pytest.fixture
    async def source(self, rabbitmq_url: str) -> AsyncIterator[RabbitmqSource]:
        """Return an empty queue."""
        real = urlsplit(rabbitmq_url)
        async with Proxy(real.hostname or "127.0.0.1", real.port or 5672) as proxy:
            proxied = rabbitmq_url.replace(f":{real.port}", f":{proxy.port}")
            source = RabbitmqSource(rabbitmq_url, proxied_url=proxied, cut=proxy.cut)
            await source.open()
            yield source
            await source.close()

    def unreachable(self, source: Source) -> Listener[Any]:
        """See the suite."""
        return source.listener(url=f"amqp://guest:guest@{NOBODY}/")
