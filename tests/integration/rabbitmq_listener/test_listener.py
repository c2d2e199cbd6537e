"""Tests what only RabbitMQ does. The contract suite tests what every listener does."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from aio_pika.connection import make_url
from pamqp.commands import Basic

from consumer.errors import ListenerUnavailable
from consumer.listeners.rabbitmq.frames import KeptFrames, token_of
from tests.support.fates import sent
from tests.support.listening import acknowledge, loss, opened, receive, refusal
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.source_rabbitmq import RabbitmqSource


DEADLINE_S = 20


async def test_the_type_comes_from_the_property_only(source: RabbitmqSource) -> None:
    """A header that is named type belongs to the sender, and means nothing here."""
    await source.send(b"", None, headers={"type": "GAME"})
    await source.send(b"", "CASINO", headers={"type": "GAME"})
    async with opened(source.listener()) as listener:
        found = await receive(listener, 2)
        assert [d.message_type for d in found] == [None, "CASINO"]


async def test_five_megabytes_arrive_whole(source: RabbitmqSource) -> None:
    """Each body comes in many frames, and is larger than what may be held."""
    body = os.urandom(5_000_000)
    await source.send(body)
    await source.send(body[::-1])
    async with opened(source.listener(max_buffered_bytes=1000)) as listener:
        found = await receive(listener, 2)
        assert [d.body for d in found] == [body, body[::-1]]
        await acknowledge(listener, found)
    assert await source.remaining() == 0


async def test_ten_thousand_arrive_in_order_and_none_remain(source: RabbitmqSource) -> None:
    """There are more messages than the prefetch allows, so they are acknowledged meanwhile."""
    bodies = [b"%d" % number for number in range(10_000)]
    for start in range(0, len(bodies), 1000):
        async with asyncio.TaskGroup() as group:
            for body in bodies[start : start + 1000]:
                group.create_task(source.send(body))
    async with opened(source.listener(prefetch_count=700)) as listener:
        for start in range(0, len(bodies), 500):
            found = await receive(listener, 500)
            assert [d.body for d in found] == bodies[start : start + 500]
            await acknowledge(listener, found)
    assert await source.remaining() == 0


async def test_only_what_was_settled_is_gone(source: RabbitmqSource) -> None:
    """What is settled above a gap is gone, and the broker gets back what is in the gap."""
    for number in range(10):
        await source.send(b"%d" % number)
    async with opened(source.listener()) as listener:
        found = await receive(listener, 10)
        await acknowledge(listener, found[5:8])
        await acknowledge(listener, found[0:2])
    assert await source.remaining() == 5
    async with opened(source.listener()) as listener:
        again = await receive(listener, 5)
        assert [(d.body, d.redelivered) for d in again] == [
            (b"%d" % number, True) for number in (2, 3, 4, 8, 9)
        ]


async def test_a_deleted_queue_ends_the_listener(source: RabbitmqSource) -> None:
    """RabbitMQ cancels the consumer and leaves the connection open, and aio-pika is silent then."""
    async with opened(source.listener()) as listener:
        await source.channel.queue_delete(source.queue)
        error = await loss(listener)
        assert error.reason == "refused"
        assert "deleted" in str(error)
        with pytest.raises(ListenerUnavailable):
            await listener.backlog()


async def test_a_channel_closed_by_the_broker_ends_the_listener(source: RabbitmqSource) -> None:
    """An unknown tag is the quickest way to make the broker close a channel."""
    await source.send(b"")
    async with opened(source.listener()) as listener:
        await receive(listener, 1)
        await listener.settle([sent(token=KeptFrames(99, b"", b""))])
        assert "unknown delivery tag" in str(await loss(listener))


@pytest.fixture
async def proxy(source: RabbitmqSource) -> AsyncIterator[Proxy]:
    """Return a proxy before the broker of the source."""
    url = make_url(source.url)
    async with Proxy(url.host or "", url.port or 5672) as proxy:
        yield proxy


def through(proxy: Proxy, source: RabbitmqSource) -> str:
    """Return the broker's URL through the proxy."""
    return str(make_url(source.url).with_port(proxy.port))


async def test_a_cut_connection_ends_the_listener_at_once(
    source: RabbitmqSource, proxy: Proxy
) -> None:
    """The broker delivers again what was not settled."""
    await source.send(b"held")
    async with opened(source.listener(url=through(proxy, source))) as listener:
        held = await receive(listener, 1)
        proxy.cut()
        async with asyncio.timeout(2):
            assert (await loss(listener)).reason == "lost"
        with pytest.raises(ListenerUnavailable):
            await listener.settle(held)
    async with opened(source.listener()) as listener:
        assert (await receive(listener, 1))[0].redelivered


async def test_a_frozen_broker_is_noticed_and_left(source: RabbitmqSource, proxy: Proxy) -> None:
    """The broker answers neither a question nor a close. Each ends within 5 s all the same."""
    async with opened(source.listener(url=through(proxy, source))) as listener:
        proxy.freeze()
        async with asyncio.timeout(5):
            with pytest.raises(ListenerUnavailable):
                await listener.backlog()
        async with asyncio.timeout(5):
            await listener.close()


async def test_a_wrong_password_says_so(source: RabbitmqSource) -> None:
    """The text does not contain the password."""
    error = await refusal(source.listener(password="wrong-one"))
    assert error.reason == "refused"
    assert "check user and password" in str(error)
    assert "wrong-one" not in str(error)


async def test_a_missing_vhost_says_so(source: RabbitmqSource) -> None:
    """The text is what the broker said. aiormq only says that it expected another frame."""
    url = str(make_url(source.url).with_path("/nowhere"))
    error = await refusal(source.listener(url=url))
    assert error.reason == "refused"
    assert "vhost nowhere not found" in str(error)


async def test_a_missing_queue_says_so(source: RabbitmqSource) -> None:
    """The text names both ways out."""
    error = await refusal(source.listener(queue="nowhere"))
    assert error.reason == "refused"
    assert "create it or set declare = true" in str(error)


async def test_nobody_listening_says_so(source: RabbitmqSource) -> None:
    """This is not a refusal: the broker may come back."""
    error = await refusal(source.listener(url="amqp://127.0.0.1:1/"))
    assert error.reason == "lost"
    assert "is RabbitMQ running" in str(error)


@pytest.mark.parametrize(
    "settings",
    [{"queue": "q" * 300}, {"url": "amqp://a..b/"}, {"url": f"amqp://{'a' * 300}/"}],
    ids=["long queue", "empty label", "long label"],
)
async def test_impossible_names_are_a_refusal(
    source: RabbitmqSource, settings: dict[str, str]
) -> None:
    """The libraries raise a ValueError for them; as a bug it would end all listeners."""
    error = await refusal(source.listener(**settings))
    assert error.reason == "refused"
    assert "check the queue, and the URL's host and vhost" in str(error)


async def test_tls_towards_a_plain_port_says_so(source: RabbitmqSource) -> None:
    """TLS is on because the table is there."""
    error = await refusal(source.listener(tls={}))
    assert "TLS failed" in str(error)


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
async def test_declare_creates_a_missing_queue(source: RabbitmqSource, queue_type: str) -> None:
    """It is durable and has the type that was asked for. The second time it is taken as it is."""
    queue = f"test.{uuid4().hex}"
    for declared_type in (queue_type, "classic"):
        async with opened(
            source.listener(queue=queue, declare=True, queue_type=declared_type)
        ) as listener:
            assert await listener.backlog() == 0
    arguments: dict[str, Any] = {"x-queue-type": queue_type}
    await source.channel.declare_queue(queue, durable=True, arguments=arguments)
    await source.channel.queue_delete(queue)


async def test_backlog_is_what_waits_at_the_broker(source: RabbitmqSource) -> None:
    """What the broker has already handed to us does not count."""
    for _ in range(7):
        await source.send(b"")
    async with opened(source.listener(prefetch_count=2)) as listener:
        await receive(listener, 2)
        assert await listener.backlog() == 5


async def test_backlog_is_unknown_while_we_hold_too_much(source: RabbitmqSource) -> None:
    """The answer would stand behind deliveries that we do not read."""
    for _ in range(10):
        await source.send(bytes(1000))
    async with opened(source.listener(max_buffered_bytes=1000)) as listener:
        await acknowledge(listener, await receive(listener, 1))
        assert await listener.backlog() is None
        await receive(listener, 9)


async def test_deliveries_alone_keep_the_connection_alive(source: RabbitmqSource) -> None:
    """RabbitMQ sends no heartbeat while it delivers, and aiormq gives up after 6 s without one."""
    async with opened(source.listener(heartbeat_s=1)) as listener:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + 7
        while loop.time() < until_s:
            await source.send(b"")
            await acknowledge(listener, await receive(listener, 1))
    assert await source.remaining() == 0


async def test_the_origin_names_queue_tag_and_headers(source: RabbitmqSource) -> None:
    """It can still be asked when the connection is gone."""
    await source.send(b"", headers={"tenant": "a"})
    async with opened(source.listener()) as listener:
        (delivery,) = await receive(listener, 1)
    origin = listener.origin(delivery)
    assert origin.coordinates["queue"] == source.queue
    assert origin.coordinates["tag"] == str(token_of(delivery).tag) == "1"
    assert origin.headers["tenant"] == "a"


async def test_closing_under_a_flood_leaves_everything_at_the_broker(
    source: RabbitmqSource,
) -> None:
    """The answer to the close stands behind deliveries that nobody takes."""
    for _ in range(100):
        await source.send(bytes(10_000), "CASINO")
    async with opened(source.listener(max_buffered_bytes=20_000)) as listener:
        await receive(listener, 1)
        async with asyncio.timeout(1):  # aiormq would wait 2 s for an answer that is not read
            await listener.close()
    assert await source.remaining() == 100


async def test_the_consumer_tag_names_the_listener(source: RabbitmqSource) -> None:
    """The tag is how the broker's own tools show who consumes."""
    await source.send(b"")
    async with opened(source.listener()) as listener:
        (delivery,) = await receive(listener, 1)
        deliver = Basic.Deliver()
        deliver.unmarshal(token_of(delivery).method[4:])
        assert deliver.consumer_tag == "consumer.test"
