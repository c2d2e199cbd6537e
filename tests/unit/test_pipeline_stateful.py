"""The real pipeline under any order of sends, crashes and outages that Hypothesis thinks of."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, ClassVar

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consumer.errors import ListenerUnavailable, Reason
from consumer.events.identity import dead_letter_id
from consumer.stores.memory import MemoryStore
from tests.support.eventually import eventually
from tests.support.memory_sink import (
    NO_ROUTES,
    SINK_WINDOW_S,
    HandClock,
    JumpingLoop,
    MemoryPipeline,
)
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.events.identity import Identity
    from consumer.events.subjects import Routes
    from consumer.lanes.lane import Lane
    from consumer.stores.base import Memory
    from tests.support.source_memory import MemoryListener

TURNS = st.integers(0, 60)
"""Of the event loop: enough for a few batches, and every point on their way can be the last."""
COUNTS = st.integers(1, 6)


class WipedStore(MemoryStore):
    """Forgets everything when told to.

    Attributes:
        done_keys: every identity that was ever marked done.
    """

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self._clock_of_marks = clock
        self.done_keys: set[str] = set()

    def wipe(self) -> None:
        """Lose all data."""
        super().__init__(self._clock_of_marks)

    async def exchange(
        self, done: Sequence[Identity], claims: Sequence[Identity]
    ) -> list[Memory | None]:
        """See `Store.exchange`; other tasks get their turn, before and after."""
        self.done_keys |= {identity.key for identity in done}
        await asyncio.sleep(0)
        known = await super().exchange(done, claims)
        await asyncio.sleep(0)
        return known


def letter_id(body: bytes, reason: Reason) -> str:
    """Return the message id of a dead letter of the lanes here."""
    return dead_letter_id(body, "brand", "CASINO", "", "lane", reason.value)


class PipelineMachine(RuleBasedStateMachine):
    """Two lanes on one source, and everything that may happen to them."""

    routes: ClassVar[Routes] = NO_ROUTES

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=JumpingLoop)
        self.clock = HandClock()
        self.calm_s = self.clock.now_s()
        self.store = WipedStore(self.clock)
        self.pipeline = MemoryPipeline(clock=self.clock, store=self.store, routes=self.routes)
        self.sent: list[str] = []
        self.broken: list[bytes] = []
        self.conflicts: list[bytes] = []
        self.may_forget = self.forgetful = False
        self.runner.run(self.pipeline.open())
        self.lanes: list[tuple[MemoryListener, Lane, asyncio.Task[None]]] = []
        self.generation = 0
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        """Start two lanes, as a process does."""
        self.halt = asyncio.Event()
        loop = asyncio.get_running_loop()
        for _ in range(2):
            self.generation += 1
            listener = self.pipeline.source.listener(max_batch_count=4)
            await listener.open()
            lane = self.pipeline.lane(f"lane{self.generation}", letters_of="lane")
            running = loop.create_task(lane.run(listener, self.halt), name="lane")
            self.lanes.append((listener, lane, running))

    async def _end(self, *, crash: bool) -> None:
        """End all lanes, by force or drained; unsettled deliveries go back to the source."""
        self.halt.set()
        for listener, _, running in self.lanes:
            if crash:
                running.cancel()
            await asyncio.wait([running])
            await listener.close()
            if not running.cancelled():
                assert isinstance(running.exception(), ListenerUnavailable | None)
        self.lanes.clear()

    async def _turns(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    def _send(self, body: bytes) -> None:
        self.runner.run(self.pipeline.source.send(body))

    @initialize(may_forget=st.booleans())
    def choose(self, *, may_forget: bool) -> None:
        """Let half of the runs never forget, or every run would soon prove less."""
        self.may_forget = may_forget

    @rule(count=COUNTS)
    def send(self, count: int) -> None:
        """Send new events."""
        for _ in range(count):
            self.sent.append(f"e{len(self.sent)}")
            self._send(casino(activity_id=self.sent[-1]))

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), count=COUNTS)
    def send_again(self, data: st.DataObject, count: int) -> None:
        """Send an old event, perhaps several times."""
        activity_id = data.draw(st.sampled_from(self.sent))
        for _ in range(count):
            self._send(casino(activity_id=activity_id))

    @precondition(lambda self: self.sent and not self.forgetful)
    @rule(data=st.data())
    def send_conflicting(self, data: st.DataObject) -> None:
        """Send an old id with other deciding fields, once nobody can mix up which came first."""
        activity_id = data.draw(st.sampled_from(self.sent))
        self._settle_all()
        body = casino(activity_id=activity_id, amount=1000 + len(self.conflicts))
        self.conflicts.append(body)
        self._send(body)

    @rule()
    def send_broken(self) -> None:
        """Send what can never become an event."""
        self.broken.append(b'{"broken": %d' % len(self.broken))
        self._send(self.broken[-1])

    @rule(turns=TURNS)
    def run_a_while(self, turns: int) -> None:
        """Let the lanes work."""
        self.runner.run(self._turns(turns))

    @rule(turns=TURNS)
    def crash(self, turns: int) -> None:
        """Kill the process at any point, and start it again."""
        self.runner.run(self._turns(turns))
        self.runner.run(self._end(crash=True))
        self.runner.run(self._begin())

    @rule()
    def lose_connections(self) -> None:
        """Break the lanes' connections; what they finish is not settled."""
        self.pipeline.source.cut()
        self.crash(turns=3)

    @rule(count=COUNTS)
    def lose_confirmations(self, count: int) -> None:
        """Let the sink store without saying so."""
        self.pipeline.sink.lose_next_count = count
        self.pipeline.letters.lose_next_count = count

    @rule(down=st.booleans())
    def turn_sink(self, *, down: bool) -> None:
        """Let the sink go away or come back."""
        self.pipeline.sink.down = down

    @precondition(lambda self: self.may_forget)
    @rule()
    def wipe_store(self) -> None:
        """Lose all marks; conflicts cannot be noticed any more, and a lapse doubles."""
        self.forgetful = True
        self.store.wipe()

    @precondition(lambda self: self.may_forget)
    @rule(seconds=st.sampled_from([1.0, SINK_WINDOW_S / 2]))
    def pass_time(self, seconds: float) -> None:
        """Let time pass over what is in flight: the sink may forget it before it is marked."""
        self.clock.advance(seconds)
        if self.clock.now_s() - self.calm_s >= SINK_WINDOW_S:
            self.forgetful = True

    @rule()
    def pass_the_window_calmly(self) -> None:
        """Let the sink forget everything that the store knows to be done: nothing may change."""
        self._settle_all()
        self.clock.advance(SINK_WINDOW_S)
        self.calm_s = self.clock.now_s()

    @invariant()
    def books_balance(self) -> None:
        """At every moment, for lanes that live and, together, for those that were killed."""
        assert self.pipeline.balanced()

    @invariant()
    def nothing_is_stored_twice(self) -> None:
        """As long as store or sink remember."""
        if not self.forgetful:
            twice = [key for key, n in Counter(self.pipeline.sink.ids).items() if n > 1]
            assert not twice

    def _settle_all(self) -> None:
        """Run calmly until the source is empty, and go on with new lanes."""
        self.pipeline.sink.down = False
        self.pipeline.sink.lose_next_count = self.pipeline.letters.lose_next_count = 0
        self.runner.run(self._calm())

    async def _calm(self) -> None:
        for listener, _, running in self.lanes:
            assert not running.done(), listener
        await eventually(self.pipeline.source.remaining_is(0))
        await self._end(crash=False)
        await self._begin()

    def teardown(self) -> None:
        """Check, after a last calm phase, that nothing is lost and nothing is left."""
        try:
            self._settle_all()
            self.runner.run(self._end(crash=False))
        finally:
            self.runner.close()
        bodies = [json.loads(message.body) for message in self.pipeline.sink.stored]
        stored = {body["data"]["activity_id"] for body in bodies}
        assert stored == set(self.sent)
        letters = {message.message_id for message in self.pipeline.letters.stored}
        expected = {letter_id(body, Reason.MALFORMED) for body in self.broken}
        if not self.forgetful:
            expected |= {letter_id(body, Reason.CONFLICT) for body in self.conflicts}
            assert letters == expected
        assert expected <= letters


TestPipeline = PipelineMachine.TestCase
TestPipeline.settings = settings(
    max_examples=120,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
