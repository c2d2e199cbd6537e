"""Several outputs of one event: all of them stored, each once, or it is not done."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import invariant, rule

from consumer.events.identity import output_id
from tests.support.eventually import eventually
from tests.support.memory_sink import MemoryPipeline, MemorySink
from tests.support.samples import casino, payment
from tests.unit.test_pipeline_stateful import TURNS, PipelineMachine

if TYPE_CHECKING:
    from consumer.events.subjects import Routes

OUTPUTS = ["game.bet", "audit.game", "more.bets"]
TWO: Routes = {"game.*": ["game.*", "audit.game"]}


@pytest.fixture(autouse=True)
def _short_idle_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle lane sleeps in `receive`, and each test would wait for that at its end."""
    monkeypatch.setattr("consumer.lanes.lane.RECEIVE_TIMEOUT_S", 0.01)


@pytest.fixture
async def pipeline() -> MemoryPipeline:
    """Return an open pipeline with two outputs for each game event."""
    pipeline = MemoryPipeline(routes=TWO)
    await pipeline.open()
    return pipeline


def stored(pipeline: MemoryPipeline) -> list[str]:
    """Return the subjects of what is stored, in order."""
    return [message.subject for message in pipeline.sink.stored]


async def crash(pipeline: MemoryPipeline, *, once_stored: list[str]) -> None:
    """Run a lane, and end it by force when so much is stored."""
    listener = pipeline.source.listener()
    await listener.open()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(pipeline.lane().run(listener, asyncio.Event()), name="lane")
        await eventually(lambda: stored(pipeline) == once_stored)
        assert not pipeline.count("forwarded")
        running.cancel()
    await listener.close()


async def test_both_outputs_are_stored_and_the_event_counts_once(pipeline: MemoryPipeline) -> None:
    """Under its own subject; other families are as ever."""
    await pipeline.source.send(casino())
    await pipeline.source.send(payment(), "PAYMENT")
    await pipeline.drain()
    assert stored(pipeline) == ["game.bet", "audit.game", "wallet.deposit_approved"]
    assert pipeline.sink.stored[0].body == pipeline.sink.stored[1].body
    counted = pipeline.metrics.forwarded.collect()
    assert [(s.labels["subject"], s.value) for f in counted for s in f.samples] == [
        ("game.bet", 1),
        ("wallet.deposit_approved", 1),
    ]


@pytest.mark.parametrize("failing", ["game.bet", "audit.game"])
async def test_event_is_not_settled_while_one_output_fails(
    pipeline: MemoryPipeline, failing: str
) -> None:
    """Nor marked; the other output is not stored again when it goes on."""
    pipeline.sink.failing = {failing}
    await pipeline.source.send(casino())
    listener = pipeline.source.listener()
    await listener.open()
    async with asyncio.TaskGroup() as group:
        group.create_task(pipeline.run(listener, pipeline.source.remaining_is(0)))
        await eventually(lambda: pipeline.count("retries") >= 3)
        assert (len(stored(pipeline)), len(listener.unsettled)) == (1, 1)
        assert pipeline.count("in_flight") == 1
        pipeline.sink.failing = set()
    assert sorted(stored(pipeline)) == ["audit.game", "game.bet"]
    assert pipeline.count("forwarded") == 1


@pytest.mark.parametrize(
    "later",
    [
        {"game.*": ["game.*", "audit.game"]},
        {"game.*": ["audit.game", "game.*"]},
        {"game.bet": ["first.of-all", "audit.game", "game.bet"]},
    ],
    ids=["the same", "reordered", "one more"],
)
@pytest.mark.parametrize("first", ["game.bet", "audit.game"])
async def test_crash_between_the_outputs_doubles_none(
    pipeline: MemoryPipeline, first: str, later: Routes
) -> None:
    """Whatever the operator changes before the next start."""
    pipeline.sink.failing = {"game.bet", "audit.game"} - {first}
    await pipeline.source.send(casino())
    await crash(pipeline, once_stored=[first])
    pipeline.sink.failing = set()
    pipeline.routes = later
    await pipeline.drain()
    assert not [name for name, n in Counter(stored(pipeline)).items() if n > 1]
    assert {"game.bet", "audit.game"} <= set(stored(pipeline))
    assert (pipeline.count("forwarded"), pipeline.count("duplicates")) == (1, 0)


async def test_event_is_a_duplicate_only_when_every_output_was_there(
    pipeline: MemoryPipeline,
) -> None:
    """A crash after both: another process may have published them."""
    await pipeline.source.send(casino())
    await pipeline.drain()
    again = MemoryPipeline(sink=pipeline.sink, clock=pipeline.clock, routes=TWO)
    await again.open()
    await again.source.send(casino())
    await again.drain()
    assert (again.count("forwarded"), again.count("duplicates")) == (0, 1)
    assert stored(pipeline) == ["game.bet", "audit.game"]


async def test_too_large_event_is_one_dead_letter() -> None:
    """And none of its outputs is tried."""
    pipeline = MemoryPipeline(sink=MemorySink(max_message_bytes=2000), routes=TWO)
    await pipeline.open()
    await pipeline.source.send(casino(game_name="x" * 5000))
    await pipeline.drain()
    assert not stored(pipeline)
    assert [letter.headers["Dead-Reason"] for letter in pipeline.letters.stored] == ["too_large"]


class FanOutMachine(PipelineMachine):
    """Everything that may happen to lanes, with two outputs and an operator who changes them."""

    routes: ClassVar[Routes] = TWO

    @rule(turns=TURNS, order=st.permutations(OUTPUTS), more=st.booleans())
    def crash_and_reroute(self, turns: int, order: list[str], *, more: bool) -> None:
        """Kill the process at any point; two outputs stay, wherever they stand."""
        self.pipeline.routes = {"game.bet": [one for one in order if more or one != "more.bets"]}
        self.crash(turns=turns)

    @rule(subjects=st.sets(st.sampled_from(["game.bet", "audit.game"])))
    def fail_subjects(self, subjects: set[str]) -> None:
        """Let some outputs fail and others not."""
        self.pipeline.sink.failing = subjects

    def _settle_all(self) -> None:
        self.pipeline.sink.failing = set()
        super()._settle_all()

    @invariant()
    def done_means_that_both_are_stored(self) -> None:
        """At every moment, under the ids that only key and subject make."""
        ids = set(self.pipeline.sink.ids)
        for key in self.store.done_keys:
            assert {key, output_id(key, "audit.game")} <= ids

    @invariant()
    def no_subject_has_an_event_twice(self) -> None:
        """As long as store or sink remember."""
        stored = Counter((one.subject, one.body) for one in self.pipeline.sink.stored)
        assert self.forgetful or not [one for one, n in stored.items() if n > 1]


TestFanOut = FanOutMachine.TestCase
TestFanOut.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
