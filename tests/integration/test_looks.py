"""A look at a source changes nothing there, and tells what `open` would find."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypeVar

import pytest
from nats.js.errors import NotFoundError

from consumer.errors import ListenerUnavailable
from consumer.nats.connection import NatsSettings, connected
from tests.support.fates import end_all
from tests.support.source_kafka import KafkaSource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource
from tests.support.sources import Source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.js.client import JetStreamContext

    from consumer.listeners.base import AnyListener

S = TypeVar("S", bound=Source)
BEATS_S = 2.0
"""The time in which a member of a group hears several times that others joined, in seconds."""


@pytest.fixture
async def rabbitmq(rabbitmq_url: str) -> AsyncIterator[RabbitmqSource]:
    """Return an empty queue."""
    async with _opened(RabbitmqSource(rabbitmq_url)) as source:
        yield source


@pytest.fixture
async def kafka(kafka_address: str) -> AsyncIterator[KafkaSource]:
    """Return an empty topic with three partitions."""
    async with _opened(KafkaSource(kafka_address)) as source:
        yield source


@pytest.fixture
async def nats_source(nats_url: str) -> AsyncIterator[NatsSource]:
    """Return an empty stream."""
    async with _opened(NatsSource(nats_url)) as source:
        yield source


@pytest.fixture
async def jetstream(nats_url: str) -> AsyncIterator[JetStreamContext]:
    """Return the JetStream of the server."""
    async with connected(NatsSettings(url=nats_url), name="test") as client:
        yield client.jetstream()


@contextlib.asynccontextmanager
async def _opened(source: S) -> AsyncIterator[S]:
    await source.open()
    try:
        yield source
    finally:
        await source.close()


async def look(listener: AnyListener) -> str:
    """Look, and close the listener."""
    try:
        return await listener.look()
    finally:
        await listener.close()


async def refusal(listener: AnyListener) -> str:
    """Return the error of a look that has to fail."""
    with pytest.raises(ListenerUnavailable) as caught:
        await look(listener)
    return str(caught.value)


async def test_look_at_a_queue_takes_no_message(rabbitmq: RabbitmqSource) -> None:
    """No message comes back as redelivered."""
    await rabbitmq.send(b"1")
    assert (await look(rabbitmq.listener())).startswith("1 messages wait; only --open tests")
    queue = await rabbitmq.channel.get_queue(rabbitmq.queue)
    message = await queue.get(no_ack=True)
    assert not message.redelivered


async def test_look_creates_no_queue(rabbitmq: RabbitmqSource) -> None:
    """With `declare = true` it says that the daemon will."""
    missing = f"{rabbitmq.queue}.missing"
    told = await look(rabbitmq.listener(queue=missing, declare=True))
    assert told.startswith(f"queue {missing} will be created")
    assert "no queue" in await refusal(rabbitmq.listener(queue=missing))


async def test_look_does_not_join_the_group(kafka: KafkaSource) -> None:
    """Otherwise the members of a live system would give up their partitions."""
    member = kafka.listener()
    await member.open()
    await look(kafka.listener())
    await member.receive(1, 1, BEATS_S)
    assert member.moving_s() == 0
    await member.close()


async def test_look_counts_what_waits_for_the_group(kafka: KafkaSource) -> None:
    """Before the group has begun, everything waits for it."""
    await kafka.send_many([b"1", b"2"])
    told = await look(kafka.listener())
    assert told.startswith(f"group {kafka.group} will begin at the earliest offset, 2 records wait")
    member = kafka.listener()
    await member.open()
    taken = await member.receive(1, 1000, 10)
    end_all(taken)
    await member.settle(taken)
    await member.close()
    assert (await look(kafka.listener())).startswith("1 records wait; only --open tests")


async def test_look_makes_no_topic(kafka: KafkaSource) -> None:
    """The broker of the tests would make it for anybody who asks for its partitions."""
    missing = f"{kafka.topic}-missing"
    assert f"topic {missing} not found" in await refusal(kafka.listener(topics=[missing]))
    assert missing not in await kafka.admin.list_topics()


async def test_look_makes_no_durable_consumer(
    nats_source: NatsSource, jetstream: JetStreamContext
) -> None:
    """It says that the daemon will, or that it will not."""
    await nats_source.send(b"1")
    assert await look(nats_source.listener()) == "durable consumer consumer will be made"
    assert "set create_durable = true" in await refusal(nats_source.listener(create_durable=False))
    with pytest.raises(NotFoundError):
        await jetstream.consumer_info(nats_source.stream, "consumer")


async def test_look_counts_what_waits_for_the_durable(
    nats_source: NatsSource, jetstream: JetStreamContext
) -> None:
    """The consumer of a live system hands nothing out."""
    listener = nats_source.listener()
    await listener.open()
    await listener.close()
    await nats_source.send(b"1")
    assert await look(nats_source.listener()) == "1 messages wait"
    info = await jetstream.consumer_info(nats_source.stream, "consumer")
    assert not info.num_ack_pending


async def test_subject_that_the_stream_never_carries_is_told(nats_source: NatsSource) -> None:
    """Such a listener would be ready and wait for ever."""
    told = await refusal(nats_source.listener(subject="other.>"))
    assert f"stream {nats_source.stream} stores " in told
    assert "no message with subject other.> can come" in told
    listener = nats_source.listener(subject="other.>")
    await listener.open()
    await listener.close()
    assert [caveat.what for caveat in listener.caveats] == ["listener's subject never comes"]
