"""The senders of `consumer send` on real brokers: what they send arrives as it was meant."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from consumer.errors import Unavailable
from consumer.tools.sample.generate import Intent, Sample, TrafficMix, generate
from consumer.tools.sample.registry import RECIPES
from consumer.tools.sample.senders import SENDERS
from tests.support.source_kafka import KafkaSource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from consumer.deliveries.delivery import Delivery
    from consumer.tools.sample.sender import SampleSender
    from tests.support.sources import Source

DEADLINE_S = 20
KINDS: dict[str, tuple[str, Callable[[str], Source]]] = {
    "rabbitmq": ("rabbitmq_url", RabbitmqSource),
    "kafka": ("kafka_address", lambda address: KafkaSource(address, partitions_count=3)),
    "nats": ("nats_url", NatsSource),
}
"""By kind: the fixture with the broker's address, and the source there."""
ABSENT = {
    "rabbitmq": ("queue", "no-such-queue", "create it, or set declare = true"),
    "kafka": ("topics", ["no-such-topic"], "create it, or allow Describe"),
    "nats": ("subject", "no.such.subject", "does a stream store no.such.subject"),
}
SAMPLE = Sample(b'{"a": 1}', "CASINO", Intent.EVENT)
Wire = tuple[bytes, str | None, str | None]


@pytest.fixture(params=KINDS)
async def source(request: pytest.FixtureRequest) -> AsyncIterator[Source]:
    """Give a queue, topic or stream of its own."""
    fixture, make = KINDS[request.param]
    source = make(request.getfixturevalue(fixture))
    await source.open()
    yield source
    await source.close()


@asynccontextmanager
async def sender_to(source: Source, **changes: Any) -> AsyncIterator[SampleSender]:  # noqa: ANN401  # options
    """Open the sender to a source, with some options of its listener changed."""
    settings = msgspec.structs.replace(source.listener().settings, **changes)
    sender = SENDERS[settings.kind](settings)
    try:
        await sender.open()
        yield sender
    finally:
        await sender.close()


async def arrived(source: Source, count: int) -> list[Wire]:
    """Receive so many from a source: body, type and encoding of each."""
    listener = source.listener()
    found: list[Delivery] = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            await listener.open()
            while len(found) < count:
                found += await listener.receive(count - len(found), 100 << 20, 1)
    finally:
        await listener.close()
    return [(one.body, one.message_type, one.content_encoding) for one in found]


def wire(sample: Sample) -> Wire:
    """Return what has to arrive."""
    return sample.body, sample.message_type, sample.content_encoding


async def test_type_and_encoding_arrive_as_they_were_sent(source: Source) -> None:
    """Each where its broker keeps them, and none where the sender gave none."""
    samples = [
        SAMPLE,
        Sample(b'{"b": 2}', None, Intent.BROKEN),
        Sample(b'{"c": 3}', "POKER_TOURNAMENT_CASH_OUT_V2", Intent.BROKEN, content_encoding="br"),
        Sample(b"", None, Intent.BROKEN, content_encoding="br"),
    ]
    async with sender_to(source) as sender:
        await sender.send(samples)
    assert Counter(await arrived(source, 4)) == Counter(map(wire, samples))


async def test_a_whole_mix_arrives(source: Source) -> None:
    """Every type, duplicates and broken ones, in batches."""
    mix = TrafficMix(
        types=list(RECIPES), weighted=True, count=900, duplicates_ratio=0.1, broken_ratio=0.1
    )
    samples = list(generate(mix))
    async with sender_to(source) as sender:
        await sender.send(samples[:500])
        await sender.send(samples[500:])
    assert Counter(await arrived(source, 900)) == Counter(map(wire, samples))


async def test_one_players_events_stay_in_order(source: Source) -> None:
    """So that a conflict comes behind the event that it contradicts, on Kafka too."""
    samples = [
        Sample(b"%d" % number, "CASINO", Intent.EVENT, ordering_key="p1") for number in range(200)
    ]
    async with sender_to(source) as sender:
        await sender.send(samples)
    assert await arrived(source, 200) == [wire(sample) for sample in samples]


async def test_absent_source_says_what_to_do(source: Source) -> None:
    """A mistyped name is the most usual mistake."""
    option, value, advice = ABSENT[source.listener().settings.kind]
    with pytest.raises(Unavailable, match=advice):
        async with sender_to(source, **{option: value}) as sender:
            await sender.send([SAMPLE])


@pytest.mark.parametrize("source", ["kafka", "nats"], indirect=True)
async def test_source_that_cannot_carry_so_much_says_so(source: Source) -> None:
    """Too large an event has to fit into its source first."""
    large = Sample(bytes(20 << 20), "CASINO", Intent.BROKEN)
    async with sender_to(source) as sender:
        with pytest.raises(Unavailable, match="cannot come this way"):
            await sender.send([large])
