"""The programs of docs/sending-code.md send through real brokers, and the event comes out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from consumer.cli.main import cli
from tests.support.eventually import eventually
from tests.support.scene import Scene
from tests.support.snippets import run, snippet, with_values
from tests.support.source_kafka import KafkaSource
from tests.support.source_nats import NatsSource
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sources import Source

PAGE = "sending-code.md"
EVENT = snippet("sending.md", "What to send", "json")


async def arrives(folder: Path, source: Source, urls: tuple[str, str], program: str) -> None:
    """Run a program twice beside the daemon: its event is stored, once."""
    # A NATS server itself drops the second one, by its message id.
    received_count = 1 if isinstance(source, NatsSource) else 2
    (folder / "casino.json").write_text(EVENT, encoding="utf-8")
    async with Scene(folder, {"brand": source}, *urls) as scene:
        with scene.daemon() as daemon:
            await daemon.is_ready()
            for _ in range(2):
                await (await run(folder, program)).output()

            async def settled() -> bool:
                books = await daemon.books()
                return books["received"] == received_count and not books["in_flight"]

            await eventually(settled, within_s=30, what="all of them settled")
        [stored] = await scene.sink.events()
        assert stored.subject == f"{scene.name}.game.bet"
        assert json.loads(stored.data)["data"]["amount"] == "12.30"
        assert await scene.sink.dead_count() == 0


@pytest.fixture
def urls(redis_url: str, nats_url: str) -> tuple[str, str]:
    """Return where store and sink are."""
    return redis_url, nats_url


async def test_rabbitmq(tmp_path: Path, rabbitmq_url: str, urls: tuple[str, str]) -> None:
    """Confirmed by a real RabbitMQ."""
    source = RabbitmqSource(rabbitmq_url)
    program = with_values(snippet(PAGE, "RabbitMQ"), URL=rabbitmq_url, QUEUE=source.queue)
    await arrives(tmp_path, source, urls, program)


async def test_kafka(tmp_path: Path, kafka_address: str, urls: tuple[str, str]) -> None:
    """Confirmed by a real Kafka."""
    source = KafkaSource(kafka_address)
    program = with_values(snippet(PAGE, "Kafka"), SERVERS=kafka_address, TOPIC=source.topic)
    await arrives(tmp_path, source, urls, program)


async def test_nats(tmp_path: Path, nats_url: str, urls: tuple[str, str]) -> None:
    """Confirmed by a real JetStream."""
    source = NatsSource(nats_url)
    program = with_values(snippet(PAGE, "NATS"), URL=nats_url, SUBJECT=source.subject)
    await arrives(tmp_path, source, urls, program)


async def ends_with_an_error(folder: Path, program: str, error: str) -> None:
    """Run a program: it does not believe that a message which nothing took has been sent."""
    (folder / "casino.json").write_text(EVENT, encoding="utf-8")
    running = await run(folder, program)
    with pytest.raises(AssertionError, match=error):
        await running.output()


async def test_a_missing_queue_is_an_error(tmp_path: Path, rabbitmq_url: str) -> None:
    """`mandatory` brings the message back."""
    program = with_values(snippet(PAGE, "RabbitMQ"), URL=rabbitmq_url, QUEUE="no-such-queue")
    await ends_with_an_error(tmp_path, program, r"DeliveryError|PublishError")


async def test_a_missing_topic_is_an_error(tmp_path: Path, kafka_address: str) -> None:
    """The program looks for it, because many brokers would create it."""
    program = with_values(snippet(PAGE, "Kafka"), SERVERS=kafka_address, TOPIC="no-such-topic")
    await ends_with_an_error(tmp_path, program, "there is no topic no-such-topic")


async def test_a_missing_stream_is_an_error(tmp_path: Path, nats_url: str) -> None:
    """Nothing answers."""
    program = with_values(snippet(PAGE, "NATS"), URL=nats_url, SUBJECT="no.such.stream")
    await ends_with_an_error(tmp_path, program, "NoStreamResponseError|no response from stream")


@pytest.mark.parametrize("strict", [(), ("--strict",)], ids=["lenient", "strict"])
def test_the_event_is_good(tmp_path: Path, strict: tuple[str, ...]) -> None:
    """`consumer validate casino.json` of the page's own event, without a warning."""
    file = tmp_path / "casino.json"
    file.write_text(EVENT, encoding="utf-8")
    result = CliRunner().invoke(cli, ["validate", str(file), *strict])
    assert result.stdout == "1 event: 1 good\n"
