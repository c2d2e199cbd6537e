"""A sink in memory: passes the contract suite of the real ones, and fails on demand.

It recognises message ids for `window_s`, as JetStream does, on a clock that a test may move.
Around it, `MemoryPipeline`: the real pipeline with everything outside of it in memory.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from consumer.clock import SYSTEM_CLOCK, Clock
from consumer.config.load import Config
from consumer.dead_letters.record import first_letters
from consumer.dead_letters.stream import DeadLetters, DeadLetterSettings
from consumer.errors import SinkUnavailable
from consumer.lanes.lane import Lane
from consumer.lanes.outside import Outside
from consumer.lanes.wire import Watched, make_steps
from consumer.operations.health import Health
from consumer.operations.metrics import Metrics
from consumer.sinks.base import Message, Receipt, Sink, SinkSettings
from consumer.stores.base import DedupeSettings
from consumer.stores.memory import MemoryStore
from tests.support.eventually import eventually
from tests.support.source_memory import MemorySource

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from prometheus_client import Counter, Gauge

    from consumer.events.subjects import Routes
    from consumer.operations.caveat import Caveat
    from consumer.pipeline.steps import Steps
    from consumer.stores.base import Store
    from tests.support.source_memory import MemoryListener

MAX_MESSAGE_BYTES: Final = 1024 * 1024
SINK_WINDOW_S: Final = 600.0
STORE_WINDOW_S: Final = 86_400.0
NO_ROUTES: Final[Routes] = MappingProxyType({})


class MemorySink(Sink):
    """Stores messages in a list.

    Args:
        window_s: how long a message id is recognised, in seconds.
        clock: for the window.
        subjects: first tokens that are stored; empty: every subject is.
        max_message_bytes: what it says once it is open.

    Attributes:
        stored: every message, oldest first.
        failing: subjects of which nothing is stored or confirmed.
        fail_next_count: so many next messages are neither stored nor confirmed.
        lose_next_count: so many next messages are stored and not confirmed.
        down: True: nothing is stored or confirmed until it is False again.
        calls_count: of `publish`.
        lowered_limit_bytes: what it takes in truth, and tells when it refuses a message.
    """

    def __init__(
        self,
        *,
        window_s: float = 600.0,
        clock: Clock = SYSTEM_CLOCK,
        subjects: tuple[str, ...] = (),
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        self._window_s = window_s
        self._clock = clock
        self._subjects = subjects
        self._limit = max_message_bytes
        self._seen: dict[str, tuple[float, int]] = {}
        self._stored_count = 0
        self._open = False
        self._lost = asyncio.Event()
        self._why_lost = "not connected yet"
        self.stored: list[Message] = []
        self.failing: set[str] = set()
        self.fail_next_count = 0
        self.lose_next_count = 0
        self.down = False
        self.calls_count = 0
        self.lowered_limit_bytes = math.inf

    @property
    def max_message_bytes(self) -> int:
        """See `Sink.max_message_bytes`."""
        return self._limit if self._open else 0

    @property
    def ids(self) -> list[str]:
        """The message ids of what is stored, oldest first."""
        return [message.message_id for message in self.stored]

    async def open(self) -> list[Caveat]:
        """See `Part.open`."""
        if self.down:
            raise SinkUnavailable("memory: down")
        self._lost = asyncio.Event()
        self._open = True
        return []

    async def wait_lost(self) -> str:
        """See `Sink.wait_lost`."""
        if self._open:
            await self._lost.wait()
        return self._why_lost

    async def publish(self, messages: Sequence[Message]) -> list[Receipt | SinkUnavailable]:
        """See `Sink.publish`."""
        self.calls_count += 1
        await asyncio.sleep(0)  # other lanes get their turn, as with a real connection
        return [self._take(message) for message in messages]

    def _take(self, message: Message) -> Receipt | SinkUnavailable:
        why = self._why_not(message)
        if why is not None:
            return SinkUnavailable(why)
        receipt = self._store(message)
        if self.lose_next_count:
            self.lose_next_count -= 1
            return SinkUnavailable("memory: told to lose the confirmation")
        return receipt

    def _why_not(self, message: Message) -> str | None:
        """Return why a message is neither stored nor confirmed, or None."""
        if not self._open or self.down:
            return "memory: down" if self._open else self._why_lost
        if self._subjects and message.subject.partition(".")[0] not in self._subjects:
            return "memory: no stream stores this subject"
        if message.size_bytes > self.lowered_limit_bytes:
            self._limit = int(self.lowered_limit_bytes)
            return "memory: larger than the limit that was lowered"
        if message.subject in self.failing:
            return "memory: told to fail on this subject"
        if self.fail_next_count:
            self.fail_next_count -= 1
            return "memory: told to fail"
        return None

    def _store(self, message: Message) -> Receipt:
        now_s = self._clock.monotonic_s()
        since_s, number = self._seen.get(message.message_id, (-math.inf, 0))
        if now_s - since_s < self._window_s:
            return Receipt(earlier_number=number)
        self._stored_count += 1
        self._seen[message.message_id] = (now_s, self._stored_count)
        self.stored.append(message)
        return Receipt.STORED

    async def keeps(self, number: int, message_id: str, /) -> bool:
        """See `Sink.keeps`. A test drops a message by taking it out of `stored`."""
        if not self._open or self.down:
            raise SinkUnavailable("memory: down" if self._open else self._why_lost)
        _, known = self._seen.get(message_id, (0.0, 0))
        return known == number and message_id in self.ids

    def lose(self) -> None:
        """Break the connection; `open` makes it again."""
        self._forget("memory: connection lost")

    def _forget(self, why: str) -> None:
        self._open = False
        self._why_lost = why
        self._lost.set()

    async def check(self) -> None:
        """See `Part.check`."""
        if not self._open or self.down:
            raise SinkUnavailable("memory: down")

    async def close(self) -> None:
        """See `Part.close`."""
        if self._open:
            self._forget("closed")


class HandClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self._s = 1_800_000_000.0

    def now_s(self) -> float:
        """See `Clock.now_s`."""
        return self._s

    def monotonic_s(self) -> float:
        """See `Clock.monotonic_s`."""
        return self._s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._s += seconds


class _JumpingSelector(selectors.DefaultSelector):
    """Says that the time has come instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now_s += max(0.0, timeout or 0.0)
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time. For everything in memory, without real I/O."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the seconds that were waited so far."""
        return self._jumping.now_s


def jump(scenario: Coroutine[Any, Any, None]) -> None:
    """Run a scenario in which waiting takes no time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(scenario)


def no_object_store() -> NoReturn:
    """Stand where the way to the object store is asked for: no body here is over the limit."""
    raise AssertionError


class MemoryPipeline:
    """The real pipeline of one brand, with source, store and sinks in memory.

    Args:
        sink: of events; an open one by default.
        store: of identities.
        routes: of lanes that are made from now on.

    Attributes:
        letters: the sink of dead letters.
        routes: may be changed, as by an operator between two starts.
        max_share: of dead letters, above which a lane stops its listener.
        shadow: lanes made from now on drop nothing.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        sink: MemorySink | None = None,
        store: Store | None = None,
        routes: Routes = NO_ROUTES,
    ) -> None:
        self.routes = routes
        self.clock = clock or HandClock()
        self.sink = (
            sink if sink is not None else MemorySink(clock=self.clock, window_s=SINK_WINDOW_S)
        )
        self.letters = MemorySink(clock=self.clock, window_s=SINK_WINDOW_S)
        # Not `or`: an empty MemoryStore is false.
        self.store = MemoryStore(self.clock) if store is None else store
        self.source = MemorySource()
        self.max_share = 0.5
        self.shadow = False
        self.health = Health()
        self.metrics = Metrics()

    async def open(self) -> None:
        """Open both sinks."""
        await self.sink.open()
        await self.letters.open()

    def config(self) -> Config:
        """Return the configuration of lanes that are made from now on."""
        return Config(
            listeners={},
            dedupe=DedupeSettings(store="memory", mode="shadow" if self.shadow else "enforce"),
            sink=SinkSettings(duplicate_window_s=SINK_WINDOW_S),
            routes={key: list(targets) for key, targets in self.routes.items()},
            dead_letters=DeadLetterSettings(max_share=self.max_share),
        )

    def steps(self, name: str = "lane", letters_of: str | None = None) -> Steps:
        """Make the steps of a lane, whose letters may have the name of another listener."""
        config = self.config()
        dead_letters = DeadLetters(self.letters, config.dead_letters, no_object_store)
        outside = Outside(self.store, self.sink, dead_letters)
        watched = Watched(self.health, self.metrics)
        return make_steps(name, config, outside, watched, first_letters(letters_of or name))

    def lane(self, name: str = "lane", letters_of: str | None = None) -> Lane:
        """Make a lane."""
        return Lane(self.steps(name, letters_of), self.clock)

    async def run(
        self, listener: MemoryListener, until: Callable[[], object], *, lane: Lane | None = None
    ) -> None:
        """Run a lane on an open listener until something is so, and drain it."""
        halt = asyncio.Event()
        lane = lane or self.lane(listener.name)
        async with asyncio.TaskGroup() as group:
            group.create_task(lane.run(listener, halt), name="lane")
            await eventually(until)
            halt.set()
            listener.hurry()  # an idle lane would see only after its wait that it has to halt

    async def drain(self, *, lane: Lane | None = None, batch: int = 500) -> None:
        """Run until the source is empty."""
        listener = self.source.listener(max_batch_count=batch)
        await listener.open()
        await self.run(listener, self.source.remaining_is(0), lane=lane)
        await listener.close()

    def count(self, metric: str, name: str | None = None) -> int:
        """Return a counter's or gauge's value, summed over its labels.

        Args:
            metric: an attribute of `Metrics`.
            name: of one lane; None: of all together.
        """
        counted: Counter | Gauge = getattr(self.metrics, metric)
        return sum(
            int(sample.value)
            for family in counted.collect()
            for sample in family.samples
            if name in (None, sample.labels["listener"])
        )

    def balanced(self, name: str | None = None) -> bool:
        """Tell whether every delivery taken in is booked exactly once."""
        booked = ("forwarded", "duplicates", "dead_letters", "in_flight")
        return self.count("received", name) == sum(self.count(metric, name) for metric in booked)
