"""What one sender writes costs its own deliveries, never the lane or the event loop."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import pytest

from consumer.api.all_errors import LOOKED_MAX_BYTES, AllErrors
from consumer.errors import Misfit, Reason, Rejected
from consumer.events.conflict import READ_MAX_BYTES, conflict_text
from consumer.events.normalise import Normaliser
from consumer.events.registry import find
from consumer.events.repair import OBJECTS_MAX_COUNT, may_be_repaired
from consumer.lanes import supervise
from consumer.lanes.lane import Lane
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from tests.support.fates import rejected, sent
from tests.support.memory_sink import MemoryPipeline
from tests.support.samples import casino

if TYPE_CHECKING:
    from consumer.events.normalise import Event
    from tests.support.source_memory import MemoryListener

AT_ONCE_S = 2.0
"""Far more than these bodies take now, and far less than they took without bounds (12 to 75 s)."""


def nested(depth: int) -> bytes:
    """Return the JSON of an object that is nested this deeply."""
    return b'{"a":' * depth + b"1" + b"}" * depth


def event(**fields: object) -> Event:
    """Return a CASINO event."""
    event_type = find("CASINO")
    assert event_type is not None
    return Normaliser(event_type, "brand").normalise(casino(**fields), 0.0)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("shadow", [True, False])
async def test_conflict_with_the_deepest_body_costs_one_letter(
    *, together: bool, shadow: bool
) -> None:
    """Such a body can just be read once; our own is nested one level deeper."""
    pipeline = MemoryPipeline()
    pipeline.shadow = shadow
    await pipeline.open()
    for depth in range(860, 1000, 2):
        await pipeline.source.send(casino(activity_id=f"e{depth}", amount=1))
        deep = casino(activity_id=f"e{depth}", amount=2, meta={})
        await pipeline.source.send(deep.replace(b"{}", nested(depth)))
    await pipeline.drain(batch=500 if together else 1)
    assert pipeline.balanced()
    assert len(pipeline.letters.stored) + pipeline.count("shadow_duplicates") == 70


def test_large_event_is_not_read_again_for_the_words_of_a_conflict() -> None:
    """Hundreds of small conflicts with it are judged in one step."""
    large = event(meta={"note": "x" * READ_MAX_BYTES})
    small = event(amount=77)
    assert "amount" in conflict_text(small, event())
    assert "at least one of user_id" in conflict_text(small, large)
    assert conflict_text(large, small).endswith("other values in its deciding fields")


@pytest.mark.parametrize(
    "bets",
    [b"[" + b"{}," * 300_000 + b"{}]", b"[" * 800 + b'"' + b"x" * 900_000 + b'"' + b"]" * 800],
    ids=["many objects", "deep lists"],
)
def test_large_broken_list_is_refused_at_once(bets: bytes) -> None:
    """The search for ids that are numbers with a point is bounded."""
    work = Work(sent(b'{"bets":' + bets + b"}", "SPORTSBOOK"))
    started_s = time.process_time()
    Decoder().decode(Batch([work], 0.0, 0.0))
    assert rejected(work) is not None
    assert time.process_time() - started_s < AT_ONCE_S


@pytest.mark.parametrize(("count", "passes"), [(OBJECTS_MAX_COUNT, True), (1001, False)])
def test_ids_with_a_point_are_mended_in_lists_of_a_bounded_length(
    count: int, *, passes: bool
) -> None:
    """Each object costs Python's time."""
    line = {"line_id": 1.0, "numbers": [1]}
    body = {
        **json.loads(casino()),
        "type": "Bet",
        "lines": [line] * count,
    }
    work = Work(sent(json.dumps(body).encode(), "LOTTERY_V2"))
    Decoder().decode(Batch([work], 0.0, 0.0))
    assert (work.event is not None) is passes


@pytest.mark.parametrize(
    "message",
    ["Expected `array`, got `str` - at `$.bets`", "Expected `str`, got `int` - at `$.a`"],
)
def test_other_errors_are_no_reason_to_look_for_repairs(message: str) -> None:
    """Only the errors about an id, a flag and an empty list are."""
    assert not may_be_repaired(message, b"{}")


async def test_stop_while_an_opening_runs_out_of_time_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its deadline cannot be moved any more; the other lanes have to hear of the drain too."""
    monkeypatch.setattr(supervise, "OPEN_DEADLINE_S", 0.0)
    pipeline = MemoryPipeline()
    await pipeline.open()
    unwinding, done = asyncio.Event(), asyncio.Event()

    async def slow_open() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            unwinding.set()
            await done.wait()

    def make() -> MemoryListener:
        listener = pipeline.source.listener()
        monkeypatch.setattr(listener, "open", slow_open)
        return listener

    steps = pipeline.steps()
    lane = Lane(steps, pipeline.clock)
    supervisor = supervise.Supervisor("lane", make, lane, pipeline.health, steps.books)
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await unwinding.wait()
        supervisor.stop()
        done.set()


@pytest.mark.parametrize(
    ("message_type", "body"),
    [
        ("CASINO", b"{%s}" % b",".join(b'"amoun%d":1' % number for number in range(1200))),
        ("CART", b'{"items":[%s]}' % b",".join([b"{}"] * 5000)),
    ],
    ids=["unknown fields", "empty objects"],
)
def test_errors_of_a_posted_event_are_found_at_once(message_type: str, body: bytes) -> None:
    """The event loop waits while they are found: up to half a second for each, without bounds."""
    assert len(body) <= LOOKED_MAX_BYTES
    errors_of = AllErrors(strict=False)
    rejected = Rejected(Reason.INVALID, Misfit("amount", "number", '"abc"'))
    started_s = time.perf_counter()
    for _ in range(40):
        assert len(errors_of(message_type, body, rejected)) > 1
    assert time.perf_counter() - started_s < AT_ONCE_S
