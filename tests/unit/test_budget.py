"""No delivery costs more than its budget, whatever is in it; its time is measured in bench/."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import threading
import tracemalloc
from typing import TYPE_CHECKING, Final

import pytest
import zstandard

from consumer.errors import Reason, Rejected
from consumer.events.normalise import ODDITIES_MAX_COUNT, Normaliser
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.budget import (
    USUAL_SINK_BYTES,
    VALUES_MAX_COUNT,
    max_body_bytes,
    refuse_many_values,
)
from consumer.pipeline.decode import LARGE_BYTES, Decoder
from tests.support.bombs import bombs, custom, repeated
from tests.support.fates import reason, rejected, sent
from tests.support.memory_sink import MemoryPipeline
from tests.support.samples import casino

if TYPE_CHECKING:
    from consumer.events.normalise import Event
    from tests.support.bombs import Bomb

PERMITTED_BYTES: Final = 256 * 1024
VALUES_COUNT: Final = PERMITTED_BYTES // 40
BOMBS: Final = {bomb.name: bomb for bomb in bombs(PERMITTED_BYTES, VALUES_COUNT)}
TIMES_PERMITTED: Final = 8
DEAREST: Final = {"text where a name is": 9.1}
"""A known field that is one text: four bytes for each character, when it is read and when it is
written."""


def work_of(bomb: Bomb) -> Work:
    """Return the work of a bomb."""
    return Work(sent(bomb.body, bomb.message_type, content_encoding=bomb.encoding or None))


@pytest.mark.parametrize("name", BOMBS)
def test_memory_is_a_small_multiple_of_the_permitted_size(name: str) -> None:
    """Nothing of it is a bug of ours, and nothing is refused that is permitted."""
    work = work_of(BOMBS[name])
    decoder = Decoder(limit_bytes=lambda: PERMITTED_BYTES)
    tracemalloc.start()
    try:
        decoder.decode(Batch([work], 0.0, 0.0))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reason(work) is not Reason.INTERNAL
    assert peak_bytes < DEAREST.get(name, TIMES_PERMITTED) * PERMITTED_BYTES
    if "permitted" in name:
        assert work.event is not None
    if "as many as fit" in name:
        assert reason(work) is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b"[1,2,3]", 3),
        (b'{"a":[1,{"b":","}]}', 4),
        (b'{"a":"[,{\\",","b":[]}', 3),
        (b'"\\\\",[', 2),
        (b'"open,[[[', 0),
        (b'"open\\', 0),
        (b'["a,', 1),
    ],
)
def test_values_are_counted_outside_of_texts(body: bytes, count: int) -> None:
    """With escaped quotes, and with texts that have no end."""
    room_bytes = 40 * (count + 1)
    refuse_many_values(body, room_bytes)
    if count:
        with pytest.raises(Rejected, match=f"body: expected at most {count} values, got more"):
            refuse_many_values(body, 40 * count)


def test_number_of_values_has_a_limit_of_its_own() -> None:
    """However large a body may be."""
    with pytest.raises(Rejected, match=f"at most {VALUES_MAX_COUNT} values"):
        refuse_many_values(repeated(b"1", VALUES_MAX_COUNT), 10**9)


def test_permitted_size_follows_the_sink() -> None:
    """Unless the operator says otherwise."""
    assert max_body_bytes() == 2 * USUAL_SINK_BYTES
    assert max_body_bytes(None, 1000) == 2000
    assert max_body_bytes(500, 1000) == 500


async def test_sink_that_takes_more_lets_more_in() -> None:
    """The limit is read when the delivery comes, because a reconnect may change it."""
    permitted_bytes = 3000
    decoder = Decoder(limit_bytes=lambda: permitted_bytes)
    body = casino(meta={"a": "x" * 5000})
    for packed, encoding in ((body, None), (gzip.compress(body), "gzip")):
        permitted_bytes = 3000
        small, large = (Work(sent(packed, "CASINO", content_encoding=encoding)) for _ in range(2))
        _ = [batch async for batch in decoder.batches([small], 0.0, 0.0)]
        permitted_bytes = 6000
        _ = [batch async for batch in decoder.batches([large], 0.0, 0.0)]
        assert reason(small) is Reason.TOO_LARGE
        assert large.event is not None


@pytest.mark.parametrize("encoding", ["gzip", None])
async def test_large_body_is_decoded_in_a_thread(
    encoding: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop goes on meanwhile; small bodies stay in their order around it."""
    threads: dict[str, int] = {}
    normalise = Normaliser.normalise

    def watched(self: Normaliser, body: bytes, arrived_s: float, message: str = "") -> Event:
        event = normalise(self, body, arrived_s, message)
        threads[event.id] = threading.get_ident()
        return event

    monkeypatch.setattr(Normaliser, "normalise", watched)
    large = casino(activity_id="large", meta={"a": "x" * LARGE_BYTES})
    packed = gzip.compress(large) if encoding else large
    works = [
        Work(sent(casino(activity_id="before"), "CASINO")),
        Work(sent(packed, "CASINO", content_encoding=encoding)),
        Work(sent(casino(activity_id="after"), "CASINO")),
    ]
    batches = [batch async for batch in Decoder().batches(works, 0.0, 0.0)]
    assert [work for batch in batches for work in batch.works] == works
    here = threading.get_ident()
    assert [threads[id_] == here for id_ in ("before", "large", "after")] == [True, False, True]


async def test_lane_that_is_cancelled_while_a_large_body_is_decoded_ends_at_once() -> None:
    """What the thread still does is nobody's any more."""
    pipeline = MemoryPipeline()
    await pipeline.open()
    body = custom(repeated(b"0.5", 50_000))
    works = [Work(sent(body, "CUSTOM")) for _ in range(20)]
    decoder = Decoder()

    async def decode() -> None:
        async for _ in decoder.batches(works, 0.0, 0.0):
            pass

    async with asyncio.TaskGroup() as group:
        task = group.create_task(decode())
        await asyncio.sleep(0)
        task.cancel()
    assert works[-1].event is None


def test_oddities_of_an_event_are_bounded() -> None:
    """Each of them is counted on the event loop."""
    body = casino()[:-1] + b"".join(b',"k%d":1' % index for index in range(5000)) + b"}"
    work = Work(sent(body, "CASINO"))
    Decoder().decode(Batch([work], 0.0, 0.0))
    assert rejected(work) is None
    assert work.event is not None
    assert len(work.event.oddities) == ODDITIES_MAX_COUNT


async def test_threads_do_not_share_the_memory_of_a_decompressor() -> None:
    """Two lanes with large bodies in zstd: one would refuse, or change, what the other reads."""
    body = casino(meta={"a": ["x" * 50 + str(number) for number in range(3000)]})
    packed = zstandard.compress(body)

    def decode() -> list[Work]:
        works = [Work(sent(packed, "CASINO", content_encoding="zstd")) for _ in range(100)]
        Decoder().decode(Batch(works, 0.0, 0.0))
        return works

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.to_thread(decode)) for _ in range(3)]
    assert {reason(work) for task in tasks for work in task.result()} == {None}


async def test_time_is_measured_for_each_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of empty frames before a small event take long, and the event tells nothing."""
    now_s = itertools.count(0.0, 0.02)
    monkeypatch.setattr("consumer.turn.time.perf_counter", lambda: next(now_s))
    works = [Work(sent(casino(), "CASINO")) for _ in range(40)]
    batches = [len(batch.works) async for batch in Decoder().batches(works, 0.0, 0.0)]
    assert set(batches) == {2}


async def test_batch_does_not_pay_for_the_time_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store and the sink have their turns, the decoder's turn does not run."""
    now_s = 0.0
    monkeypatch.setattr("consumer.turn.time.perf_counter", lambda: now_s)
    works = [Work(sent(casino(meta={"a": "x" * 3000}), "CASINO")) for _ in range(50)]
    monkeypatch.setattr("consumer.pipeline.decode.HELD_BYTES", 10_000)
    counts = []
    async for batch in Decoder().batches(works, 0.0, 0.0):
        counts.append(len(batch.works))
        now_s += 1.0
    assert set(counts[:-1]) == {3}
