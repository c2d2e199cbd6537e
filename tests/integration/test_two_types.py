"""Which type counts if a message has two, on each broker: as docs/sending.md says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.support.source_kafka import KafkaSource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from tests.support.sources import Source


async def type_of(source: Source) -> str | None:
    """Return the type of the only message, and remove the source."""
    listener = source.listener()
    await listener.open()
    [delivery] = await listener.receive(10, 10**6, 10.0)
    await listener.close()
    await source.close()
    return delivery.message_type


async def test_property_of_rabbitmq_counts(rabbitmq_url: str) -> None:
    """A header of that name is not read, also if there is no property."""
    for message_type in ("CASINO", None):
        source = RabbitmqSource(rabbitmq_url)
        await source.open()
        await source.send(b"{}", message_type, headers={"type": "PAYMENT"})
        assert await type_of(source) == message_type


async def test_last_header_of_kafka_counts(kafka_address: str) -> None:
    """In any case."""
    source = KafkaSource(kafka_address, partitions_count=1)
    await source.open()
    both = [("Type", b"CASINO"), ("type", b"PAYMENT")]
    await source.producer.send_and_wait(source.topic, b"{}", headers=both)
    assert await type_of(source) == "PAYMENT"


async def test_last_header_of_nats_counts(nats_url: str) -> None:
    """In any case. The Python client cannot send two, so this is the protocol itself."""
    for names in (("type", "type"), ("Type", "type"), ("type", "Type")):
        source = NatsSource(nats_url)
        await source.open()
        address = urlsplit(nats_url)
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        headers = f"NATS/1.0\r\n{names[0]}: CASINO\r\n{names[1]}: PAYMENT\r\n\r\n"
        publish = f"HPUB {source.subject} {len(headers)} {len(headers) + 2}\r\n{headers}{{}}\r\n"
        writer.write(f'CONNECT {{"verbose":false,"headers":true}}\r\n{publish}'.encode())
        assert await type_of(source) == "PAYMENT"
        writer.close()
        await writer.wait_closed()
