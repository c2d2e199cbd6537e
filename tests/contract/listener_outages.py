"""What every listener does when the network between it and its source misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from consumer.errors import ListenerUnavailable
from tests.contract.listener_suite import (
    ANSWER_S,
    MEGABYTE,
    OPEN_S,
    WITHIN_S,
    ListenerContract,
    at_most,
    bodies_left,
    opened,
    send_many,
    settle,
    take,
)
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from consumer.listeners.base import Listener
    from tests.support.proxy import Proxy
    from tests.support.sources import Source


class ProxiedListenerContract(ListenerContract):
    """What only a network between listener and source can do. A subclass provides `proxy` too."""

    async def test_silent_source_is_told_by_backlog(
        self, proxy: Proxy, listener: Listener[Any]
    ) -> None:
        """A frozen peer keeps its connections; the listener has a deadline of its own for it."""
        proxy.freeze()
        with at_most(ANSWER_S), pytest.raises(ListenerUnavailable):
            await listener.backlog()
        with at_most(ANSWER_S):
            await listener.close()

    async def test_silent_source_is_told_by_open(self, source: Source, proxy: Proxy) -> None:
        """One that takes the connection and never says a word."""
        proxy.freeze()
        listener = source.listener()
        with at_most(OPEN_S), pytest.raises(ListenerUnavailable):
            await listener.open()
        with at_most(ANSWER_S):
            await listener.close()

    async def test_refusing_source_is_told_by_open(self, source: Source, proxy: Proxy) -> None:
        """One that hangs up at once, as a broker does that is starting."""
        listener = source.listener()
        proxy.refuse()
        with at_most(OPEN_S), pytest.raises(ListenerUnavailable):
            await listener.open()
        await listener.close()
        proxy.accept()
        again = await opened(source.listener())
        await again.close()

    async def test_cancelled_open_is_closed_cleanly(self, source: Source, proxy: Proxy) -> None:
        """Whatever stage it had reached; the leak check of every test looks after the rest."""
        for patience_s in (0.0, 0.005, 0.02):
            proxy.delay_s = 0.005
            listener = source.listener()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await listener.open()
            with at_most(ANSWER_S):
                await listener.close()

    async def test_slow_source_loses_nothing(self, source: Source, proxy: Proxy) -> None:
        """Latency is no outage, and settling survives a close right after it."""
        await send_many(source, 10)
        proxy.delay_s = 0.05
        listener = await opened(source.listener())
        await settle(listener, await take(listener, 10))
        await listener.close()
        await eventually(source.remaining_is(0), what="an empty source")

    async def test_short_cut_never_ends_in_silence(
        self, source: Source, proxy: Proxy, listener: Listener[Any]
    ) -> None:
        """What is sent after it arrives, or the connection is reported as gone."""
        proxy.cut()
        await source.send(b"after")
        with contextlib.suppress(ListenerUnavailable):
            async with asyncio.timeout(WITHIN_S):
                while not await listener.receive(1, MEGABYTE, 0.2):
                    pass
        await listener.close()
        assert await bodies_left(source) == [b"after"]

    async def test_lost_answers_lose_nothing(
        self, source: Source, proxy: Proxy, listener: Listener[Any]
    ) -> None:
        """The source hears us, we do not hear it: settling tells or is harmless, closing ends."""
        await send_many(source, 2)
        first, _ = await take(listener, 2)
        proxy.drop_replies = True
        with contextlib.suppress(ListenerUnavailable), at_most(WITHIN_S):
            await settle(listener, [first])
        with at_most(ANSWER_S):
            await listener.close()
        proxy.drop_replies = False
        assert b"1" in await bodies_left(source)
