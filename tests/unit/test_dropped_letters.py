"""Letters that were dropped while the server still knew their ids, with everything in memory."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.eventually import eventually
from tests.support.memory_sink import MemoryPipeline

BODY = b'{"amount": 1'


@pytest.fixture
async def pipeline() -> MemoryPipeline:
    """Return an open pipeline that no flood of letters stops."""
    pipeline = MemoryPipeline()
    pipeline.max_share = 1.0
    await pipeline.open()
    return pipeline


async def send(pipeline: MemoryPipeline, count: int = 1, *, batch: int = 500) -> None:
    """Send copies of a message that can never become an event, until all are settled."""
    for _ in range(count):
        await pipeline.source.send(BODY)
    await pipeline.drain(batch=batch)


async def test_letter_that_was_dropped_is_stored_again(pipeline: MemoryPipeline) -> None:
    """Its delivery is settled, so it would exist nowhere."""
    await send(pipeline)
    (message_id,) = pipeline.letters.ids
    pipeline.letters.stored.clear()
    await send(pipeline)
    assert pipeline.letters.ids == [f"{message_id}:1"]


@pytest.mark.parametrize("batch", [1, 500])
async def test_copies_join_the_letter_that_was_stored_again(
    pipeline: MemoryPipeline, batch: int
) -> None:
    """In one batch, and in later batches."""
    await send(pipeline)
    pipeline.letters.stored.clear()
    await send(pipeline, 5, batch=batch)
    await send(pipeline, 5, batch=batch)
    assert len(pipeline.letters.stored) == 1
    assert pipeline.balanced()


async def test_each_drop_takes_another_id(pipeline: MemoryPipeline) -> None:
    """However often somebody drops the letter within the window."""
    await send(pipeline)
    (message_id,) = pipeline.letters.ids
    for number in (1, 2, 3):
        pipeline.letters.stored.clear()
        await send(pipeline)
        assert pipeline.letters.ids == [f"{message_id}:{number}"]


async def test_copies_in_one_batch_need_no_look(
    pipeline: MemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of them was stored just now. Copies in a later batch need one look."""
    looks: list[str] = []
    keeps = pipeline.letters.keeps

    async def counted(number: int, message_id: str, /) -> bool:
        looks.append(message_id)
        return await keeps(number, message_id)

    monkeypatch.setattr(pipeline.letters, "keeps", counted)
    await send(pipeline, 100)
    assert looks == []
    await send(pipeline, 100)
    assert looks == pipeline.letters.ids


async def test_nothing_is_settled_while_the_letter_cannot_be_looked_for(
    pipeline: MemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lane holds the delivery, and says why."""
    await send(pipeline)
    pipeline.letters.stored.clear()
    keeps = pipeline.letters.keeps

    async def lost(number: int, message_id: str, /) -> bool:
        pipeline.letters.lose()
        return await keeps(number, message_id)

    monkeypatch.setattr(pipeline.letters, "keeps", lost)
    async with asyncio.TaskGroup() as group:
        group.create_task(send(pipeline))
        await eventually(lambda: "connection lost" in str(pipeline.health.report()))
        assert await pipeline.source.remaining() == 1
        monkeypatch.undo()
        await pipeline.letters.open()
    assert len(pipeline.letters.ids) == 1


async def test_letters_are_looked_for_at_the_same_time(
    pipeline: MemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a crash, a whole batch may be duplicates. At most 20 looks are under way at once."""
    keeps = pipeline.letters.keeps
    under_way, most = 0, 0

    async def slow(number: int, message_id: str, /) -> bool:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return await keeps(number, message_id)

    monkeypatch.setattr(pipeline.letters, "keeps", slow)
    for _ in range(2):
        pipeline.letters.stored[50:] = []
        for number in range(100):
            await pipeline.source.send(b"%d" % number)
        await pipeline.drain(batch=100)
    assert (most, len(pipeline.letters.stored)) == (20, 100)
    assert pipeline.balanced()
