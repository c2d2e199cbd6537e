"""What the other members of its group, and the broker's patience, do to a Kafka listener."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from consumer.errors import ListenerUnavailable
from tests.support.eventually import eventually
from tests.support.source_kafka import KafkaSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.listeners.kafka.listener import KafkaListener

MEGABYTE = 1024 * 1024


@pytest.fixture
async def source(kafka_address: str) -> AsyncIterator[KafkaSource]:
    """Return a topic with two partitions."""
    source = KafkaSource(kafka_address, partitions_count=2)
    await source.open()
    yield source
    await source.close()


async def test_two_members_of_one_name_are_told_so(source: KafkaSource) -> None:
    """They take the name from each other. The broker gives a reason in one of two cases."""
    listeners = [source.listener(group_instance_id="same") for _ in range(2)]
    for listener in listeners:
        await listener.open()

    async def complains(listener: KafkaListener) -> bool:
        try:
            await listener.receive(1, MEGABYTE, 0.1)
            await listener.backlog()
        except ListenerUnavailable as error:
            return error.reason == "refused" and "has this group_instance_id" in str(error)
        return "group_instance_id same" in listener.complaint

    async def complain() -> bool:
        return any([await complains(listener) for listener in listeners])

    await eventually(complain, within_s=60, what="a complaint about the name")
    for listener in listeners:
        await listener.close()


async def test_member_that_is_alone_with_its_name_does_not_complain(source: KafkaSource) -> None:
    """Also if it has come back."""
    for _ in range(3):
        listener = source.listener(group_instance_id="own")
        await listener.open()
        await listener.receive(1, MEGABYTE, 0.1)
        await listener.backlog()
        assert not listener.complaint
        await listener.close()


async def test_group_that_shares_partitions_in_another_way_is_told(source: KafkaSource) -> None:
    """The broker lets nobody in who shares them differently."""
    other = AIOKafkaConsumer(
        source.topic,
        bootstrap_servers=source.address,
        group_id=source.group,
        partition_assignment_strategy=(RangePartitionAssignor,),
    )
    listener = source.listener()

    async def is_told() -> bool:
        try:
            await listener.open()
            await listener.receive(1, MEGABYTE, 0.1)
            await listener.backlog()
        except ListenerUnavailable as error:
            return "use another group_id, or give them roundrobin" in str(error)
        finally:
            await listener.close()
        return False

    async with other:
        await eventually(lambda: bool(other.assignment()), within_s=30, what="the other member")
        assert await is_told()


async def test_broker_that_stops_answering_may_have_a_quota(
    source: KafkaSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps the connection and waits, as a frozen broker does."""
    listener = source.listener()
    await listener.open()
    monkeypatch.setattr("consumer.listeners.kafka.listener.ANSWER_DEADLINE_S", 0.0)
    with pytest.raises(ListenerUnavailable, match="consumer_byte_rate"):
        await listener.backlog()
    await listener.close()
