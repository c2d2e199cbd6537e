"""Dead letters near the server's limits. A letter that the server refuses would hold its lane."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import msgspec
import pytest
from nats.js.api import ObjectMeta, ObjectMetaOptions

from consumer.dead_letters.plan import dead_letter_plan
from consumer.dead_letters.record import (
    ERROR_MAX_CHARACTERS,
    HEADERS_MAX_BYTES,
    Letter,
    from_message,
    to_message,
)
from consumer.dead_letters.stream import DeadLetters, DeadLetterSettings, open_bodies
from consumer.errors import Reason, Rejected, SinkUnavailable
from consumer.nats.connection import connected
from consumer.operations.health import Health
from consumer.operations.metrics import Metrics
from consumer.parts.patience import Patience
from consumer.pipeline.books import LaneBooks
from consumer.sinks.base import SinkSettings
from consumer.sinks.jetstream import JetStreamSink
from consumer.tools.replay.read import LetterReader, NoSuchBodyError
from tests.brokers.nats import Nats

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

SETTINGS = DeadLetterSettings()
MAX_PAYLOAD_BYTES = 64 * 1024
STORE_BYTES = 1_000_000
CHUNKS = ObjectMetaOptions(max_chunk_size=20_000)
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
        letter = letter.again(Rejected(Reason.INVALID, LONG), "2026-11-26T00:00:00Z", 2**60)
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


async def test_full_object_store_forgets_its_oldest_bodies(sink: JetStreamSink) -> None:
    """It refuses no body, which would hold a lane. A body that is gone in part counts as gone."""
    settings = DeadLetterSettings(stream="DEAD_FULL", max_bytes=STORE_BYTES)
    jetstream = sink.client.jetstream()
    objects = await open_bodies(jetstream, settings)
    reader = LetterReader(sink.client, settings)
    for count in range(1, 31):
        body = b"%03d" % count * 20_000
        await objects.put(f"body-{count}", body, meta=ObjectMeta(options=CHUNKS))
        whole = [await is_whole(reader, f"body-{number}") for number in range(1, count + 1)]
        kept = whole[whole.index(True) :]
        assert all(kept)
        assert len(kept) >= min(count, 14)
    state = (await jetstream.stream_info(f"OBJ_{settings.bodies_bucket}")).state
    assert state.bytes <= STORE_BYTES
    await jetstream.delete_object_store(settings.bodies_bucket)


async def test_body_without_pieces_is_gone(sink: JetStreamSink) -> None:
    """A full object store may just have deleted the last piece, and not yet what describes it."""
    jetstream = sink.client.jetstream()
    objects = await open_bodies(jetstream, SETTINGS)
    await objects.put("body", b"x")
    bucket = SETTINGS.bodies_bucket
    await jetstream.purge_stream(f"OBJ_{bucket}", subject=f"$O.{bucket}.C.>")
    assert not await is_whole(LetterReader(sink.client, SETTINGS), "body")


async def is_whole(reader: LetterReader, name: str) -> bool:
    """Tell whether a body is in the object store."""
    letter = msgspec.structs.replace(largest_letter(b""), body_object=name)
    try:
        async with asyncio.timeout(5):
            await reader.write_body(letter, io.BytesIO())
    except NoSuchBodyError:
        return False
    return True


def test_no_sender_can_make_larger_headers() -> None:
    """The daemon refuses a server that takes only smaller messages."""
    letter = largest_letter(b"")
    assert to_message(letter, "dead", letter.message_id).size_bytes < HEADERS_MAX_BYTES


async def test_server_that_cannot_take_the_headers_is_refused(tmp_path: Path) -> None:
    """Before the first letter, which would hold its lane for ever."""
    with Nats(tmp_path, max_payload_bytes=HEADERS_MAX_BYTES - 1) as server:
        place = SinkSettings(url=server.address)
        sink = JetStreamSink(
            place, dead_letter_plan(SETTINGS, place), name="test", publish_timeout_s=2.0
        )
        with pytest.raises(SinkUnavailable, match="max_payload of the server is 49151: raise it"):
            await sink.open()
        await sink.close()


async def test_stream_that_cannot_take_the_headers_is_refused(server: Nats) -> None:
    """Also if the server itself could."""
    place = SinkSettings(url=server.address)
    plan = dead_letter_plan(SETTINGS, place)
    sink = JetStreamSink(place, plan, name="test", publish_timeout_s=2.0)
    await sink.open()
    jetstream = sink.client.jetstream()
    config = (await jetstream.stream_info(SETTINGS.stream)).config
    await jetstream.update_stream(config.evolve(max_msg_size=HEADERS_MAX_BYTES - 1))
    await sink.close()
    with pytest.raises(SinkUnavailable, match="max_msg_size is 49151, must be at least 49152"):
        await sink.open()
    await sink.close()
    async with connected(place, name="test") as client:
        await client.jetstream().delete_stream(SETTINGS.stream)
