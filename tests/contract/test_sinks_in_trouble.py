"""What the network, the server and other subscribers may do to a sink on NATS."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from consumer.dead_letters.record import first_letters
from consumer.dead_letters.stream import DeadLetters, DeadLetterSettings
from consumer.deliveries.origin import Origin
from consumer.errors import Reason, Rejected, SinkUnavailable
from consumer.nats.connection import NatsSettings
from consumer.nats.stream import FitStream, StreamPlan
from consumer.operations.health import Health
from consumer.operations.metrics import Metrics
from consumer.parts.keep_open import KeptOpen
from consumer.parts.patience import Patience
from consumer.pipeline.books import LaneBooks
from consumer.sinks import jetstream as jetstream_sink
from consumer.sinks.jetstream import JetStreamSink
from tests.contract.sink_suite import elsewhere
from tests.support.eventually import eventually
from tests.support.fates import sent

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from tests.support.sink_places import JetStreamPlace

BIG = b"x" * 100_000


async def _fill(place: JetStreamPlace, sink: JetStreamSink) -> None:
    """Publish to a frozen server until bytes wait inside nats-py, behind the socket's buffers."""
    while sink.client.pending_data_size < len(BIG):
        await sink.publish([place.message(BIG) for _ in range(100)])


async def test_connection_that_ends_with_bytes_waiting_is_noticed(
    jetstream: JetStreamPlace,
) -> None:
    """Frozen under load, then reset: `wait_lost` has to return, or nobody opens the sink again."""
    sink = jetstream.sink()
    await sink.open()
    jetstream.proxy.freeze()
    await _fill(jetstream, sink)
    jetstream.proxy.cut()
    jetstream.proxy.thaw()
    try:
        async with asyncio.timeout(10):
            await sink.wait_lost()
    finally:
        await sink.close()


async def test_server_that_stays_frozen_under_load_is_given_up(jetstream: JetStreamPlace) -> None:
    """After two missed pings, 15 s; another server of the cluster may be well."""
    sink = jetstream.sink()
    await sink.open()
    jetstream.proxy.freeze()
    await _fill(jetstream, sink)
    try:
        async with asyncio.timeout(25):
            await sink.wait_lost()
    finally:
        jetstream.proxy.cut()
        await sink.close()


async def test_handshake_that_is_cut_off_does_not_hang_the_opening() -> None:
    """Seen with any server that wants TLS and closes during the handshake."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"max_payload":1048576,"tls_required":true}\r\n')
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = NatsSettings(url=f"nats://127.0.0.1:{port}", connect_timeout_s=1.0)
    plan = StreamPlan(name="X", subjects=("x",), create=True, max_age_s=1, duplicate_window_s=1)
    sink = JetStreamSink(connection, plan, name="test", publish_timeout_s=1)
    with pytest.raises(SinkUnavailable):
        async with asyncio.timeout(10):
            await sink.open()
    server.close()


async def test_answer_of_a_subscriber_is_no_confirmation(
    jetstream: JetStreamPlace, client: Client
) -> None:
    """Many frameworks answer whatever has a reply subject; here no stream stores the message."""

    async def answer(msg: Msg) -> None:
        await msg.respond(b'{"response":"ok","isDisposed":true}')

    await client.subscribe("nowhere.*", cb=answer)
    await client.flush()
    sink = jetstream.sink()
    await sink.open()
    (receipt,) = await sink.publish([elsewhere(jetstream.message())])
    await sink.close()
    assert isinstance(receipt, SinkUnavailable)


async def test_confirmation_of_another_stream_is_none(
    jetstream: JetStreamPlace, client: Client
) -> None:
    """Its window and its retention were never checked."""
    other = f"OTHER_{jetstream.prefix}"
    sink = jetstream.sink()
    await sink.open()
    config = await jetstream.config()
    await client.jetstream().update_stream(config.evolve(subjects=[f"{jetstream.prefix}.none"]))
    await client.jetstream().add_stream(name=other, subjects=[f"{jetstream.prefix}.bet"])
    (receipt,) = await sink.publish([jetstream.message()])
    await sink.close()
    await client.jetstream().delete_stream(other)
    assert isinstance(receipt, SinkUnavailable)


async def test_connection_that_ends_while_opening_does_not_end_the_daemon(
    jetstream: JetStreamPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server answers about the stream and goes, before the inbox is subscribed."""
    prepare_stream = jetstream_sink.prepare_stream  # type: ignore[attr-defined]  # where the sink looks

    async def prepare_and_lose(client: Client, plan: StreamPlan) -> FitStream:
        stream = await prepare_stream(client, plan)
        monkeypatch.undo()
        await client.close()
        return stream

    monkeypatch.setattr(jetstream_sink, "prepare_stream", prepare_and_lose)
    sink, health = jetstream.sink(), Health()
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(KeptOpen("sink", sink, health).run())
        await eventually(lambda: sink.max_message_bytes, what="an open sink")
        keeping.cancel()
    await sink.close()


async def test_large_letter_is_stored_on_a_server_with_small_messages(
    jetstream: JetStreamPlace, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`max_payload: 64KB`: nats-py's object store writes chunks of 128 KiB, again and again."""
    sink = jetstream.sink()
    await sink.open()
    monkeypatch.setattr(sink.client, "_max_payload", 65_536)
    monkeypatch.setattr(sink, "_max_message_bytes", 65_536)
    metrics = Metrics()
    patience = Patience("lane", Health(), LaneBooks(metrics, "lane").retried)
    settings = DeadLetterSettings(
        stream=f"TEST_{jetstream.prefix}", subject_prefix=jetstream.prefix
    )
    letters = DeadLetters(sink, settings, sink.client.jetstream)
    delivery = sent(b"{" * 200_000, "CASINO")
    rejected = Rejected(Reason.MALFORMED, "x")
    letter = first_letters("lane")(delivery, rejected, Origin({}, {}), 0.0)
    try:
        async with asyncio.timeout(5):
            await letters._put(letter.body_id, letter.body, patience)  # noqa: SLF001  # the step that is stuck
    finally:
        await sink.close()
        await client.jetstream().delete_object_store(f"TEST_{jetstream.prefix}_BODIES")
