"""Events that the sink does not take because of their size, in one lane with its real steps."""

from __future__ import annotations

import pytest

from tests.support.memory_sink import MemoryPipeline, MemorySink
from tests.support.samples import casino
from tests.unit.test_lane import BATCHES, booked, letters, send, stored_ids


async def test_too_large_event_becomes_a_dead_letter() -> None:
    """Without being tried; its copies share its fate, and the next event passes."""
    pipeline = MemoryPipeline(sink=MemorySink(max_message_bytes=2000))
    await pipeline.open()
    for _ in range(2):
        await pipeline.source.send(casino(activity_id="big", game_name="x" * 5000))
    await send(pipeline, "small")
    await pipeline.drain()
    assert stored_ids(pipeline) == ["small"]
    assert letters(pipeline) == ["too_large"]
    assert booked(pipeline) == {"received": 3, "forwarded": 1, "dead_letters": 2}


async def test_limit_that_is_lowered_holds_nothing_up() -> None:
    """The sink only tells it when it refuses a message. What is small enough passes."""
    pipeline = MemoryPipeline(sink=MemorySink(max_message_bytes=10_000))
    await pipeline.open()
    pipeline.sink.lowered_limit_bytes = 2000
    await send(pipeline, "first")
    await pipeline.source.send(casino(activity_id="big", game_name="x" * 5000))
    await send(pipeline, "second")
    await pipeline.drain()
    assert stored_ids(pipeline) == ["first", "second"]
    assert letters(pipeline) == ["too_large"]
    assert booked(pipeline) == {"received": 3, "forwarded": 2, "dead_letters": 1}


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("shadow", [False, True], ids=["enforce", "shadow"])
async def test_smaller_copy_of_a_too_large_event_passes(batch: int, *, shadow: bool) -> None:
    """Whether both came in one batch or not; what repeats the small one is a duplicate of it."""
    pipeline = MemoryPipeline(sink=MemorySink(max_message_bytes=2000))
    pipeline.shadow = shadow
    await pipeline.open()
    await pipeline.source.send(casino(activity_id="a", game_name="x" * 5000))
    await send(pipeline, "a", "a")
    await pipeline.drain(batch=batch)
    assert letters(pipeline) == ["too_large"]
    marks = [message.headers.get("Consumer-Duplicate") for message in pipeline.sink.stored]
    assert marks == ([None, "duplicate"] if shadow else [None])


@pytest.mark.parametrize("batch", BATCHES)
async def test_shortened_event_is_not_held_against_the_too_large_one(batch: int) -> None:
    """What became a dead letter was never marked as seen, so it may be sent again mended."""
    pipeline = MemoryPipeline(sink=MemorySink(max_message_bytes=2000))
    await pipeline.open()
    await pipeline.source.send(casino(activity_id="a", amount=1, game_name="x" * 5000))
    await pipeline.source.send(casino(activity_id="a", amount=2))
    await pipeline.drain(batch=batch)
    assert letters(pipeline) == ["too_large"]
    assert stored_ids(pipeline) == ["a"]
