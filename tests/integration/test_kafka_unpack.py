"""A record batch that unpacks to too much, on a real broker with every compression."""

from __future__ import annotations

import pytest
from aiokafka import AIOKafkaProducer

from tests.integration.test_kafka_listener import MEGABYTE, opened, settle, take
from tests.support.source_kafka import KafkaSource


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_record_that_unpacks_to_too_much_ends_its_batch(
    kafka_address: str, codec: str
) -> None:
    """With its bytes and its offsets; what follows is read, and it does not come again."""
    source = KafkaSource(kafka_address, partitions_count=1)
    await source.open()
    async with AIOKafkaProducer(
        bootstrap_servers=kafka_address,
        compression_type=codec,
        max_request_size=20 * MEGABYTE,
        max_batch_size=20 * MEGABYTE,
    ) as producer:
        batch = producer.create_batch()
        for size_bytes in (1, 17 * MEGABYTE):
            batch.append(key=None, value=bytes(size_bytes), timestamp=None)
        batch.close()
        await (await producer.send_batch(batch, source.topic, partition=0))
        await producer.send_and_wait(source.topic, b"{}", headers=[("type", b"CASINO")])
    listener = await opened(source)
    first, unread, event = await take(listener, 3)
    assert (first.body, first.unread) == (b"\0", None)
    assert str(unread.unread).startswith("too_large: record batch of offsets 0 to 1: expected ")
    assert 500 < len(unread.body) < MEGABYTE
    assert listener.origin(unread).coordinates["offset"] == "1"
    assert (event.body, event.unread) == (b"{}", None)
    await settle(listener, [first, unread])
    await listener.close()
    again = await opened(source)
    (event,) = await take(again, 1)
    assert event.body == b"{}"
    await again.close()
    await source.close()
