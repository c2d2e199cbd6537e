"""Shadow mode: everything is forwarded, and what `enforce` would drop says so."""

from __future__ import annotations

import asyncio
import json

import pytest

from consumer.pipeline.mode import HEADER
from tests.support.eventually import eventually
from tests.support.memory_sink import MemoryPipeline
from tests.support.samples import casino

BATCHES = [1, 2, 500]


@pytest.fixture
async def pipeline() -> MemoryPipeline:
    """Return an open pipeline in shadow mode."""
    pipeline = MemoryPipeline()
    pipeline.shadow = True
    await pipeline.open()
    return pipeline


async def send(pipeline: MemoryPipeline, *amounts: int, activity_id: str = "a") -> None:
    """Send one event several times, with these amounts."""
    for amount in amounts:
        await pipeline.source.send(casino(activity_id=activity_id, amount=amount))


def stored(pipeline: MemoryPipeline) -> list[tuple[float, str]]:
    """Return amount and mark of each stored event, oldest first."""
    return [
        (float(json.loads(message.body)["data"]["amount"]), message.headers.get(HEADER, ""))
        for message in pipeline.sink.stored
    ]


def shadowed(pipeline: MemoryPipeline) -> dict[str, float]:
    """Return what was counted, by kind, after a look whether the books balance."""
    assert pipeline.balanced()
    (family,) = pipeline.metrics.shadow_duplicates.collect()
    return {
        sample.labels["kind"]: sample.value
        for sample in family.samples
        if sample.name.endswith("_total")
    }


@pytest.mark.parametrize("batch", BATCHES)
async def test_duplicates_and_conflicts_are_forwarded_with_a_mark(
    pipeline: MemoryPipeline, batch: int
) -> None:
    """Inside a batch and across batches; each has a message id of its own."""
    await send(pipeline, 1, 1, 2, 1)
    await pipeline.drain(batch=batch)
    assert sorted(stored(pipeline)) == [
        (1, ""),
        (1, "duplicate"),
        (1, "duplicate"),
        (2, "conflict"),
    ]
    assert len(set(pipeline.sink.ids)) == 4
    assert shadowed(pipeline) == {"duplicate": 2, "conflict": 1}
    assert (pipeline.count("forwarded"), pipeline.letters.stored) == (4, [])


async def test_first_is_stored_under_its_key_and_marked_done(pipeline: MemoryPipeline) -> None:
    """As always; what is marked does not change it."""
    await send(pipeline, 1, 2, 3)
    await pipeline.drain()
    await pipeline.drain()
    await send(pipeline, 1, 2)
    await pipeline.drain()
    assert len(pipeline.sink.ids[0]) == 32
    assert [mark for _, mark in stored(pipeline)] == [
        "",
        "conflict",
        "conflict",
        "duplicate",
        "conflict",
    ]


@pytest.mark.parametrize("batch", BATCHES)
async def test_enforce_recognises_what_was_seen_in_shadow(
    pipeline: MemoryPipeline, batch: int
) -> None:
    """Duplicates and conflicts alike, also after the sink's own window."""
    await send(pipeline, 1, 2, 1)
    await pipeline.drain(batch=batch)
    pipeline.shadow = False
    await send(pipeline, 1, 2)
    await pipeline.drain(batch=batch)
    assert len(pipeline.sink.stored) == 3
    assert (pipeline.count("duplicates"), pipeline.count("dead_letters")) == (1, 1)


async def test_copy_that_only_the_sink_knows_is_forwarded_with_a_mark(
    pipeline: MemoryPipeline,
) -> None:
    """Its first one was published by a process that died before it could mark it done."""
    pipeline.sink.lose_next_count = 1000
    await send(pipeline, 1)
    listener = pipeline.source.listener()
    await listener.open()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(pipeline.lane().run(listener, asyncio.Event()), name="lane")
        await eventually(lambda: len(pipeline.sink.stored) == 1)
        running.cancel()
    await listener.close()
    pipeline.sink.lose_next_count = 0
    await pipeline.drain(lane=pipeline.lane("second"))
    assert stored(pipeline) == [(1, ""), (1, "duplicate")]
    assert pipeline.count("duplicates") == 0
    pipeline.shadow = False
    await send(pipeline, 1)
    await pipeline.drain(lane=pipeline.lane("third"))
    assert pipeline.count("duplicates") == 1


async def test_own_repeat_of_a_marked_publish_is_recognised(pipeline: MemoryPipeline) -> None:
    """Its confirmation was lost, so it is stored already."""
    await send(pipeline, 1)
    await pipeline.drain()
    pipeline.sink.lose_next_count = 1
    await send(pipeline, 1)
    await pipeline.drain()
    assert [mark for _, mark in stored(pipeline)] == ["", "duplicate"]
    assert shadowed(pipeline) == {"duplicate": 1}


async def test_broken_ones_are_letters_all_the_same(pipeline: MemoryPipeline) -> None:
    """They are no events."""
    await pipeline.source.send(b"{")
    await pipeline.drain()
    assert pipeline.count("dead_letters") == 1
    assert shadowed(pipeline) == {}
