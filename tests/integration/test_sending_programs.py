"""The programs of docs/sending/ in other languages than Python, on real brokers.

Each sends the page's event, or ends with an error if the broker does not take it.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import nats
import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from tests.support.programs import RUN, send
from tests.support.snippets import snippet
from tests.support.source_kafka import KafkaSource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pamqp.common import FieldTable

    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Origin
    from tests.support.sources import Source

SMALL_BYTES: Final = 100
"""The event of the page is larger."""
NOWHERE: Final = {
    "rabbitmq": "NO_ROUTE",
    "kafka": "does not host this topic-partition",
    "nats": "(?i)no ?responders|no response from stream",
}
"""What each program prints if there is no queue, topic or stream. Other errors are not meant."""
REFUSED: Final = {
    "rabbitmq": "nacked|nacks received|refused the message",
    "kafka": "larger than the max message size",
    "nats": "message size exceeds maximum allowed",
}
"""What each program prints if the broker refuses the message."""
EACH_PROGRAM: Final = pytest.mark.parametrize(
    ("language", "broker"), RUN, ids=[f"{language}-{broker}" for language, broker in RUN]
)


@pytest.fixture
def source(request: pytest.FixtureRequest, broker: str) -> Source:
    """Return a queue, topic or stream that is not made yet."""
    if broker == "rabbitmq":
        return RabbitmqSource(request.getfixturevalue("rabbitmq_url"))
    if broker == "kafka":
        return KafkaSource(request.getfixturevalue("kafka_address"), partitions_count=1)
    return NatsSource(request.getfixturevalue("nats_url"))


@pytest.fixture
def place(request: pytest.FixtureRequest, source: Source, language: str) -> tuple[str, str]:
    """Return address and name of the source, as a program takes them."""
    if isinstance(source, RabbitmqSource):
        # PHP's client takes the parts of a URL, and the default virtual host.
        url = source.url if language == "php" else f"{source.url.rstrip('/')}/%2F"
        return url, source.queue
    if isinstance(source, KafkaSource):
        return source.address, source.topic
    assert isinstance(source, NatsSource)
    return request.getfixturevalue("nats_url"), source.subject


@pytest.fixture
def event() -> bytes:
    """Return the event of the page."""
    return snippet("sending.md", "What to send", "json").encode()


@asynccontextmanager
async def made(source: Source) -> AsyncIterator[None]:
    """Make a source, and remove it afterwards."""
    await source.open()
    try:
        yield
    finally:
        await source.close()


async def refuse(source: Source, nats_url: str) -> None:
    """Let the broker refuse every message for this source."""
    if isinstance(source, RabbitmqSource):
        await source.channel.queue_delete(source.queue)
        full: FieldTable = {"x-max-length": 0, "x-overflow": "reject-publish"}
        await source.channel.declare_queue(source.queue, durable=True, arguments=full)
    elif isinstance(source, KafkaSource):
        small = {"max.message.bytes": str(SMALL_BYTES)}
        topic = ConfigResource(ConfigResourceType.TOPIC, source.topic, small)
        await source.admin.alter_configs([topic])
    elif isinstance(source, NatsSource):
        client = await nats.connect(nats_url)
        await client.jetstream().update_stream(
            name=source.stream, subjects=[source.subject], max_msg_size=SMALL_BYTES
        )
        await client.close()


async def arrived(source: Source) -> tuple[Delivery, Origin]:
    """Return the only message of a source, as its listener reads it."""
    listener = source.listener()
    await listener.open()
    try:
        [delivery] = await listener.receive(10, 10**6, 10.0)
        return delivery, listener.origin(delivery)
    finally:
        await listener.close()


@EACH_PROGRAM
async def test_program_sends_the_event(
    language: str, broker: str, source: Source, place: tuple[str, str], event: bytes
) -> None:
    """Whole, with its type where the listener reads it, and so that RabbitMQ keeps it."""
    async with made(source):
        ended = await send(language, broker, place, event)
        assert (ended.code, ended.text) == (0, "")
        delivery, origin = await arrived(source)
    assert (delivery.body, delivery.message_type) == (event, "CASINO")
    assert origin.headers.get("amqp.delivery_mode") == ("2" if broker == "rabbitmq" else None)


@EACH_PROGRAM
async def test_program_ends_with_an_error_where_nothing_takes_the_event(
    language: str, broker: str, place: tuple[str, str], event: bytes
) -> None:
    """A queue, topic or stream that does not exist."""
    ended = await send(language, broker, place, event)
    ended.failed_with(NOWHERE[broker])


@EACH_PROGRAM
async def test_program_ends_with_an_error_if_the_broker_refuses(
    language: str, broker: str, source: Source, place: tuple[str, str], event: bytes, nats_url: str
) -> None:
    """A full queue; a message that is too large for its topic or stream."""
    async with made(source):
        await refuse(source, nats_url)
        ended = await send(language, broker, place, event)
    ended.failed_with(REFUSED[broker])


@pytest.mark.parametrize("language", ["node", "java", "go"])
async def test_nats_program_says_that_the_server_dropped_a_copy(
    language: str, event: bytes, nats_url: str
) -> None:
    """The second run sends the same bytes."""
    source = NatsSource(nats_url)
    async with made(source):
        first, second = [
            await send(language, "nats", (nats_url, source.subject), event) for _ in range(2)
        ]
    assert (first.code, first.text) == (0, "")
    assert (second.code, second.text) == (
        0,
        "the server had these bytes already, and dropped them\n",
    )
