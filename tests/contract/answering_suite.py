"""What every listener does whose senders wait for an answer, whatever they speak."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import pytest

from consumer.deliveries.delivery import Duplicate
from consumer.deliveries.origin import Environment, Sender
from tests.support.eventually import eventually
from tests.support.fates import REJECTED, SENDER, STORED, end_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.deliveries.delivery import Delivery, End

MEGABYTE = 1024 * 1024


class Answering(Protocol):
    """A listener whose senders wait, as this suite sees it."""

    source_keeps: bool
    answer_within_s: float | None

    async def ask(
        self, body: bytes, message_type: str | None = "CASINO", sender: Sender = SENDER
    ) -> End | None:
        """Send a message, and return how it ended; None: there was no answer in time."""

    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """See `Listener.receive`."""

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """See `Listener.settle`."""

    async def close(self) -> None:
        """See `Listener.close`."""


class AnsweringListenerContract:
    """The suite. A subclass provides `listener`, open."""

    async def test_it_says_that_its_senders_wait(self, listener: Answering) -> None:
        """And that nobody but they will send again what is let go of."""
        assert listener.answer_within_s is not None
        assert not listener.source_keeps

    @pytest.mark.parametrize(
        "end", [STORED, Duplicate(STORED.event), REJECTED], ids=["stored", "duplicate", "dead"]
    )
    async def test_sender_is_told_how_its_delivery_ended(
        self, listener: Answering, end: End
    ) -> None:
        """With the event that was stored, or the exact error."""
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(listener.ask(b"{}"))
            taken = await listener.receive(10, MEGABYTE, 5)
            end_all(taken, end)
            await listener.settle(taken)
        assert asking.result() == end

    async def test_each_delivery_has_its_own_sender(self, listener: Answering) -> None:
        """One listener serves many brands, and their tests."""
        senders = [Sender("a"), Sender("b"), Sender("a", Environment.TEST)]
        async with asyncio.TaskGroup() as group:
            for sender in senders:
                group.create_task(listener.ask(b"{}", "CASINO", sender))
            taken: list[Delivery] = []
            while len(taken) < len(senders):
                taken += await listener.receive(10, MEGABYTE, 5)
            end_all(taken)
            await listener.settle(taken)
        assert [delivery.sender for delivery in taken] == senders

    async def test_sender_that_gave_up_is_not_served(self, listener: Answering) -> None:
        """It sends again; work for it would make those wait who are still there."""
        assert await listener.ask(b"late") is None
        async with asyncio.TaskGroup() as group:
            group.create_task(listener.ask(b"new"))
            (delivery,) = await listener.receive(10, MEGABYTE, 5)
            end_all([delivery])
            await listener.settle([delivery])
        assert delivery.body == b"new"

    async def test_end_that_comes_too_late_is_harmless(self, listener: Answering) -> None:
        """The sender has gone; its resend is recognised by the store."""
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(listener.ask(b"{}"))
            taken = await listener.receive(10, MEGABYTE, 5)
            await asking
            end_all(taken)
            await listener.settle(taken)
        assert asking.result() is None

    async def test_closing_lets_all_senders_go(self, listener: Answering) -> None:
        """At once, with nothing that could be taken for an end."""
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(listener.ask(b"{}")) for _ in range(3)]
            await listener.receive(1, MEGABYTE, 5)
            await listener.close()
            await eventually(lambda: all(one.done() for one in asking), within_s=1)
        assert [one.result() for one in asking] == [None] * 3
