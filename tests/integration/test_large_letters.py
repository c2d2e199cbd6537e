"""Dead letters near the server's limits. A letter that the server refuses would hold its lane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.dead_letters.plan import dead_letter_plan
from consumer.dead_letters.record import ERROR_MAX_CHARACTERS, Letter, from_message
from consumer.dead_letters.stream import DeadLetters, DeadLetterSettings
from consumer.errors import Reason, Rejected
from consumer.operations.health import Health
from consumer.operations.metrics import Metrics
from consumer.parts.patience import Patience
from consumer.pipeline.books import LaneBooks
from consumer.sinks.base import SinkSettings
from consumer.sinks.jetstream import JetStreamSink
from tests.brokers.nats import Nats

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SETTINGS = DeadLetterSettings()
MAX_PAYLOAD_BYTES = 64 * 1024
LONG = "\N{GAME DIE}" * 5000
"""Each character takes twelve bytes in a header."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """Start a server that takes messages up to `MAX_PAYLOAD_BYTES`."""
    with Nats(tmp_path_factory.mktemp("nats"), max_payload_bytes=MAX_PAYLOAD_BYTES) as server:
        yield server


@pytest.fixture
async def sink(server: Nats) -> AsyncIterator[JetStreamSink]:
    """Open the sink of an empty stream of letters."""
    place = SinkSettings(url=server.address)
    plan = dead_letter_plan(SETTINGS, place)
    sink = JetStreamSink(place, plan, name="test", publish_timeout_s=2.0)
    await sink.open()
    yield sink
    await sink.client.jetstream().delete_stream(SETTINGS.stream)
    await sink.close()


def largest_letter(body: bytes) -> Letter:
    """Return a letter with every header as large as a sender can make it, after six attempts."""
    letter = Letter(
        reason=Reason.INVALID,
        error=LONG,
        listener="main",
        brand="brand",
        message_type=LONG,
        content_encoding=LONG,
        coordinates={"exchange": LONG, "routing_key": LONG, "queue": LONG},
        headers={f"{number}{LONG}": LONG for number in range(50)},
        arrived="2026-11-26T00:00:00Z",
        body=body,
    )
    for _ in range(6):
        letter = letter.again(Rejected(Reason.INVALID, LONG), "2026-11-26T00:00:00Z")
    return letter


@pytest.mark.parametrize("body_bytes", range(0, MAX_PAYLOAD_BYTES + 1, 2048))
async def test_largest_letter_is_stored_with_a_body_of_any_size(
    sink: JetStreamSink, body_bytes: int
) -> None:
    """In the letter, or in the object store."""
    patience = Patience("lane", Health(), LaneBooks(Metrics(), "lane").retried)
    letters = DeadLetters(sink, SETTINGS, sink.client.jetstream)
    await letters.store([largest_letter(b"x" * body_bytes)], patience)
    jetstream = sink.client.jetstream()
    stored = await jetstream.get_last_msg(SETTINGS.stream, "dead.main.invalid")
    found = from_message(stored.headers or {}, stored.data or b"")
    body = found.body
    if found.body_object:
        assert found.body_bytes == body_bytes
        objects = await jetstream.object_store(SETTINGS.bodies_bucket)
        body = (await objects.get(found.body_object)).data or b""
    assert body == b"x" * body_bytes
    assert found.error == LONG[:ERROR_MAX_CHARACTERS]
