"""A frozen server, and core NATS: at most once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import structlog.testing

from consumer.errors import ListenerUnavailable
from consumer.nats import pull as nats_pull
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.aio.client import Client

    from consumer.listeners.nats.listener import NatsListener
    from tests.support.source_nats import NatsSource

from tests.support.listening import acknowledge, loss, opened, receive
from tests.support.nats_listening import MEGABYTE, core_listener


class TestFrozen:
    """A server that is connected and says nothing."""

    @pytest.fixture
    async def proxy(self, nats_url: str) -> AsyncIterator[Proxy]:
        """Stand between listener and server."""
        at = urlsplit(nats_url)
        async with Proxy(at.hostname or "127.0.0.1", at.port or 4222) as proxy:
            yield proxy

    @pytest.fixture
    async def listener(self, source: NatsSource, proxy: Proxy) -> AsyncIterator[NatsListener]:
        """Open a listener through the proxy."""
        async with opened(source.listener(url=f"nats://{proxy.address}")) as listener:
            yield listener
            proxy.thaw()

    async def test_missed_heartbeats_end_the_listener(
        self, listener: NatsListener, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Connected but silent is told from nothing to do."""
        monkeypatch.setattr(nats_pull, "SILENCE_S", 0.5)
        proxy.freeze()
        assert (await loss(listener)).reason == "stalled"

    async def test_backlog_has_a_deadline(self, listener: NatsListener, proxy: Proxy) -> None:
        """Of five seconds."""
        proxy.freeze()
        started_s = time.monotonic()
        with pytest.raises(ListenerUnavailable, match="no answer"):
            await listener.backlog()
        assert time.monotonic() - started_s < 6

    async def test_close_has_a_deadline(
        self, source: NatsSource, listener: NatsListener, proxy: Proxy
    ) -> None:
        """Of five seconds, with something to give back as well."""
        await source.send(b"{}")
        await receive(listener, 1)
        proxy.freeze()
        started_s = time.monotonic()
        await listener.close()
        assert time.monotonic() - started_s < 5


class TestCore:
    """A subscription without a stream: at most once."""

    @pytest.fixture
    def subject(self, source: NatsSource) -> str:
        """Return a subject of its own that no stream stores."""
        return f"core.{source.stream}"

    async def test_messages_arrive(self, nats_url: str, client: Client, subject: str) -> None:
        """With their type, and with nothing to count at the source."""
        async with opened(core_listener(nats_url, subject)) as listener:
            assert not listener.source_keeps
            await client.publish(subject, b"{}", headers={"Type": "GAME"})
            (delivery,) = await receive(listener, 1)
            assert (delivery.body, delivery.message_type) == (b"{}", "GAME")
            assert await listener.backlog() is None

    async def test_settling_sends_nothing(
        self, nats_url: str, client: Client, subject: str
    ) -> None:
        """A sender that waits for a reply must not take an acknowledgement for one."""
        replies = await client.subscribe(f"{subject}.reply")
        async with opened(core_listener(nats_url, subject)) as listener:
            await client.publish(subject, b"{}", reply=f"{subject}.reply")
            taken = await receive(listener, 1)
            await acknowledge(listener, taken)
            await listener.keep(taken)
            await listener.backlog()
        await client.flush()
        assert replies.pending_msgs == 0

    async def test_group_shares_the_subject(
        self, nats_url: str, client: Client, subject: str
    ) -> None:
        """Each message goes to one of its members."""
        options = {"queue_group": "workers"}
        async with (
            opened(core_listener(nats_url, subject, **options)) as one,
            opened(core_listener(nats_url, subject, **options)) as other,
        ):
            for _ in range(100):
                await client.publish(subject, b"{}")
            await client.flush()
            await one.backlog()
            await other.backlog()
            found = [await each.receive(1000, MEGABYTE, 0.1) for each in (one, other)]
            assert sum(map(len, found)) == 100

    async def test_flood_is_dropped_within_bounds_and_told(
        self, nats_url: str, client: Client, subject: str
    ) -> None:
        """The oldest stay, memory is bounded, and the log has the count in two lines."""
        listener = core_listener(nats_url, subject, max_buffered_bytes=54_000)
        with structlog.testing.capture_logs() as logs:
            async with opened(listener):
                for number in range(100):
                    await client.publish(subject, b"%02d" % number * 5000)
                await client.flush()
                await listener.backlog()
                found = await receive(listener, 5)
                assert [d.body[:2] for d in found] == [b"00", b"01", b"02", b"03", b"04"]
        dropped = [line for line in logs if line["event"] == "messages dropped"]
        assert [line["total"] for line in dropped] == [1, 95]

    async def test_messages_without_a_body_take_memory_too(
        self, nats_url: str, client: Client, subject: str
    ) -> None:
        """Otherwise millions of them would be held."""
        async with opened(core_listener(nats_url, subject, max_buffered_bytes=50_000)) as listener:
            for _ in range(300):
                await client.publish(subject, b"")
            await client.flush()
            await listener.backlog()
            assert 100 < len(await listener.receive(1000, MEGABYTE, 5)) < 200

    async def test_headers_take_memory_too(
        self, nats_url: str, client: Client, subject: str
    ) -> None:
        """Each of them is two texts in memory, however short they are."""
        async with opened(core_listener(nats_url, subject, max_buffered_bytes=50_000)) as listener:
            for _ in range(3):
                await client.publish(subject, b"", headers={str(one): "x" for one in range(300)})
            await client.flush()
            await listener.backlog()
            assert len(await listener.receive(1000, MEGABYTE, 5)) == 1

    async def test_bug_in_taking_a_message_is_told(
        self, nats_url: str, client: Client, subject: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """nats-py reports such an exception, and goes on."""
        monkeypatch.setattr("consumer.listeners.nats.listener.to_delivery", None)
        with structlog.testing.capture_logs() as logs:
            async with opened(core_listener(nats_url, subject)) as listener:
                await client.publish(subject, b"{}")
                await client.flush()
                await listener.backlog()
                assert await listener.receive(1, MEGABYTE, 0.1) == []
        told = [line["exc_info"] for line in logs if line["event"] == "taking a message failed"]
        assert [type(error) for error in told] == [TypeError]

    async def test_what_is_dropped_while_closing_is_told_too(
        self, nats_url: str, client: Client, subject: str
    ) -> None:
        """A close takes what is still on its way, and most of it finds no room."""
        at = urlsplit(nats_url)
        async with Proxy(at.hostname or "127.0.0.1", at.port or 4222) as proxy:
            url = f"nats://{proxy.address}"
            listener = core_listener(url, subject, max_buffered_bytes=54_000)
            await listener.open()
            proxy.freeze()
            for number in range(100):
                await client.publish(subject, b"%02d" % number * 5000)
            await client.flush()
            proxy.thaw()
            with structlog.testing.capture_logs() as logs:
                await listener.close()
        dropped = [line for line in logs if line["event"] == "messages dropped"]
        assert [line["total"] for line in dropped] == [1, 95]
