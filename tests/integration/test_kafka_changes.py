"""What changes in Kafka under a listener that is open: topics, partitions, retention."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewPartitions, NewTopic, RecordsToDelete
from structlog.testing import capture_logs

from consumer.errors import ListenerUnavailable
from tests.support.eventually import eventually
from tests.support.source_kafka import KafkaSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from aiokafka import TopicPartition

    from consumer.deliveries.delivery import Delivery
    from consumer.listeners.kafka.listener import KafkaListener

MEGABYTE = 1024 * 1024
WITHIN_S = 30.0
"""aiokafka notices a change after up to 10 s, and the group then moves its partitions."""


@pytest.fixture
async def source(kafka_address: str) -> AsyncIterator[KafkaSource]:
    """Return an empty topic with one partition."""
    source = KafkaSource(kafka_address, partitions_count=1)
    await source.open()
    yield source
    await source.close()


async def opened(source: KafkaSource, **settings: object) -> KafkaListener:
    """Return an open listener."""
    listener = source.listener(**settings)
    await listener.open()
    return listener


async def take(listener: KafkaListener, count: int) -> list[Delivery]:
    """Receive and settle exactly so many."""
    taken: list[Delivery] = []
    async with asyncio.timeout(WITHIN_S):
        while len(taken) < count:
            some = await listener.receive(count - len(taken), 100 * MEGABYTE, 0.2)
            await listener.settle(some)
            taken += some
    return taken


async def bodies(listener: KafkaListener, count: int) -> list[bytes]:
    """Receive and settle so many, and return their bodies."""
    return [delivery.body for delivery in await take(listener, count)]


async def gone(listener: KafkaListener) -> bool:
    """Look as the supervisor does, until the listener says that its topic is gone."""
    await listener.receive(1, MEGABYTE, 0.1)
    try:
        await listener.backlog()
    except ListenerUnavailable as error:
        return error.reason == "refused" and "not found" in str(error)
    return False


def losses(logs: Iterable[Mapping[str, object]]) -> list[object]:
    """Return the numbers of lost records that were told."""
    return [entry["offsets_count"] for entry in logs if "lost" in str(entry["event"])]


async def test_retention_that_passes_an_open_listener_is_told(source: KafkaSource) -> None:
    """What is held ahead is still delivered; what is gone is counted."""
    listener = await opened(source)
    await source.send_many([b"first"])
    await take(listener, 1)
    with capture_logs() as logs:
        # Nobody receives meanwhile, as when a sink is away. aiokafka reads one answer ahead.
        for number in range(20):
            await source.send(b"%d" % number + bytes(600_000), partition=0)
        await source.admin.delete_records({source.partitions[0]: RecordsToDelete(before_offset=19)})
        seen: list[bytes] = []
        while b"19" not in seen:
            seen += [body.rstrip(b"\0") for body in await bodies(listener, 1)]
    assert [entry["log_level"] for entry in logs if "lost" in entry["event"]] == ["error"]
    assert losses(logs) == [20 - len(seen)]
    assert listener.passed_over.take() == (20 - len(seen), 0)
    await listener.close()


async def test_new_partitions_are_read_from_their_beginning(source: KafkaSource) -> None:
    """Also with `latest`: they are younger than the group, so nobody has skipped them."""
    await source.send(b"old", partition=0)
    listener = await opened(source, start_at="latest")
    await source.admin.create_partitions({source.topic: NewPartitions(3)})
    async with AIOKafkaProducer(bootstrap_servers=source.address) as producer:
        for number in range(40):
            await producer.send_and_wait(source.topic, b"%d" % number, partition=1 + number % 2)
    assert sorted(await bodies(listener, 40), key=int) == [b"%d" % number for number in range(40)]
    await listener.close()


async def test_second_member_of_a_new_group_begins_at_the_end_too(source: KafkaSource) -> None:
    """The first member has committed the ends of all partitions, not only of its own."""
    await source.admin.create_partitions({source.topic: NewPartitions(2)})
    async with AIOKafkaProducer(bootstrap_servers=source.address) as producer:
        for partition in (0, 1):
            await producer.send_and_wait(source.topic, b"old", partition=partition)
    first = await opened(source, start_at="latest")
    assert await first.receive(1, MEGABYTE, 0.1) == []
    assert sorted((await source.committed()).values()) == [1, 1]
    await first.close()


async def test_deleted_topic_is_told_and_stays_deleted(source: KafkaSource) -> None:
    """By default, brokers make a topic anew when a client asks for it."""
    listener = await opened(source)
    await source.admin.delete_topics([source.topic])
    await eventually(lambda: gone(listener), what="the topic is missed", within_s=WITHIN_S)
    await listener.close()
    listener = source.listener()
    with pytest.raises(ListenerUnavailable, match="not found: create it"):
        await listener.open()
    await listener.close()
    assert source.topic not in await source.admin.list_topics()
    await source.admin.create_topics([NewTopic(source.topic, 1, 1)])


@pytest.mark.parametrize("start_at", ["earliest", "latest"])
async def test_topic_made_anew_is_read_from_its_beginning(
    source: KafkaSource, start_at: str
) -> None:
    """The group is older than the topic, although Kafka has forgotten its offsets."""
    listener = await opened(source, start_at=start_at)
    await source.send(b"old", partition=0)
    assert await bodies(listener, 1) == [b"old"]
    await source.admin.delete_topics([source.topic])
    await eventually(lambda: gone(listener), what="the topic is missed", within_s=WITHIN_S)
    await listener.close()
    await source.admin.create_topics([NewTopic(source.topic, 1, 1)])
    await source.open()
    await source.send_many([b"a", b"b"])
    listener = await opened(source, start_at=start_at)
    assert await bodies(listener, 2) == [b"a", b"b"]
    await listener.close()


async def test_topic_made_anew_between_two_looks_is_told(source: KafkaSource) -> None:
    """Its offsets begin again, below those that we have read."""
    listener = await opened(source)
    await source.send_many([b"%d" % number for number in range(10)])
    await take(listener, 10)
    with capture_logs() as logs:
        await make_anew(source)
        await source.send_many([b"a", b"b"])
        assert await bodies(listener, 2) == [b"a", b"b"]
    (lost_count,) = losses(logs)
    assert lost_count in {8, 9, 10}  # of 10, without those that were there when it was noticed
    assert (await source.committed())[source.partitions[0]] == 2
    await listener.close()


async def test_refused_offset_is_told_although_the_partition_has_it_now(
    source: KafkaSource, caplog: pytest.LogCaptureFixture
) -> None:
    """A broker has lost what we read, and busy producers fill the gap before we look."""
    caplog.set_level("INFO", "aiokafka.consumer.fetcher")
    async with AIOKafkaConsumer(
        bootstrap_servers=source.address, group_id=source.group, enable_auto_commit=False
    ) as reader:
        reader.assign(source.partitions)
        await reader.commit({source.partitions[0]: 10})
    new = [b"%d" % number for number in range(12)]
    with capture_logs() as logs:
        listener = await opened(source)
        await eventually(lambda: "offset 10 is out of range" in caplog.text, what="a refusal")
        await source.send_many(new)
        assert await bodies(listener, 12) == new
    assert losses(logs) == [1]
    await listener.close()


async def test_topic_made_anew_is_noticed_while_the_lane_is_held(source: KafkaSource) -> None:
    """As when a sink is away: nobody receives, and aiokafka has records and does not ask."""
    listener = await opened(source)
    await source.send_many([b"%d" % number for number in range(10)])
    held = await listener.receive(5, MEGABYTE, WITHIN_S)
    with capture_logs() as logs:
        await make_anew(source)
        new = [b"new %d" % number for number in range(12)]
        await source.send_many(new[:2])
        assert await listener.backlog() is None
        await source.send_many(new[2:])
        await listener.settle(held)
        assert await bodies(listener, 12) == new
    assert losses(logs) == [len(held) - 2]
    assert (await source.committed())[source.partitions[0]] == 12
    await listener.close()


async def test_busy_partition_is_not_taken_for_a_new_one(
    source: KafkaSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records that came while the listener looked were read: the end that it knows is older."""
    listener = await opened(source)
    await source.send_many([b"%d" % number for number in range(10)])
    await take(listener, 10)
    ends = AIOKafkaConsumer.end_offsets

    async def late(
        consumer: AIOKafkaConsumer, partitions: list[TopicPartition]
    ) -> dict[TopicPartition, int]:
        monkeypatch.undo()
        found = await ends(consumer, partitions)
        return {partition: end - 3 for partition, end in found.items()}

    monkeypatch.setattr(AIOKafkaConsumer, "end_offsets", late)
    with capture_logs() as logs:
        assert await listener.backlog() == 0
    assert losses(logs) == []
    await listener.close()


async def make_anew(source: KafkaSource) -> None:
    """Delete the topic, and create it again before aiokafka notices."""
    await source.admin.delete_topics([source.topic])
    await eventually(lambda: made(source), what="the topic is there again")
    await source.open()


async def made(source: KafkaSource) -> bool:
    """Try to create the topic, and tell whether it is there."""
    await source.admin.create_topics([NewTopic(source.topic, 1, 1)])
    return source.topic in await source.admin.list_topics()


async def test_emptied_topic_of_transactions_has_lost_nothing(source: KafkaSource) -> None:
    """A marker stands behind the last record, and is committed over."""
    listener = await opened(source)
    async with AIOKafkaProducer(
        bootstrap_servers=source.address, transactional_id=source.topic
    ) as producer:
        async with producer.transaction():
            await producer.send_and_wait(source.topic, b"1", partition=0)
        await take(listener, 1)
        await producer.begin_transaction()
        await producer.send_and_wait(source.topic, b"aborted", partition=0)
        await producer.abort_transaction()
    await eventually(lambda: nothing_remains(listener, source), what="all is committed")
    await listener.close()
    await source.admin.delete_records({source.partitions[0]: RecordsToDelete(before_offset=4)})
    with capture_logs() as logs:
        listener = await opened(source)
        assert await listener.receive(1, MEGABYTE, 1.0) == []
    assert losses(logs) == []
    await listener.close()


async def nothing_remains(listener: KafkaListener, source: KafkaSource) -> bool:
    """Look as the supervisor does, and tell whether the group has committed everything."""
    assert await listener.receive(1, MEGABYTE, 0.1) == []
    await listener.backlog()
    return await source.remaining() == 0


async def test_open_transaction_counts_and_is_no_stall(source: KafkaSource) -> None:
    """What stands behind it waits, and the listener says why it gets nothing."""
    listener = await opened(source)
    async with AIOKafkaProducer(
        bootstrap_servers=source.address, transactional_id=source.topic
    ) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(source.topic, b"open", partition=0)
        await source.send(b"plain", partition=0)
        await eventually(lambda: both_wait(listener), what="the backlog is 2")
        assert listener.withheld == "an open transaction is before them"
        await producer.commit_transaction()
    assert await bodies(listener, 2) == [b"open", b"plain"]
    await eventually(lambda: nothing_remains(listener, source), what="all is committed")
    assert await listener.backlog() == 0
    await listener.close()


async def both_wait(listener: KafkaListener) -> bool:
    """Look as the supervisor does, and tell whether two records wait."""
    assert await listener.receive(1, MEGABYTE, 0.1) == []
    return await listener.backlog() == 2
