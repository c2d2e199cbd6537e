"""The listeners' contract on a fake and on real brokers, the latter through a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import pytest

from tests.contract.listener_outages import ProxiedListenerContract
from tests.contract.listener_suite import ListenerContract, ReceivingContract
from tests.support.proxy import Proxy
from tests.support.source_http import HttpSource
from tests.support.source_kafka import KafkaSource
from tests.support.source_memory import MemorySource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.listeners.base import Listener
    from tests.support.sources import Source


class TestMemory(ListenerContract):
    """The fake that the pipeline's property tests run on."""

    nobody = "not reachable"

    @pytest.fixture
    async def source(self) -> MemorySource:
        """Return an empty queue."""
        return MemorySource()

    def unreachable(self, source: Source) -> Listener[Any]:
        """See the suite."""
        assert isinstance(source, MemorySource)
        source.queue.reachable = False
        return source.listener()


class TestKafka(ProxiedListenerContract):
    """A topic with one partition, because order is kept within one."""

    tells_redelivered = False
    remembers_gaps = False
    mends_itself = True

    @pytest.fixture
    async def proxy(self, kafka_address: str) -> AsyncIterator[Proxy]:
        """Stand between listeners and broker."""
        host, _, port = kafka_address.rpartition(":")
        async with Proxy(host, int(port)) as proxy:
            yield proxy

    @pytest.fixture
    async def source(self, kafka_address: str, proxy: Proxy) -> AsyncIterator[KafkaSource]:
        """Return an empty topic."""
        source = KafkaSource(kafka_address, proxy=proxy, partitions_count=1)
        await source.open()
        yield source
        await source.close()

    def unreachable(self, source: Source) -> Listener[Any]:
        """See the suite."""
        return source.listener(bootstrap_servers=[self.nobody])


class TestNats(ProxiedListenerContract):
    """JetStream."""

    @pytest.fixture
    async def proxy(self, nats_url: str) -> AsyncIterator[Proxy]:
        """Stand between listeners and server."""
        real = urlsplit(nats_url)
        async with Proxy(real.hostname or "127.0.0.1", real.port or 4222) as proxy:
            yield proxy

    @pytest.fixture
    async def source(self, nats_url: str, proxy: Proxy) -> AsyncIterator[NatsSource]:
        """Return an empty stream."""
        source = NatsSource(nats_url, proxied_url=f"nats://{proxy.address}", cut=proxy.cut)
        await source.open()
        yield source
        await source.close()

    def unreachable(self, source: Source) -> Listener[Any]:
        """See the suite."""
        return source.listener(url=f"nats://{self.nobody}")


class TestRabbitmq(ProxiedListenerContract):
    """A classic queue."""

    narrow: ClassVar[dict[str, int]] = {"prefetch_count": 10}

    @pytest.fixture
    async def proxy(self, rabbitmq_url: str) -> AsyncIterator[Proxy]:
        """Stand between listeners and broker."""
        real = urlsplit(rabbitmq_url)
        async with Proxy(real.hostname or "127.0.0.1", real.port or 5672) as proxy:
            yield proxy

    @pytest.fixture
    async def source(self, rabbitmq_url: str, proxy: Proxy) -> AsyncIterator[RabbitmqSource]:
        """Return an empty queue."""
        real = urlsplit(rabbitmq_url)
        proxied = rabbitmq_url.replace(f"{real.hostname}:{real.port}", proxy.address)
        source = RabbitmqSource(rabbitmq_url, proxied_url=proxied, cut=proxy.cut)
        await source.open()
        yield source
        await source.close()

    def unreachable(self, source: Source) -> Listener[Any]:
        """See the suite."""
        return source.listener(url=f"amqp://guest:guest@{self.nobody}/")


class TestHttp(ReceivingContract):
    """The public port, which keeps nothing. test_answering.py has what its senders are told."""

    @pytest.fixture
    async def source(self) -> AsyncIterator[HttpSource]:
        """Return a port of its own."""
        source = HttpSource()
        await source.open()
        yield source
        await source.close()
