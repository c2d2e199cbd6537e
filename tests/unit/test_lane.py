"""One lane with its real steps, between a source, a store and sinks in memory."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from consumer.errors import ListenerUnavailable, StoreUnavailable
from consumer.stores.memory import MemoryStore
from tests.support.corpus import BROKEN
from tests.support.eventually import eventually
from tests.support.memory_sink import HandClock, MemoryPipeline, MemorySink
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from consumer.errors import SinkUnavailable
    from consumer.events.identity import Identity
    from consumer.sinks.base import Message, Receipt
    from consumer.stores.base import Memory
    from tests.support.source_memory import MemoryListener

BATCHES = [1, 2, 500]


class FlakyStore(MemoryStore):
    """Fails while it is told to, after it did what it was asked."""

    down = False

    async def exchange(
        self, done: Sequence[Identity], claims: Sequence[Identity]
    ) -> list[Memory | None]:
        """See `Store.exchange`."""
        known = await super().exchange(done, claims)
        if self.down:
            raise StoreUnavailable("memory: down")
        return known


class HeldSink(MemorySink):
    """Holds every publish until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()

    async def publish(self, messages: Sequence[Message]) -> list[Receipt | SinkUnavailable]:
        """See `Sink.publish`."""
        await self.let_go.wait()
        return await super().publish(messages)


@pytest.fixture(autouse=True)
def _short_idle_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle lane sleeps in `receive`, and each test would wait for that at its end."""
    monkeypatch.setattr("consumer.lanes.lane.RECEIVE_TIMEOUT_S", 0.01)


@pytest.fixture
async def pipeline() -> MemoryPipeline:
    """Return an open pipeline with nothing in it."""
    pipeline = MemoryPipeline()
    await pipeline.open()
    return pipeline


async def send(pipeline: MemoryPipeline, *ids: str) -> None:
    """Send one event for each id."""
    for activity_id in ids:
        await pipeline.source.send(casino(activity_id=activity_id))


async def open_listener(pipeline: MemoryPipeline, count: int = 500) -> MemoryListener:
    """Return an open listener."""
    listener = pipeline.source.listener(max_batch_count=count)
    await listener.open()
    return listener


def stored_ids(pipeline: MemoryPipeline) -> list[str]:
    """Return the activity ids of the stored events, oldest first."""
    return [json.loads(message.body)["data"]["activity_id"] for message in pipeline.sink.stored]


def letters(pipeline: MemoryPipeline) -> list[str]:
    """Return the reasons of the stored dead letters, oldest first."""
    return [message.headers["Dead-Reason"] for message in pipeline.letters.stored]


def booked(pipeline: MemoryPipeline) -> dict[str, int]:
    """Return the books, after a look whether they balance."""
    assert pipeline.balanced()
    names = ("received", "forwarded", "duplicates", "dead_letters")
    return {name: count for name in names if (count := pipeline.count(name))}


async def test_event_is_forwarded(pipeline: MemoryPipeline) -> None:
    """Stored under its subject, settled, booked."""
    await send(pipeline, "a")
    await pipeline.drain()
    assert [message.subject for message in pipeline.sink.stored] == ["game.bet"]
    assert booked(pipeline) == {"received": 1, "forwarded": 1}


@pytest.mark.parametrize("batch", BATCHES)
async def test_order_of_the_source_is_kept(pipeline: MemoryPipeline, batch: int) -> None:
    """Whatever the size of the batches."""
    ids = [str(number) for number in range(1, 51)]
    await send(pipeline, *ids)
    await pipeline.drain(batch=batch)
    assert stored_ids(pipeline) == ids


@pytest.mark.parametrize("batch", BATCHES)
async def test_duplicates_are_dropped(pipeline: MemoryPipeline, batch: int) -> None:
    """Inside a batch and across batches."""
    await send(pipeline, "a", "a", "b", "a", "b")
    await pipeline.drain(batch=batch)
    assert stored_ids(pipeline) == ["a", "b"]
    assert booked(pipeline) == {"received": 5, "forwarded": 2, "duplicates": 3}


async def test_duplicate_is_dropped_by_another_lane(pipeline: MemoryPipeline) -> None:
    """Both lanes of a brand take the same events at the same time."""
    await send(pipeline, *"abcabcabcabc")
    first, second = await open_listener(pipeline, 3), await open_listener(pipeline, 3)
    second.name = "other"
    empty = pipeline.source.remaining_is(0)
    async with asyncio.TaskGroup() as group:
        for listener in (first, second):
            group.create_task(pipeline.run(listener, empty), name=listener.name)
    assert sorted(stored_ids(pipeline)) == ["a", "b", "c"]
    assert booked(pipeline) == {"received": 12, "forwarded": 3, "duplicates": 9}
    assert pipeline.count("received", "other")


@pytest.mark.parametrize("batch", BATCHES)
async def test_conflict_becomes_a_dead_letter(pipeline: MemoryPipeline, batch: int) -> None:
    """The first one counts, and a true copy of it is still a duplicate."""
    for amount in (1, 2, 1):
        await pipeline.source.send(casino(activity_id="a", amount=amount))
    await pipeline.drain(batch=batch)
    assert stored_ids(pipeline) == ["a"]
    assert letters(pipeline) == ["conflict"]
    assert booked(pipeline) == {"received": 3, "forwarded": 1, "duplicates": 1, "dead_letters": 1}


async def test_resend_behind_a_conflict_is_still_a_duplicate(pipeline: MemoryPipeline) -> None:
    """In one batch: what is known decides which of the two is the odd one out."""
    await pipeline.source.send(casino(activity_id="a", amount=1))
    await pipeline.drain()
    for amount in (2, 1):
        await pipeline.source.send(casino(activity_id="a", amount=amount))
    await pipeline.drain()
    assert letters(pipeline) == ["conflict"]
    assert booked(pipeline) == {"received": 3, "forwarded": 1, "duplicates": 1, "dead_letters": 1}


@pytest.mark.parametrize("batch", BATCHES)
async def test_resend_behind_a_conflict_is_a_duplicate(
    pipeline: MemoryPipeline, batch: int
) -> None:
    """What is stored decides, not what comes first in a batch."""
    await pipeline.source.send(casino(amount=1))
    await pipeline.drain()
    for amount in (2, 1, 2):
        await pipeline.source.send(casino(amount=amount))
    await pipeline.drain(batch=batch)
    assert letters(pipeline) == ["conflict"]
    assert booked(pipeline) == {"received": 4, "forwarded": 1, "duplicates": 1, "dead_letters": 2}


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", BROKEN)
async def test_broken_one_costs_one_dead_letter(
    pipeline: MemoryPipeline, name: str, batch: int
) -> None:
    """The good one behind it passes."""
    message_type, body, reason = BROKEN[name]
    await pipeline.source.send(body[:500_000], message_type)
    await send(pipeline, "good")
    await pipeline.drain(batch=batch)
    assert stored_ids(pipeline) == ["good"]
    assert letters(pipeline) == [reason]
    assert pipeline.letters.stored[0].body == body[:500_000]
    assert booked(pipeline) == {"received": 2, "forwarded": 1, "dead_letters": 1}


async def test_broken_one_sent_again_is_one_letter(pipeline: MemoryPipeline) -> None:
    """But each delivery is booked."""
    for _ in range(3):
        await pipeline.source.send(b"{")
    await pipeline.drain()
    assert letters(pipeline) == ["malformed"]
    assert booked(pipeline) == {"received": 3, "dead_letters": 3}


async def test_lost_confirmation_is_stored_once(pipeline: MemoryPipeline) -> None:
    """And counted as forwarded, because it was ours."""
    pipeline.sink.lose_next_count = 3
    await send(pipeline, "a", "b", "c", "d")
    await pipeline.drain()
    assert stored_ids(pipeline) == ["a", "b", "c", "d"]
    assert booked(pipeline) == {"received": 4, "forwarded": 4}
    assert pipeline.count("retries") == 1


async def test_failed_publish_is_repeated(pipeline: MemoryPipeline) -> None:
    """Only what failed."""
    pipeline.sink.fail_next_count = 2
    await send(pipeline, "a", "b", "c")
    await pipeline.drain()
    assert stored_ids(pipeline) == ["c", "a", "b"]
    assert booked(pipeline) == {"received": 3, "forwarded": 3}


async def test_failed_letter_is_repeated(pipeline: MemoryPipeline) -> None:
    """Stored once, also where only its confirmation was lost."""
    pipeline.letters.fail_next_count, pipeline.letters.lose_next_count = 1, 1
    await pipeline.source.send(b"{")
    await pipeline.drain()
    assert letters(pipeline) == ["malformed"]
    assert booked(pipeline) == {"received": 1, "dead_letters": 1}


def holding(pipeline: MemoryPipeline, stage: str) -> Callable[[], bool]:
    """Return a condition: the lane has tried a few times in vain, and says so."""
    return lambda: (
        pipeline.count("retries") >= 3
        and pipeline.health.why_down("lane memory").startswith(f"holding, {stage}: memory")
        and pipeline.balanced()
    )


async def test_sink_that_is_down_is_waited_for(pipeline: MemoryPipeline) -> None:
    """What is in flight is held, the rest stays at the source; then everything goes on."""
    await send(pipeline, *map(str, range(1, 21)))
    pipeline.sink.down = True
    listener = await open_listener(pipeline, 1)
    async with asyncio.TaskGroup() as group:
        group.create_task(pipeline.run(listener, pipeline.source.remaining_is(0)))
        await eventually(holding(pipeline, "publish"))
        assert len(listener.unsettled) == pipeline.count("in_flight") <= 5
        assert len(pipeline.source.queue.waiting) >= 15
        pipeline.sink.down = False
    assert stored_ids(pipeline) == [str(number) for number in range(1, 21)]
    assert pipeline.health.ready
    assert booked(pipeline) == {"received": 20, "forwarded": 20}


async def test_store_that_is_down_is_waited_for() -> None:
    """Nothing is published meanwhile; afterwards nothing is lost or taken for a duplicate."""
    clock = HandClock()
    store = FlakyStore(clock)
    pipeline = MemoryPipeline(clock=clock, store=store)
    await pipeline.open()
    await send(pipeline, *map(str, range(1, 21)))
    store.down = True
    listener = await open_listener(pipeline, 1)
    async with asyncio.TaskGroup() as group:
        group.create_task(pipeline.run(listener, pipeline.source.remaining_is(0)))
        await eventually(holding(pipeline, "claim"))
        assert not pipeline.sink.calls_count
        assert len(pipeline.source.queue.waiting) == 19
        store.down = False
    assert stored_ids(pipeline) == [str(number) for number in range(1, 21)]
    assert booked(pipeline) == {"received": 20, "forwarded": 20}


async def test_nothing_is_settled_before_it_is_stored_and_marked() -> None:
    """Source, store and sink see each event in the one right order."""
    sink = HeldSink()
    store = MemoryStore()
    pipeline = MemoryPipeline(sink=sink, store=store)
    await pipeline.open()
    await send(pipeline, "a", "b")
    listener = await open_listener(pipeline)
    async with asyncio.TaskGroup() as group:
        group.create_task(pipeline.run(listener, pipeline.source.remaining_is(0)))
        await eventually(lambda: store.count == 2)
        assert (len(listener.unsettled), pipeline.count("in_flight")) == (2, 2)
        assert pipeline.balanced()
        sink.let_go.set()
    assert booked(pipeline) == {"received": 2, "forwarded": 2}


async def test_what_is_not_decoded_yet_is_held_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that wants a sign of life for each delivery would deliver these again."""
    monkeypatch.setattr("consumer.pipeline.decode.HELD_BYTES", 1)
    sink, store = HeldSink(), MemoryStore()
    pipeline = MemoryPipeline(sink=sink, store=store)
    await pipeline.open()
    await send(pipeline, *(str(number) for number in range(1, 10)))
    listener, lane = await open_listener(pipeline), pipeline.lane()
    halt = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(lane.run(listener, halt), name="lane")
        await eventually(lambda: pipeline.count("in_flight") > 0)
        assert pipeline.count("in_flight") < 9
        assert {id(delivery.token) for delivery in lane.held()} == {
            id(stored) for stored in listener.unsettled.values()
        }
        halt.set()
        sink.let_go.set()
    assert lane.held() == []
    assert booked(pipeline) == {"received": 9, "forwarded": 9}


def note(monkeypatch: pytest.MonkeyPatch, part: object, name: str, calls: list[str]) -> None:
    """Write down each call of a method, and make it."""
    method = getattr(part, name)

    async def noted(*arguments: object) -> object:
        calls.append(name)
        result: object = await method(*arguments)
        return result

    monkeypatch.setattr(part, name, noted)


async def test_calls_of_one_event_have_one_order(
    pipeline: MemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claim, publish, mark, settle: any other order loses or doubles."""
    calls: list[str] = []
    listener = await open_listener(pipeline)
    for part, name in (
        (pipeline.store, "exchange"),
        (pipeline.sink, "publish"),
        (listener, "settle"),
    ):
        note(monkeypatch, part, name, calls)
    await send(pipeline, "a")
    await pipeline.run(listener, pipeline.source.remaining_is(0))
    assert calls == ["exchange", "publish", "exchange", "settle"]


async def test_listener_lost_during_a_publish_stores_once() -> None:
    """What was in flight is booked, comes again, and is recognised."""
    sink = HeldSink()
    pipeline = MemoryPipeline(sink=sink)
    await pipeline.open()
    await send(pipeline, "a", "b")
    listener, lane = await open_listener(pipeline), pipeline.lane()

    async def lose() -> None:
        await eventually(lambda: pipeline.count("in_flight") == 2)
        listener.lose()
        sink.let_go.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(lose(), name="lose")
        with pytest.raises(ListenerUnavailable):
            await lane.run(listener, asyncio.Event())
    assert booked(pipeline) == {"received": 2, "forwarded": 2}
    await pipeline.drain(lane=lane)
    assert stored_ids(pipeline) == ["a", "b"]
    assert booked(pipeline) == {"received": 4, "forwarded": 2, "duplicates": 2}


async def test_crash_after_the_publish_stores_once() -> None:
    """The next lane finds its P, publishes again, and the sink recognises it."""
    pipeline = MemoryPipeline()
    await pipeline.open()
    pipeline.sink.lose_next_count = 1000
    await send(pipeline, "a")
    listener = await open_listener(pipeline)
    lane = pipeline.lane()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(lane.run(listener, asyncio.Event()), name="lane")
        await eventually(lambda: stored_ids(pipeline) == ["a"])
        running.cancel()
    await listener.close()
    pipeline.sink.lose_next_count = 0
    await pipeline.drain(lane=lane)
    assert stored_ids(pipeline) == ["a"]
