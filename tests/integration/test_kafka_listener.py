"""What only Kafka does: partitions, groups that move them, offsets, headers, retention."""

from __future__ import annotations

import asyncio
import struct
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import RecordsToDelete
from aiokafka.record.util import calc_crc32c
from structlog.testing import capture_logs

from consumer.errors import ListenerUnavailable
from tests.support.eventually import eventually
from tests.support.fates import end_all
from tests.support.source_kafka import KafkaSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from consumer.deliveries.delivery import Delivery
    from consumer.listeners.kafka.listener import KafkaListener

MEGABYTE = 1024 * 1024
WITHIN_S = 20.0
CHECKSUM_AT = 17
"""In a batch: https://kafka.apache.org/documentation/#recordbatch."""


@pytest.fixture
async def source(kafka_address: str) -> AsyncIterator[KafkaSource]:
    """Return an empty topic with three partitions."""
    source = KafkaSource(kafka_address)
    await source.open()
    yield source
    await source.close()


class Lane:
    """Receives and settles, as the real lane does, until it has seen enough.

    Attributes:
        seen: the bodies, in the order of their arrival.
    """

    def __init__(self, listener: KafkaListener) -> None:
        self.listener = listener
        self.seen: list[bytes] = []

    async def run(self, enough: Callable[[], bool]) -> None:
        """Stop once there is enough."""
        while not enough():
            batch = await self.listener.receive(100, 4 * MEGABYTE, 0.1)
            self.seen += [delivery.body for delivery in batch]
            await settle(self.listener, batch)


def all_seen(sent: list[bytes], *lanes: Lane) -> Callable[[], bool]:
    """Return a condition: the lanes together have seen as many as were sent."""
    return lambda: sum(len(lane.seen) for lane in lanes) >= len(sent)


async def closed(*lanes: Lane) -> None:
    """Close their listeners."""
    for lane in lanes:
        await lane.listener.close()


async def take(listener: KafkaListener, count: int) -> list[Delivery]:
    """Receive exactly so many."""
    taken: list[Delivery] = []
    async with asyncio.timeout(WITHIN_S):
        while len(taken) < count:
            taken += await listener.receive(count - len(taken), 100 * MEGABYTE, 0.2)
    return taken


async def settle(listener: KafkaListener, deliveries: list[Delivery]) -> None:
    """Acknowledge them."""
    end_all(deliveries)
    await listener.settle(deliveries)


async def opened(source: KafkaSource, **settings: object) -> KafkaListener:
    """Return an open listener."""
    listener = source.listener(**settings)
    await listener.open()
    return listener


def numbered(count: int) -> list[bytes]:
    """Return bodies that differ."""
    return [str(number).encode() for number in range(count)]


async def send_hostile_header(source: KafkaSource, bodies: list[bytes]) -> None:
    """Send one batch with a header name that no Python client would let pass."""
    batch = source.producer.create_batch()
    for body in bodies:
        headers = [("??", b"x"), ("type", b"CASINO")]
        batch.append(key=None, value=body, timestamp=None, headers=headers)
    batch.close()
    data = bytearray(batch._build()).replace(b"??", b"\xff\xfe")  # noqa: SLF001  # as written
    struct.pack_into(">I", data, CHECKSUM_AT, calc_crc32c(bytes(data[CHECKSUM_AT + 4 :])))
    batch._build = lambda: data  # noqa: SLF001  # what the producer sends
    await (await source.producer.send_batch(batch, source.topic, partition=0))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([("type", b"CASINO")], "CASINO"),
        ([("Type", b"CASINO")], "CASINO"),
        ([("other", b"x"), ("type", b"first"), ("type", b"second")], "second"),
        ([("type", b"\xff")], "\N{REPLACEMENT CHARACTER}"),
        ([("type", None)], None),
    ],
)
async def test_type_and_encoding_are_those_of_the_headers(
    source: KafkaSource, headers: list[tuple[str, bytes]], expected: str | None
) -> None:
    """Never the key's or the topic's; broken UTF-8 becomes a type that nobody has."""
    headers = [*headers, ("CONTENT-Encoding", b"gzip")]
    await source.producer.send_and_wait(source.topic, b"{}", key=b"PAYMENT", headers=headers)
    listener = await opened(source)
    (delivery,) = await take(listener, 1)
    assert (delivery.message_type, delivery.content_encoding) == (expected, "gzip")
    assert set(listener.origin(delivery).coordinates) == {"topic", "partition", "offset"}
    await listener.close()


async def test_tombstones_are_skipped(source: KafkaSource) -> None:
    """They delete an older record, and are no broken events. Nothing of them remains."""
    for body in (None, b"{}", None, None):
        await source.send(body, partition=0)
    listener = await opened(source)
    deliveries = await take(listener, 1)
    await settle(listener, deliveries)
    await eventually(lambda: nothing_waits(listener), what="an empty backlog")
    assert [delivery.body for delivery in deliveries] == [b"{}"]
    assert listener.passed_over.take() == (0, 3)
    assert await source.remaining() == 0
    await listener.close()


async def nothing_waits(listener: KafkaListener) -> bool:
    """Receive, and tell whether nothing is left."""
    assert await listener.receive(1, MEGABYTE, 0.1) == []
    return await listener.backlog() == 0


@pytest.mark.parametrize("codec", [None, "gzip", "lz4", "snappy", "zstd"])
async def test_compressed_batches_are_read(source: KafkaSource, codec: str | None) -> None:
    """Whatever the brand's producer uses."""
    async with AIOKafkaProducer(
        bootstrap_servers=source.address, compression_type=codec
    ) as producer:
        await producer.send_and_wait(source.topic, b"{}" * 1000)
    listener = await opened(source)
    (delivery,) = await take(listener, 1)
    assert delivery.body == b"{}" * 1000
    await listener.close()


async def test_header_name_that_is_no_text_blocks_nothing(source: KafkaSource) -> None:
    """Aiokafka alone raises for ever at such a record, and skips those before it."""
    bodies = [b"before", b"hostile", b"after"]
    await send_hostile_header(source, bodies)
    listener = await opened(source)
    taken = await take(listener, 3)
    assert [delivery.body for delivery in taken] == bodies
    assert listener.origin(taken[1]).headers == {r"\xff\xfe": "x", "type": "CASINO"}
    await listener.close()


async def test_large_record_passes_every_limit(source: KafkaSource) -> None:
    """5 MB, with the limits of a fetch at 1 MiB, and small ones around it."""
    bodies = [b"before", b"x" * 5_000_000, b"after"]
    for body in bodies:
        await source.send(body, partition=0)
    listener = await opened(source, fetch_max_bytes=MEGABYTE, max_partition_fetch_bytes=MEGABYTE)
    assert [delivery.body for delivery in await take(listener, 3)] == bodies
    await listener.close()


async def test_ten_thousand_arrive_in_order_and_none_remains(source: KafkaSource) -> None:
    """In the order of each partition; sent before the group existed, so from the earliest on."""
    sent = numbered(10_000)
    await source.send_many(sent)
    listener = await opened(source)
    lane = Lane(listener)
    async with asyncio.timeout(WITHIN_S):
        await lane.run(lambda: len(lane.seen) >= len(sent))
    await listener.close()
    for index in range(3):
        assert [body for body in lane.seen if int(body) % 3 == index] == sent[index::3]
    assert await source.remaining() == 0


async def test_new_group_may_start_at_the_end(source: KafkaSource) -> None:
    """And what comes after that is never skipped, not even while nobody listens."""
    await source.send(b"before", partition=0)
    listener = await opened(source, start_at="latest")
    await listener.close()
    await source.send(b"between", partition=0)
    listener = await opened(source, start_at="latest")
    (delivery,) = await take(listener, 1)
    assert delivery.body == b"between"
    await listener.close()


async def test_uncommitted_transactions_are_not_seen(source: KafkaSource) -> None:
    """Nor do aborted ones count as waiting."""
    async with AIOKafkaProducer(
        bootstrap_servers=source.address, transactional_id=source.topic
    ) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(source.topic, b"aborted", partition=0)
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait(source.topic, b"committed", partition=0)
    listener = await opened(source)
    (delivery,) = await take(listener, 1)
    assert delivery.body == b"committed"
    assert await listener.receive(1, MEGABYTE, 0.2) == []
    assert await listener.backlog() == 0
    await listener.close()


async def test_commit_never_jumps_over_a_gap(source: KafkaSource) -> None:
    """Each partition by itself."""
    await source.send_many(numbered(9))
    listener = await opened(source)
    taken = sorted(await take(listener, 9), key=lambda delivery: int(delivery.body))
    await settle(listener, [taken[0], taken[1], taken[4], taken[5]])
    committed = await source.committed()
    assert [committed.get(partition, 0) for partition in source.partitions] == [1, 2, 0]
    await settle(listener, [taken[2]])
    committed = await source.committed()
    assert [committed.get(partition, 0) for partition in source.partitions] == [1, 2, 2]
    await listener.close()


async def test_second_member_takes_over_without_loss_or_duplicate(source: KafkaSource) -> None:
    """While messages flow; what the first has settled is committed before partitions move."""
    sent = numbered(6000)
    await source.send_many(sent[:3000])
    first, second = Lane(await opened(source)), Lane(source.listener())

    async def join() -> None:
        await eventually(lambda: len(first.seen) > 1000, what="traffic")
        await second.listener.open()
        await source.send_many(sent[3000:])
        await second.run(all_seen(sent, first, second))

    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        group.create_task(first.run(all_seen(sent, first, second)))
        group.create_task(join())
    await closed(first, second)
    assert second.seen
    assert Counter(first.seen + second.seen) == Counter(sent)
    assert await source.remaining() == 0


async def test_partitions_move_after_what_is_in_hand_is_settled(source: KafkaSource) -> None:
    """The first member settles while the second waits for its share."""
    await source.send_many(numbered(30))
    first = await opened(source)
    taken = await take(first, 30)
    second = source.listener()
    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        joining = group.create_task(second.open())
        await eventually(lambda: first.moving_s() > 0, what="partitions on the move")
        assert await first.receive(1, MEGABYTE, 0.1) == []
        assert not joining.done()
        await settle(first, taken)
    assert await source.remaining() == 0
    for listener in (first, second):
        assert await listener.receive(1, MEGABYTE, 0.2) == []
        await listener.close()


async def test_slow_delivery_comes_again_to_the_next_owner(source: KafkaSource) -> None:
    """And settling it after that is nothing: neither an error nor a commit."""
    sent = numbered(3)
    await source.send_many(sent)
    first = Lane(await opened(source, rebalance_timeout_s=0.2))
    late = await take(first.listener, 3)
    second = Lane(await opened(source))
    async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
        group.create_task(first.run(all_seen(sent, first, second)))
        group.create_task(second.run(all_seen(sent, first, second)))
    await settle(first.listener, late)
    assert Counter(first.seen + second.seen) == Counter(sent)
    assert await source.remaining() == 0
    await closed(first, second)


async def test_static_member_comes_back_at_once(source: KafkaSource) -> None:
    """It does not leave, so that nothing moves, and its own name lets it in again."""
    await source.send_many(numbered(3))
    for number in range(3):
        started_s = time.monotonic()
        listener = await opened(source, group_instance_id="here")
        await settle(listener, await take(listener, 1))
        await listener.close()
        assert time.monotonic() - started_s < 3, number
    assert await source.remaining() == 0


async def test_leaving_member_hands_over_at_once(source: KafkaSource) -> None:
    """Not only after its session has timed out."""
    first = await opened(source)
    await first.close()
    await source.send(b"{}")
    started_s = time.monotonic()
    second = await opened(source)
    await take(second, 1)
    assert time.monotonic() - started_s < 3
    await second.close()


async def test_holding_member_is_not_expelled(source: KafkaSource) -> None:
    """The sink may be away for longer than `max_poll_interval_s`."""
    await source.send_many(numbered(4))
    listener = await opened(source, max_poll_interval_s=1.0)
    assert listener.keep_every_s == 0.25
    held = await take(listener, 1)
    until_s = time.monotonic() + 3

    async def held_for_long() -> bool:
        await listener.keep(held)
        assert listener.moving_s() == 0
        return time.monotonic() > until_s

    await eventually(held_for_long, what="the end of patience")
    await settle(listener, held)
    assert await source.remaining() == 3
    assert len(await take(listener, 3)) == 3
    await listener.close()


async def test_forgotten_member_leaves(source: KafkaSource) -> None:
    """Without `keep` it would be expelled: the test before this one proves something."""
    await source.send(b"{}")
    listener = await opened(source, max_poll_interval_s=1.0)
    await take(listener, 1)
    await eventually(lambda: listener.moving_s() > 0, what="partitions on the move")
    await listener.close()


async def test_what_retention_took_is_told(source: KafkaSource) -> None:
    """It is lost, and not by us."""
    for number in range(5):
        await source.send(str(number).encode(), partition=0)
    listener = await opened(source)
    await settle(listener, await take(listener, 1))
    await listener.close()
    await source.admin.delete_records({source.partitions[0]: RecordsToDelete(before_offset=3)})
    with capture_logs() as logs:
        listener = await opened(source)
        assert [delivery.body for delivery in await take(listener, 2)] == [b"3", b"4"]
    assert [entry["offsets_count"] for entry in logs if "lost" in entry["event"]] == [2]
    assert listener.passed_over.take() == (2, 0)
    await listener.close()


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"topics": ["missing"]}, "topic missing not found: create it"),
        ({"session_timeout_s": 1.0}, "session_timeout_s is outside what the broker allows"),
        ({"security_protocol": "SSL"}, "does this port speak TLS"),
        ({"security_protocol": "SSL", "tls": {"ca_file": "gone.pem"}}, "cannot use gone.pem"),
        (
            {"security_protocol": "SASL_PLAINTEXT", "sasl_username": "x", "sasl_password": "y"},
            "check security_protocol",
        ),
        ({"bootstrap_servers": ["127.0.0.1:1", "127.0.0.1:2"]}, "127.0.0.1:1: connection refused"),
        ({"bootstrap_servers": ["nobody.invalid:9092"]}, "check bootstrap_servers"),
        ({"bootstrap_servers": ["127.0.0.1:99999"]}, "127.0.0.1:99999: "),
        ({"bootstrap_servers": ["a..b:9092"]}, "a..b:9092: "),
    ],
)
async def test_useless_settings_are_explained(
    source: KafkaSource, settings: dict[str, Any], advice: str
) -> None:
    """With what to do about it."""
    listener = source.listener(**settings)
    with pytest.raises(ListenerUnavailable, match=advice):
        await listener.open()
    await listener.close()
