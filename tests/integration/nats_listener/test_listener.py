"""Types, the durable consumer, rights, keeping, hostile messages, bounds."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import nats
import pytest

from consumer.errors import Unavailable
from consumer.nats import pull as nats_pull
from consumer.nats.connection import NatsSettings, close, connect
from consumer.options.values import TlsSettings
from tests.brokers.nats import Nats
from tests.support.eventually import eventually
from tests.support.source_nats import NatsSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nats.aio.client import Client
    from nats.js.client import JetStreamContext

from tests.support.listening import acknowledge, loss, opened, receive, refusal
from tests.support.nats_listening import (
    MEGABYTE,
    PATIENT,
    RIGHTS,
    core_listener,
    ignore,
    send_raw,
    with_headers,
)


@pytest.mark.parametrize("name", ["type", "Type", "TYPE"])
async def test_type_header_is_found_in_any_case(source: NatsSource, name: str) -> None:
    """As senders in other languages write it."""
    await source.send(b"{}", None, headers={"x-type": "GAME", name: "casino"})
    async with opened(source.listener()) as listener:
        (delivery,) = await receive(listener, 1)
        assert delivery.message_type == "casino"


@pytest.mark.parametrize("name", ["content-encoding", "Content-Encoding", "CONTENT-ENCODING"])
async def test_encoding_header_is_found_in_any_case(source: NatsSource, name: str) -> None:
    """Without it the body would be no JSON."""
    await source.send(b"{}", headers={name: "gzip"})
    async with opened(source.listener()) as listener:
        (delivery,) = await receive(listener, 1)
        assert delivery.content_encoding == "gzip"


async def test_type_can_be_the_last_token_of_the_subject(source: NatsSource) -> None:
    """A header is then a sender's own affair."""
    await source.send(b"{}", "CASINO")
    async with opened(source.listener(type_from="subject")) as listener:
        (delivery,) = await receive(listener, 1)
        assert delivery.message_type == source.subject.rpartition(".")[2]


async def test_missing_consumer_is_made_fit(
    source: NatsSource, jetstream: JetStreamContext
) -> None:
    """And it begins with what is in the stream already."""
    await source.send(b"before")
    async with opened(source.listener(durable="mine", max_batch_count=7000)) as listener:
        assert [d.body for d in await receive(listener, 1)] == [b"before"]
        config = (await jetstream.consumer_info(source.stream, "mine")).config
        assert (config.max_deliver, config.ack_policy) == (-1, "explicit")
        assert (config.max_ack_pending, config.filter_subject) == (14_000, source.subject)


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"max_deliver": 3}, "MaxDeliver is 3"),
        ({"ack_policy": "all"}, "must be explicit"),
        ({"deliver_subject": "somewhere"}, "push consumer"),
        ({"headers_only": True}, "headers without bodies"),
        ({"filter_subject": "other"}, "it takes other"),
    ],
)
async def test_unfit_consumer_is_refused(
    source: NatsSource, jetstream: JetStreamContext, options: dict[str, Any], advice: str
) -> None:
    """With what is wrong; and it is not changed behind its owner's back."""
    wanted = {"ack_policy": "explicit", "filter_subject": source.subject, **options}
    await jetstream.update_stream(name=source.stream, subjects=[source.subject, "other"])
    await jetstream.add_consumer(source.stream, durable_name="consumer", **wanted)
    error = await refusal(source.listener())
    assert error.reason == "refused"
    assert advice in str(error)


async def test_consumer_of_another_maker_sets_the_pace(
    source: NatsSource, jetstream: JetStreamContext
) -> None:
    """Its own wait counts, not the option, which is for new ones."""
    await jetstream.add_consumer(
        source.stream, durable_name="consumer", filter_subject=source.subject, ack_wait=6
    )
    async with opened(source.listener()) as listener:
        assert listener.keep_every_s == 2


async def test_missing_stream_is_named(source: NatsSource) -> None:
    """And it is refused, not waited for in silence."""
    error = await refusal(source.listener(stream="NOWHERE"))
    assert error.reason == "refused"
    assert "stream NOWHERE does not exist" in str(error)


async def test_flush_is_behind_what_was_published() -> None:
    """So that its answer proves something: nats-py's own PING overtakes."""
    lines: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"max_payload": 1000}\r\n')
        while line := await reader.readline():
            lines.append(line)
            writer.write(b"PONG\r\n" if line == b"PING\r\n" else b"")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        settings = NatsSettings(url=f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        client = await connect(settings, name="", on_lost=ignore, on_error=ignore)
        await client.publish("subject", b"x")
        await client.flush()
        await close(client)
    assert lines[-2:] == [b"x\r\n", b"PING\r\n"]


class TestRights:
    """A server whose users may not do everything."""

    @pytest.fixture
    def denied(self, request: pytest.FixtureRequest) -> str:
        """Return the subject that the user may not publish to."""
        return str(getattr(request, "param", "nothing"))

    @pytest.fixture
    def server(self, tmp_path: Path, denied: str) -> Iterator[Nats]:
        """Start one."""
        with Nats(tmp_path, extra=RIGHTS % f'"{denied}"') as server:
            yield server

    @pytest.mark.parametrize(
        "denied",
        ["$JS.API.CONSUMER.INFO.>", "$JS.API.CONSUMER.CREATE.>", "$JS.API.CONSUMER.MSG.NEXT.>"],
        indirect=True,
    )
    async def test_missing_right_is_named(self, server: Nats, denied: str) -> None:
        """At once, with the subject to allow in the server's own spelling."""
        admin = await nats.connect(server.address, user="admin", password="admin")
        await admin.jetstream().add_stream(name="IN", subjects=["in.>"])
        await admin.close()
        started_s = time.monotonic()
        options = {"stream": "IN", "user": "app", "password": "app"}
        error = await refusal(core_listener(server.address, "in.>", **options))
        assert error.reason == "refused"
        assert f"publish to {denied[:-1]}IN.consumer" in str(error)
        assert time.monotonic() - started_s < 3

    @pytest.mark.parametrize("denied", ["$JS.ACK.>"], indirect=True)
    async def test_missing_right_to_acknowledge_is_named(self, server: Nats) -> None:
        """It shows with the first acknowledgement."""
        source = NatsSource(server.address.replace("//", "//admin:admin@"))
        await source.open()
        await source.send(b"{}")
        listener = source.listener(url=server.address, user="app", password="app")
        async with opened(listener):
            await acknowledge(listener, await receive(listener, 1))
            error = await loss(listener)
        await source.close()
        assert f"publish to $JS.ACK.{source.stream}.consumer.>" in str(error)

    async def test_missing_right_to_subscribe_is_named(self, server: Nats) -> None:
        """Of a core subscription."""
        listener = core_listener(server.address, "core.In", user="deaf", password="deaf")
        error = await refusal(listener)
        assert "allow this NATS user to subscribe to core.In" in str(error)

    async def test_wrong_password_is_refused(self, server: Nats) -> None:
        """And says which options to check."""
        error = await refusal(core_listener(server.address, "in", user="app", password="wrong"))
        assert error.reason == "refused"
        assert "login refused" in str(error)


async def pass_time(seconds: float) -> None:
    """Let time pass, where time is what the test is about."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()


async def test_keeping_holds_off_redelivery(source: NatsSource) -> None:
    """For longer than the consumer waits; also what was not taken yet."""
    await source.send(b"held")
    await source.send(b"buffered")
    async with opened(source.listener(ack_wait_s=1)) as listener:
        held = await receive(listener, 1)
        until_s = time.monotonic() + 2.5
        while time.monotonic() < until_s:
            await listener.keep(held)
            await pass_time(0.3)  # the pace of keeping
        after = await listener.receive(10, MEGABYTE, 0.5)
        assert [(d.body, d.redelivered) for d in after] == [(b"buffered", False)]


async def test_what_is_not_kept_comes_again(source: NatsSource) -> None:
    """The counterpart: the test above would otherwise prove nothing."""
    await source.send(b"again")
    async with opened(source.listener(ack_wait_s=0.5)) as listener:
        first, second = await receive(listener, 2)
        assert (first.redelivered, second.redelivered) == (False, True)


async def test_deleted_consumer_ends_the_listener(
    source: NatsSource, jetstream: JetStreamContext
) -> None:
    """And what it held can still be settled without an error, because the connection lives."""
    await source.send(b"{}")
    async with opened(source.listener()) as listener:
        taken = await receive(listener, 1)
        await jetstream.delete_consumer(source.stream, "consumer")
        assert "Consumer Deleted" in str(await loss(listener))
        await acknowledge(listener, taken)


@pytest.mark.parametrize(
    "hostile",
    [
        b"PUB %s\xff\xfe 2\r\n{}\r\n",
        with_headers(b"NATS/1.0"),
        with_headers(b"NATS/1.0\r\n\r\n"),
        with_headers(b"NATS/1.0 \xff\xfe\xff\r\n\r\n"),
        with_headers(b"NATS/1.0 409 Consumer Deleted\r\n\r\n"),
        with_headers(b"NATS/1.0\r\n\xff\xfe: \x00\xff\x00\r\n\r\n"),
        with_headers(b"NATS/1.0\r\ntype: A\rB\nC\r\nno colon\r\n\r\n"),
    ],
)
async def test_hostile_message_stops_nothing(
    source: NatsSource, jetstream: JetStreamContext, nats_url: str, hostile: bytes
) -> None:
    """Bytes that make nats-py's own reading end: they arrive, and so does the next."""
    prefix = source.subject.removesuffix("in")
    await jetstream.update_stream(name=source.stream, subjects=[f"{prefix}>"])
    await send_raw(nats_url, hostile % prefix.encode())
    await source.send(b"next")
    async with opened(source.listener(subject=f"{prefix}>")) as listener:
        found = await receive(listener, 2)
        assert [d.body for d in found] == [b"{}", b"next"]
        assert all(listener.origin(d).coordinates["stream"] == source.stream for d in found)


async def test_origin_tells_where_the_message_is(source: NatsSource) -> None:
    """In the words of the `nats` tool; the count of deliveries included."""
    await source.send(b"1")
    await source.send(b"2", headers={"Nats-Msg-Id": "seven"})
    async with opened(source.listener(**PATIENT)) as listener:
        await receive(listener, 2)
    async with opened(source.listener(**PATIENT)) as listener:
        again = (await receive(listener, 2))[1]
    origin = listener.origin(again)
    place = {"stream": source.stream, "consumer": "consumer", "sequence": "2", "delivered": "2"}
    assert origin.coordinates == {"subject": source.subject, **place}
    assert origin.headers == {"type": "CASINO", "Nats-Msg-Id": "seven"}


async def test_ten_thousand_arrive_in_order_and_none_remain(
    source: NatsSource, client: Client
) -> None:
    """The fast path under load: many requests, acknowledged in batches."""
    bodies = [b"%d" % number for number in range(10_000)]
    jetstream = client.jetstream()
    for body in bodies:
        await jetstream.publish_async(source.subject, body)
    await jetstream.publish_async_completed()
    async with opened(source.listener(**PATIENT)) as listener:
        for start in range(0, len(bodies), 500):
            found = await receive(listener, 500)
            assert [d.body for d in found] == bodies[start : start + 500]
            await acknowledge(listener, found)
    await eventually(source.remaining_is(0), what="an empty source")


@pytest.mark.parametrize("in_headers", [False, True])
async def test_no_more_is_held_than_allowed(
    source: NatsSource, jetstream: JetStreamContext, *, in_headers: bool
) -> None:
    """Whether it is bodies or headers that are large; and all of them arrive."""
    large = "x" * 10_000
    for _ in range(30):
        await source.send(
            b"" if in_headers else large.encode(), headers={"x": large[: in_headers * 10_000]}
        )
    async with opened(source.listener(max_buffered_bytes=50_000, **PATIENT)) as listener:
        most_held = 0
        for taken_count in range(30):
            await receive(listener, 1)
            await listener.backlog()  # everything that the server had sent before is here
            info = await jetstream.consumer_info(source.stream, "consumer")
            most_held = max(most_held, (info.num_ack_pending or 0) - taken_count - 1)
        assert 0 < most_held <= 5


async def test_message_larger_than_the_buffer_passes(source: NatsSource) -> None:
    """Alone, and so does what stands behind it."""
    for size in (10, 500_000, 10, 700_000, 600_000, 10):
        await source.send(b"x" * size)
    async with opened(source.listener(max_buffered_bytes=50_000, **PATIENT)) as listener:
        found = await receive(listener, 6)
        assert [len(d.body) for d in found] == [10, 500_000, 10, 700_000, 600_000, 10]


async def test_close_gives_back_what_was_not_taken(source: NatsSource) -> None:
    """At once: the next listener does not wait for time to pass.

    On a busy server, what was never sent may come before what is given back: it takes them from
    two queues.
    """
    sent = [str(number).encode() for number in range(100)]
    for body in sent:
        await source.send(body)
    first = source.listener(**PATIENT)
    await first.open()
    await receive(first, 1)
    await first.close()
    async with opened(source.listener(**PATIENT)) as listener:
        started_s = time.monotonic()
        assert {d.body for d in await receive(listener, 100)} == set(sent)
        assert time.monotonic() - started_s < 5


async def test_request_is_repeated_when_it_expires(
    source: NatsSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quiet source is no lost one."""
    monkeypatch.setattr(nats_pull, "EXPIRES_S", 1)
    monkeypatch.setattr(nats_pull, "NS_PER_S", 500_000_000)
    monkeypatch.setattr(nats_pull, "HEARTBEAT_S", 0)
    async with opened(source.listener()) as listener:
        assert await listener.receive(1, MEGABYTE, 1.2) == []
        await source.send(b"late")
        assert [d.body for d in await receive(listener, 1)] == [b"late"]


@pytest.mark.parametrize("settings", [{"scheme": "tls"}, {"tls": TlsSettings()}])
async def test_login_is_never_sent_in_the_clear_where_tls_is_asked_for(
    nats_url: str, settings: dict[str, Any]
) -> None:
    """A server that offers no TLS gets no password, whatever the reason."""
    options = dict(settings)  # a copy: each event loop gets the same parameter
    scheme = options.pop("scheme", "nats")
    url = nats_url.replace("nats://", f"{scheme}://some:password@")
    with pytest.raises(Unavailable, match="does not offer TLS"):
        await connect(NatsSettings(url=url, **options), name="x", on_lost=ignore, on_error=ignore)
