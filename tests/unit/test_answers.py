"""The real pipeline under senders that wait: each is told what became of its delivery."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from consumer.deliveries.delivery import Dead, Duplicate, Forwarded
from consumer.deliveries.origin import Environment, Sender
from consumer.errors import Reason
from tests.support.memory_sink import MemoryPipeline
from tests.support.samples import casino
from tests.support.source_asking import AskingListener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WRONG = casino(amount="abc")


@contextlib.asynccontextmanager
async def asking(pipeline: MemoryPipeline) -> AsyncIterator[AskingListener]:
    """Run a lane on a listener whose senders wait long enough."""
    await pipeline.open()
    listener = AskingListener(answer_within_s=10)
    await listener.open()
    halt = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        lane = group.create_task(pipeline.lane().run(listener, halt), name="lane")
        yield listener
        halt.set()
        await lane
    await listener.close()


async def test_sender_is_told_the_stored_event() -> None:
    """Its id and its subject, once the sink has confirmed."""
    pipeline = MemoryPipeline()
    async with asking(pipeline) as listener:
        end = await listener.ask(casino(activity_id="a"))
    assert isinstance(end, Forwarded)
    assert end.event.subject == "game.bet"
    assert len(pipeline.sink.stored) == 1


async def test_resend_is_told_that_it_is_known() -> None:
    """With the same event, so that both answers can say the same."""
    async with asking(MemoryPipeline()) as listener:
        first = await listener.ask(casino(activity_id="a"))
        again = await listener.ask(casino(activity_id="a"))
    assert isinstance(first, Forwarded)
    assert again == Duplicate(first.event)


async def test_broken_delivery_is_told_field_and_expectation() -> None:
    """After its letter is stored."""
    pipeline = MemoryPipeline()
    async with asking(pipeline) as listener:
        end = await listener.ask(WRONG)
    assert isinstance(end, Dead)
    assert end.rejected.reason is Reason.INVALID
    assert end.rejected.misfit is not None
    assert end.rejected.misfit.field == "amount"
    assert len(pipeline.letters.stored) == 1


async def test_flood_of_broken_deliveries_stops_no_listener_with_waiting_senders() -> None:
    """Its other senders would be refused for what one of them does."""
    pipeline = MemoryPipeline()
    async with asking(pipeline) as listener:
        ends = [await listener.ask(WRONG) for _ in range(150)]
        good = await listener.ask(casino())
    assert all(isinstance(end, Dead) for end in ends)
    assert isinstance(good, Forwarded)


@pytest.mark.parametrize("environment", Environment)
async def test_environments_of_a_brand_do_not_meet(environment: Environment) -> None:
    """What a brand's test has sent is no duplicate of its live event, and the other way round."""
    other = Environment.LIVE if environment is Environment.TEST else Environment.TEST
    async with asking(MemoryPipeline()) as listener:
        first = await listener.ask(casino(), "CASINO", Sender("a", environment))
        second = await listener.ask(casino(), "CASINO", Sender("a", other))
    assert isinstance(first, Forwarded)
    assert isinstance(second, Forwarded)
