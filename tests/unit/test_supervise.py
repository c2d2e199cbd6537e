"""The loop that every listener lives in, in a time that jumps: no test here waits for anything."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from consumer.errors import ListenerUnavailable
from consumer.lanes.supervise import OPEN_DEADLINE_S
from tests.support.eventually import eventually
from tests.support.jumping_time import pass_time
from tests.support.memory_sink import jump
from tests.support.source_memory import MemoryListener
from tests.support.supervised import Hanging, Supervised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.deliveries.delivery import Delivery


class Silent(MemoryListener):
    """Connected, and nothing ever arrives."""

    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """See `Listener.receive`."""
        del max_count, max_bytes
        await pass_time(timeout_s)
        self._check()
        return []


class Mute(MemoryListener):
    """Delivers, but does not tell its backlog."""

    async def backlog(self) -> int | None:
        """See `Listener.backlog`."""
        raise ListenerUnavailable("memory: no answer")


class Keeping(MemoryListener):
    """Wants to hear of what is held."""

    keep_every_s = 1.0
    kept: tuple[int, ...] = ()

    async def keep(self, deliveries: Sequence[Delivery]) -> None:
        """See `Listener.keep`."""
        self.kept = (*self.kept, len(deliveries))


class ShortHold(MemoryListener):
    """Its source takes back by force what is held for longer than 20 s."""

    max_hold_s = 20.0


class Complaining(MemoryListener):
    """One of its parts does not work, the others do."""

    async def backlog(self) -> int | None:
        """See `Listener.backlog`."""
        return 0


def test_complaint_makes_a_working_listener_unready() -> None:
    """It goes on, without a new connection, and is ready again when the complaint is over."""

    async def scenario() -> None:
        one = Supervised(Complaining)
        async with one.running():
            await one.send("a")
            await eventually(one.stored(1))
            _, listener = one.made[0]
            listener.complaint = "partition 0 waits"
            with capture_logs() as logs:
                await eventually(lambda: one.why_down() == "partition 0 waits", within_s=20)
                await pass_time(20)
            assert [each["event"] for each in logs] == ["listener works only in part"]
            await one.send("b")
            await eventually(one.stored(2))
            listener.complaint = ""
            await eventually(lambda: not one.why_down(), within_s=20)
            assert len(one.made) == 1

    jump(scenario())


def test_lost_connection_is_made_again() -> None:
    """With a new listener object; nothing is lost, and it is counted."""

    async def scenario() -> None:
        one = Supervised()
        async with one.running():
            await one.send("a")
            await eventually(one.stored(1))
            one.pipeline.source.cut()
            await one.send("b")
            await eventually(one.stored(2))
            assert not one.why_down()
        assert (len(one.made), one.restarts("lost")) == (2, 1)
        assert await one.pipeline.source.remaining() == 0

    jump(scenario())


def test_pauses_grow_while_it_is_away() -> None:
    """Up to 15 s, with `/readyz` saying why; then it is found again."""

    async def scenario() -> None:
        one = Supervised()
        one.queue.reachable = False
        async with one.running():
            await eventually(one.made_count(12))
            assert one.why_down() == "memory: the queue is not reachable"
            one.queue.reachable = True
            await eventually(lambda: not one.why_down())
        times_s = [made_s for made_s, _ in one.made[:12]]
        pauses_s = [after - before for before, after in itertools.pairwise(times_s)]
        assert pauses_s[0] <= 0.2
        assert all(7.5 <= pause_s <= 15.1 for pause_s in pauses_s[-3:])

    jump(scenario())


def test_pause_is_short_again_after_a_steady_connection() -> None:
    """An outage of yesterday does not slow down today's."""

    async def scenario() -> None:
        one = Supervised()
        one.queue.reachable = False
        async with one.running():
            await eventually(one.made_count(10))
            one.queue.reachable = True
            await eventually(lambda: not one.why_down())
            await pass_time(60)
            lost_s = asyncio.get_running_loop().time()
            count = len(one.made)
            one.pipeline.source.cut()
            await eventually(one.made_count(count + 1))
            assert one.made[-1][0] - lost_s < 1

    jump(scenario())


def test_stalled_listener_is_built_anew() -> None:
    """Messages wait at the source, and none arrives: connected, but silent."""

    async def scenario() -> None:
        one = Supervised(Silent, MemoryListener)
        async with one.running():
            await one.send("a")
            await eventually(one.stored(1))
        assert one.restarts("stalled") == 1
        assert 15 <= one.made[1][0] - one.made[0][0] <= 25

    jump(scenario())


def test_idle_listener_is_left_alone() -> None:
    """Nothing waits at the source, so nothing has to arrive."""

    async def scenario() -> None:
        one = Supervised(Silent)
        async with one.running():
            await pass_time(600)
        assert len(one.made) == 1

    jump(scenario())


def test_listener_held_too_long_lets_go() -> None:
    """While the sink is away its deliveries are the source's again; at the end stored once."""

    async def scenario() -> None:
        one = Supervised(ShortHold)
        async with one.running():
            one.pipeline.sink.down = True
            await one.send("a")
            await eventually(lambda: one.queue.redelivered_count or "held" in one.why_down())
            assert len(one.queue.waiting) == 1
            assert 20 <= asyncio.get_running_loop().time() <= 30
            one.pipeline.sink.down = False
            await eventually(one.pipeline.source.remaining_is(0))
        assert (len(one.pipeline.sink.stored), one.restarts("held_too_long")) == (1, 1)
        assert one.pipeline.balanced()

    jump(scenario())


def test_held_deliveries_are_kept_alive() -> None:
    """As often as the listener wants."""

    async def scenario() -> None:
        one = Supervised(Keeping)
        async with one.running():
            one.pipeline.sink.down = True
            await one.send("a")
            await pass_time(10.5)
            (_, listener), *_ = one.made
            assert isinstance(listener, Keeping)
            assert len(listener.kept) in (9, 10)
            assert set(listener.kept) == {1}
            one.pipeline.sink.down = False

    jump(scenario())


def test_stop_drains() -> None:
    """What was taken in is stored and settled; what was not stays at the source."""

    async def scenario() -> None:
        one = Supervised()
        async with one.running() as task:
            one.pipeline.sink.down = True
            await one.send(*map(str, range(1, 21)))
            await eventually(lambda: one.pipeline.count("retries"))
            one.supervisor.stop()
            await pass_time(10)
            assert not task.done()
            one.pipeline.sink.down = False
        taken_count = one.pipeline.count("received")
        assert one.pipeline.count("forwarded") == taken_count < 20
        assert await one.pipeline.source.remaining() == 20 - taken_count

    jump(scenario())


def test_stop_ends_the_pause() -> None:
    """Not only after the next try."""

    async def scenario() -> None:
        one = Supervised()
        one.queue.reachable = False
        async with one.running() as task:
            await eventually(one.made_count(10))
            started_s = asyncio.get_running_loop().time()
            one.supervisor.stop()
            await asyncio.wait([task])
            assert asyncio.get_running_loop().time() == started_s

    jump(scenario())


def test_stop_ends_a_hanging_open() -> None:
    """Nothing is in flight yet, so there is nothing to wait for."""

    async def scenario() -> None:
        one = Supervised(Hanging)
        async with one.running() as task:
            await eventually(one.made_count(1))
            one.supervisor.stop()
            await asyncio.wait([task])
            assert asyncio.get_running_loop().time() < 1

    jump(scenario())


def test_cancelling_gives_back_what_is_in_flight() -> None:
    """And closes the connection."""

    async def scenario() -> None:
        one = Supervised()
        async with one.running() as task:
            one.pipeline.sink.down = True
            await one.send("a", "b")
            await eventually(lambda: one.pipeline.count("retries"))
            task.cancel()
            await asyncio.wait([task])
        assert len(one.queue.waiting) == 2
        assert not one.queue.listeners

    jump(scenario())


def test_failing_listener_does_not_touch_another() -> None:
    """Each has a supervisor and a lane of its own."""

    async def scenario() -> None:
        bad, good = Supervised(Hanging), Supervised()
        async with bad.running(), good.running():
            for number in range(1, 21):
                await good.send(str(number))
                await eventually(good.stored(number))
                await pass_time(10)
        assert (len(bad.made) > 2, len(good.made)) == (True, 1)

    jump(scenario())


def test_hanging_open_is_given_up() -> None:
    """After its deadline, with a text, and tried again."""

    async def scenario() -> None:
        one = Supervised(Hanging, MemoryListener)
        async with one.running():
            await one.send("a")
            await eventually(lambda: one.restarts("lost"))
            assert one.why_down() == "not open within 30 s"
            await eventually(one.stored(1))
        assert OPEN_DEADLINE_S <= one.made[1][0] <= OPEN_DEADLINE_S + 1

    jump(scenario())


def test_source_too_busy_to_answer_is_left_alone() -> None:
    """Deliveries flow, so it is alive."""

    async def scenario() -> None:
        one = Supervised(Mute)
        async with one.running():
            for number in range(1, 31):
                await one.send(str(number))
                await pass_time(1)
            assert len(one.made) == 1

    jump(scenario())


def test_source_that_neither_delivers_nor_answers_is_lost() -> None:
    """It may be frozen."""

    async def scenario() -> None:
        one = Supervised(Mute, MemoryListener)
        async with one.running():
            await eventually(one.made_count(2))
        assert one.restarts("lost") == 1

    jump(scenario())
