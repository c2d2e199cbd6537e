"""A Kafka topic of its own as a source."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from consumer.listeners.kafka.listener import KafkaListener
from consumer.listeners.kafka.settings import KafkaSettings
from tests.support.eventually import eventually
from tests.support.sources import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiokafka.structs import BrokerMetadata

    from tests.support.proxy import Proxy

MAX_REQUEST_BYTES = 10 * 1024 * 1024


class _ProxiedListener(KafkaListener):
    """A listener that reaches every broker at one address, that of the proxy.

    A broker tells its clients its own address, so only the bootstrap connection would go through
    a proxy: aiokafka's picture of the cluster is changed instead.
    """

    def make_consumer(self) -> AIOKafkaConsumer:
        """See `KafkaListener.make_consumer`."""
        consumer = super().make_consumer()
        host, _, port = self.settings.bootstrap_servers[0].rpartition(":")
        cluster = consumer._client.cluster  # noqa: SLF001  # there is no public way
        real = cluster.broker_metadata

        def proxied(node: object) -> BrokerMetadata | None:
            broker = real(node)
            return broker and broker._replace(host=host, port=int(port))

        cluster.broker_metadata = proxied
        return consumer


class KafkaSource(Source):
    """A topic, and a consumer group on it.

    Args:
        address: `host:port` of a broker, for sending and counting.
        proxy: where the listeners connect to; None: directly.
        partitions_count: of the topic; the source's order is kept within one.
    """

    def __init__(
        self, address: str, *, proxy: Proxy | None = None, partitions_count: int = 3
    ) -> None:
        unique = secrets.token_hex(6)
        self.address = address
        self.topic = f"source-{unique}"
        self.group = f"group-{unique}"
        self.partitions = [TopicPartition(self.topic, index) for index in range(partitions_count)]
        self._proxy = proxy
        self._clients: list[Any] = []

    async def open(self) -> None:
        """See `Source.open`."""
        await self._disconnect()
        self.producer = AIOKafkaProducer(
            bootstrap_servers=self.address, acks="all", max_request_size=MAX_REQUEST_BYTES
        )
        self.admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        self._counter = AIOKafkaConsumer(bootstrap_servers=self.address)
        self._clients = [self.admin, self.producer, self._counter]
        for client in self._clients:
            await client.start()
        if self.topic not in await self.admin.list_topics():
            await self.admin.create_topics([NewTopic(self.topic, len(self.partitions), 1)])
        await eventually(self._is_ready, what="a leader of each partition")

    async def _is_ready(self) -> bool:
        try:
            return len(await self.producer.partitions_for(self.topic)) == len(self.partitions)
        except UnknownTopicOrPartitionError:
            return False

    async def send(
        self,
        body: bytes | None,
        message_type: str | None = "CASINO",
        *,
        headers: Mapping[str, str] | None = None,
        content_encoding: str | None = None,
        partition: int | None = None,
    ) -> None:
        """See `Source.send`. A body of None is a tombstone."""
        pairs = [(name, value.encode()) for name, value in (headers or {}).items()]
        if message_type is not None:
            pairs.append(("type", message_type.encode()))
        if content_encoding is not None:
            pairs.append(("content-encoding", content_encoding.encode()))
        key = b"tombstone" if body is None else None
        await self.producer.send_and_wait(
            self.topic, body, key=key, headers=pairs, partition=partition
        )

    async def send_many(self, bodies: list[bytes]) -> None:
        """Send to the partitions in turn, confirmed all together, each partition in order."""
        pending = [
            await self.producer.send(
                self.topic,
                body,
                partition=number % len(self.partitions),
                headers=[("type", b"CASINO")],
            )
            for number, body in enumerate(bodies)
        ]
        for confirmed in pending:
            await confirmed

    def listener(self, **settings: object) -> KafkaListener:
        """See `Source.listener`. Mends what `cut` broke."""
        if self._proxy is not None:
            self._proxy.accept()
        options = {
            "bootstrap_servers": [self.address if self._proxy is None else self._proxy.address],
            "topics": [self.topic],
            "group_id": self.group,
            # The shortest that brokers allow: so long a dead member keeps its partitions.
            "session_timeout_s": 6.0,
            "heartbeat_interval_s": 0.5,
            "connect_timeout_s": 5.0,
        }
        kind = KafkaListener if self._proxy is None else _ProxiedListener
        return kind("kafka", msgspec.convert(options | settings, KafkaSettings))

    async def remaining(self) -> int:
        """See `Source.remaining`."""
        committed = await self.committed()
        ends = await self._counter.end_offsets(self.partitions)
        firsts = await self._counter.beginning_offsets(self.partitions)
        return sum(ends[each] - committed.get(each, firsts[each]) for each in self.partitions)

    async def committed(self) -> dict[TopicPartition, int]:
        """Return the group's committed offset of each partition that has one."""
        offsets = await self.admin.list_consumer_group_offsets(self.group)
        return {each: offset.offset for each, offset in offsets.items() if offset.offset >= 0}

    def cut(self) -> None:
        """See `Source.cut`. Until the next `listener`: aiokafka mends a shorter one unnoticed."""
        assert self._proxy is not None
        self._proxy.refuse()
        self._proxy.cut()

    async def close(self) -> None:
        """See `Source.close`."""
        await self.admin.delete_topics([self.topic])
        await self._disconnect()

    async def _disconnect(self) -> None:
        for client in self._clients:
            await (client.close() if client is self.admin else client.stop())
        self._clients = []
