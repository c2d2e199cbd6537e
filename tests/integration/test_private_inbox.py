"""With an inbox of its own and the permissions of docs/operations.md, nobody forges confirmations.

The server is a real one, and its configuration is the code of the page.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import pytest

from consumer.listeners.nats.listener import NatsListener, NatsListenerSettings
from consumer.nats.connection import NatsSettings, close, connect
from consumer.sinks.base import Message, Receipt, SinkSettings
from consumer.sinks.jetstream import JetStreamSink
from consumer.sinks.plans import event_plan
from tests.brokers.nats import Nats
from tests.support.listening import opened, receive
from tests.support.snippets import snippet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PREFIX: Final = "_INBOX_consumer"
DEADLINE_S: Final = 10
FORGED: Final = b'{"stream":"EVENTS","seq":1}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """Start a server with the users of the page."""
    rights = snippet("operations.md", "Private inbox", "text")
    with Nats(tmp_path_factory.mktemp("nats"), extra=rights) as server:
        yield server


@pytest.fixture
async def sink(server: Nats) -> AsyncIterator[JetStreamSink]:
    """Open the sink of the page's first user."""
    settings = SinkSettings(
        url=server.address, user="consumer", password="SECRET_1", inbox_prefix=PREFIX
    )
    sink = JetStreamSink(settings, event_plan(settings, {}), name="test", publish_timeout_s=5)
    await sink.open()
    yield sink
    await sink.close()


async def test_nobody_else_reads_or_forges_confirmations(server: Nats, sink: JetStreamSink) -> None:
    """A core subscriber is told the inbox, and can do nothing with it."""
    problems: asyncio.Queue[Exception] = asyncio.Queue()
    other = NatsSettings(url=server.address, user="crm", password="SECRET_2")
    client = await connect(other, name="crm", on_error=problems.put_nowait)
    async with asyncio.timeout(DEADLINE_S):
        events = await client.subscribe("game.*")
        await client.flush()
        assert await sink.publish([Message("game.bet", b"{}", "one", {})]) == [Receipt.STORED]
        told = await anext(aiter(events.messages))
        assert told.reply.startswith(f"{PREFIX}.")
        await client.publish(told.reply, FORGED)
        assert "permissions violation for publish" in str(await problems.get()).lower()
        await client.subscribe(f"{PREFIX}.>")
        assert "permissions violation for subscription" in str(await problems.get()).lower()
    await close(client)


async def test_first_user_has_no_other_inbox(server: Nats) -> None:
    """So the permissions of the page bind, and the option is what makes the sink work."""
    settings = NatsSettings(url=server.address, user="consumer", password="SECRET_1")
    problems: asyncio.Queue[Exception] = asyncio.Queue()
    client = await connect(settings, name="test", on_error=problems.put_nowait)
    async with asyncio.timeout(DEADLINE_S):
        await client.subscribe(client.new_inbox())
        assert "permissions violation for subscription" in str(await problems.get()).lower()
    await close(client)


async def test_listener_works_with_an_inbox_of_its_own(server: Nats, sink: JetStreamSink) -> None:
    """Its deliveries come to the inbox as well."""
    await sink.publish([Message("game.win", b"{}", "two", {})])
    settings = NatsListenerSettings(
        subject="game.win",
        stream="EVENTS",
        url=server.address,
        user="consumer",
        password="SECRET_1",
        inbox_prefix=PREFIX,
        brand="brand-a",
    )
    async with opened(NatsListener("test", settings)) as listener:
        (delivery,) = await receive(listener, 1)
    assert delivery.body == b"{}"
