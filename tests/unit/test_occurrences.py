"""Names the message of a delivery: the same at every delivery, another for every other message."""

from __future__ import annotations

import json

import pytest
from pamqp import commands, header

from consumer.listeners.nats.message import stored_place
from consumer.listeners.rabbitmq.frames import read_message_id
from tests.support.memory_sink import MemoryPipeline

SHORT = "$JS.ACK.INBOUND.consumer.{delivered}.{sequence}.9.1700000000000000001.{pending}"
LONG = (
    "$JS.ACK.hub.acchash.INBOUND.consumer.{delivered}.{sequence}.9.1700000000000000001.{pending}.r"
)


@pytest.mark.parametrize("form", [SHORT, LONG], ids=["short", "with domain"])
def test_message_of_a_stream_is_the_same_at_every_delivery(form: str) -> None:
    """The count of deliveries and of what waits changes; its place and its time do not."""
    first = stored_place(form.format(delivered=1, sequence=7, pending=3))
    again = stored_place(form.format(delivered=2, sequence=7, pending=0))
    other = stored_place(form.format(delivered=1, sequence=8, pending=0))
    assert first == again == "INBOUND 7 1700000000000000001"
    assert other != first


def test_message_of_core_nats_has_no_place() -> None:
    """Nothing is delivered twice there."""
    assert stored_place("_INBOX.abc") == ""


@pytest.mark.parametrize("message_id", ["m-1", "", None])
@pytest.mark.parametrize("others", [True, False])
def test_message_id_of_rabbitmq_is_found(message_id: str | None, *, others: bool) -> None:
    """Whatever other properties stand before and behind it."""
    properties = commands.Basic.Properties(message_id=message_id)
    if others:
        properties = commands.Basic.Properties(
            content_type="application/json",
            content_encoding="gzip",
            headers={"a": "b", "c": {"d": 1}},
            delivery_mode=2,
            priority=3,
            correlation_id="x",
            reply_to="y",
            expiration="100",
            message_id=message_id,
            message_type="GAME",
        )
    raw = header.ContentHeader(0, 2, properties).marshal()
    assert read_message_id(raw) == (message_id or "")


def test_header_that_ends_too_early_has_no_message_id() -> None:
    """A hostile sender costs nothing."""
    assert read_message_id(b"\0" * 12 + b"\xff\xfe") == ""


async def test_game_that_is_switched_off_on_and_off_is_three_events() -> None:
    """With the same body for the first and the third, in one batch."""
    pipeline = MemoryPipeline()
    await pipeline.open()
    for is_live in (False, True, False):
        body = json.dumps({"game_id": "g", "is_live": is_live}).encode()
        await pipeline.source.send(body, "GAME")
    await pipeline.drain()
    stored = [json.loads(message.body)["data"]["is_live"] for message in pipeline.sink.stored]
    assert stored == [False, True, False]
