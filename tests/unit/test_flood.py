"""The flood guard: by hand, in a lane, and what the supervisor makes of it."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from consumer.errors import ListenerFlooded, Misfit, Reason, Rejected
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.flood import BUCKETS_COUNT, FloodGuard
from tests.support.eventually import eventually
from tests.support.fates import sent
from tests.support.jumping_time import pass_time
from tests.support.memory_sink import MemoryPipeline, jump
from tests.support.samples import casino
from tests.support.source_memory import MemoryListener
from tests.support.supervised import Supervised

WRONG = casino(amount="abc")
ERROR = "invalid (amount)"


def batch(dead: int, good: int, at_s: float = 0.0) -> Batch:
    """Return a decoded batch that was taken in at a time."""
    works = [Work(sent()) for _ in range(dead + good)]
    for work in works[:dead]:
        work.die(Rejected(Reason.INVALID, "broken"))
    return Batch(works, 0.0, at_s)


@pytest.mark.parametrize(("dead", "good"), [(99, 0), (50, 50), (0, 1000)])
def test_few_or_not_too_many_pass(dead: int, good: int) -> None:
    """Fewer than 100 deliveries prove nothing, and half is not more than half."""
    FloodGuard(0.5, 60.0).look(batch(dead, good))


def test_more_than_the_share_trips_and_says_how_many() -> None:
    """Also where it takes several batches to become 100."""
    guard = FloodGuard(0.5, 60.0)
    guard.look(batch(70, 20))
    with pytest.raises(ListenerFlooded, match=r"73% of 1500 deliveries in 60 s became dead"):
        guard.look(batch(1025, 385, at_s=59.0))


def test_what_is_older_than_the_window_is_forgotten() -> None:
    """A bad minute of this morning does not stop the first broken ones of tonight."""
    guard = FloodGuard(0.5, 60.0)
    guard.look(batch(99, 0))
    guard.look(batch(99, 0, at_s=61.0))


def test_good_ones_of_the_window_weigh_against_a_broken_batch() -> None:
    """And once they are out of it, they do not."""
    guard = FloodGuard(0.5, 60.0)
    guard.look(batch(0, 500))
    guard.look(batch(400, 0, at_s=50.0))
    with pytest.raises(ListenerFlooded, match="100% of 401"):
        guard.look(batch(1, 0, at_s=61.0))


@pytest.mark.parametrize(
    ("rejected", "told"),
    [
        (
            Rejected(Reason.UNSUPPORTED_ENCODING, "x"),
            "100% of them: unsupported_encoding (the sender sets a content encoding",
        ),
        (
            Rejected(Reason.INVALID, Misfit("bets[3].odds", "number", "1")),
            "100% of them: invalid bets",
        ),
        (Rejected(Reason.MISSING_TYPE, "x"), "100% of them: missing_type (no message names"),
    ],
)
def test_one_cause_of_nearly_all_is_named(rejected: Rejected, told: str) -> None:
    """With what to do: 300 good events with one odd property stopped a listener."""
    works = [Work(sent()) for _ in range(200)]
    for work in works:
        work.die(Rejected(rejected.reason, rejected.misfit or rejected.detail))
    with pytest.raises(ListenerFlooded) as stopped:
        FloodGuard(0.5, 60.0).look(Batch(works, 0.0, 0.0))
    assert told in stopped.value.what


def test_many_causes_are_not_one() -> None:
    """Then only the last error is told."""
    works = [Work(sent()) for _ in range(200)]
    for number, work in enumerate(works):
        work.die(Rejected([Reason.INVALID, Reason.MALFORMED][number % 2], "x"))
    with pytest.raises(ListenerFlooded) as stopped:
        FloodGuard(0.5, 60.0).look(Batch(works, 0.0, 0.0))
    assert stopped.value.what == "100% of 200 deliveries in 60 s became dead letters"


def test_share_of_one_switches_it_off() -> None:
    """Whatever comes."""
    FloodGuard(1.0, 60.0).look(batch(5000, 0))


def test_later_found_ones_count_once_for_their_own_time() -> None:
    """A conflict is found after the claim, and stopped by with the next batch."""
    guard = FloodGuard(0.5, 60.0)
    late = batch(0, 150)
    guard.look(late)
    for work in late.works:
        work.die(Rejected(Reason.CONFLICT, "other amount"))
    guard.count_dead(late)
    guard.count_dead(late)
    with pytest.raises(ListenerFlooded, match=r"99% of 151 .* last: conflict;"):
        guard.look(batch(0, 1))


@pytest.mark.parametrize("window_s", [0.5, 60.0, 86_400.0])
def test_memory_is_bounded(window_s: float) -> None:
    """Whatever the window, and however long it runs."""
    guard = FloodGuard(0.5, window_s)
    for step in range(1000):
        guard.look(batch(0, 1, at_s=step * window_s / 100))
    assert len(guard._buckets) <= BUCKETS_COUNT  # noqa: SLF001  # the bound is the point


@pytest.mark.parametrize("size", [1, 7, 500])
async def test_batch_that_trips_goes_back_and_the_books_balance(size: int) -> None:
    """What was in flight before it is finished; fewer than 100 letters are stored."""
    pipeline = MemoryPipeline()
    await pipeline.open()
    for _ in range(300):
        await pipeline.source.send(WRONG)
    listener = pipeline.source.listener(max_batch_count=size)
    await listener.open()
    with pytest.raises(ListenerFlooded):
        await pipeline.lane().run(listener, asyncio.Event())
    await listener.close()
    assert pipeline.balanced()
    taken = pipeline.count("received")
    assert (pipeline.count("dead_letters"), pipeline.count("in_flight")) == (taken, 0)
    assert taken < 100
    assert await pipeline.source.remaining() == 300 - taken


async def test_conflicts_flood_as_well() -> None:
    """After the batch that was found to be nothing else, half of the next look is still good."""
    pipeline = MemoryPipeline()
    await pipeline.open()
    for number in range(1000):
        await pipeline.source.send(casino(activity_id="same", amount=number))
    listener = pipeline.source.listener(max_batch_count=200)
    await listener.open()
    with pytest.raises(ListenerFlooded, match="last: conflict"):
        await pipeline.lane().run(listener, asyncio.Event())
    assert pipeline.balanced()
    # A loaded machine divides what was received into smaller batches.
    assert 100 <= pipeline.count("dead_letters") <= 199 + 200


async def test_source_that_keeps_nothing_is_not_stopped() -> None:
    """Core NATS would lose what comes while it is closed."""
    pipeline = MemoryPipeline()
    await pipeline.open()
    for _ in range(200):
        await pipeline.source.send(WRONG)
    listener = pipeline.source.listener()
    listener.source_keeps = False
    await listener.open()
    await pipeline.run(listener, pipeline.source.remaining_is(0))
    assert pipeline.count("dead_letters") == 200


async def flood(one: Supervised) -> None:
    """Send broken ones, and wait until the listener stopped itself."""
    for _ in range(300):
        await one.pipeline.source.send(WRONG)
    await eventually(lambda: "stopped itself" in one.why_down())


def test_flooded_listener_stays_closed_for_a_while() -> None:
    """It is counted once, says why, and another listener goes on."""

    async def scenario() -> None:
        one, other = Supervised(), Supervised()
        async with one.running() as task, other.running():
            await flood(one)
            why, _, again = one.why_down().partition("; it tries again in ")
            await pass_time(20)
            assert (len(one.made), one.restarts("flooded"), task.done()) == (1, 1, False)
            assert not one.queue.listeners
            await other.send("a")
            await eventually(other.stored(1))
        assert why == (
            "stopped itself: 100% of 100 deliveries in 60 s became dead letters, "
            "100% of them: invalid amount, "
            f"last: {ERROR}; mend the sender, or raise [dead_letters] max_share"
        )
        seconds, _, command = again.partition(" s, or now with: ")
        assert 30 <= int(seconds) <= 60
        assert command == "consumer resume lane"

    jump(scenario())


def test_flooded_listener_tries_again_by_itself() -> None:
    """After pauses that grow. What is broken becomes letters, and the good ones behind it come."""

    async def scenario() -> None:
        one = Supervised()
        async with one.running():
            await flood(one)
            await one.send("good")
            await eventually(one.stored(1), within_s=3600)
            assert one.restarts("flooded") == 3
            made_s = [at_s for at_s, _ in one.made]
            pauses_s = [after - before for before, after in itertools.pairwise(made_s)]
            assert 30 <= pauses_s[0] <= 61 <= pauses_s[1] + pauses_s[0]
            assert 120 <= pauses_s[2] <= 241
            assert not one.why_down()
            assert one.pipeline.balanced()

    jump(scenario())


def test_flooded_listener_tries_again_when_it_is_told() -> None:
    """And counts anew, although its window is not over."""

    async def scenario() -> None:
        one = Supervised()
        async with one.running():
            await flood(one)
            one.queue.waiting.clear()
            await one.send("good")
            one.supervisor.resume()
            await eventually(one.stored(1), within_s=5)
            assert one.restarts("flooded") == 1

    jump(scenario())


def test_flooded_listener_is_paused_at_once() -> None:
    """It waits for up to 15 min by itself, and would try again in the middle of the pause."""

    async def scenario() -> None:
        one = Supervised()
        async with one.running():
            await flood(one)
            one.supervisor.pause()
            await pass_time(1)
            assert one.metric("listener_paused") == 1
            assert one.pipeline.health.ready
            await pass_time(3600)
            assert len(one.made) == 1
            one.queue.waiting.clear()
            await one.send("good")
            one.supervisor.resume()
            await eventually(one.stored(1), within_s=5)

    jump(scenario())


def test_flooded_listener_finishes_what_it_holds_and_is_not_made_again() -> None:
    """Although the watch closes its connection meanwhile, for holding too long."""

    class ShortHold(MemoryListener):
        max_hold_s = 20.0

    async def scenario() -> None:
        one = Supervised(ShortHold, batch=60)
        async with one.running():
            one.pipeline.letters.down = True
            for _ in range(120):
                await one.pipeline.source.send(WRONG)
            await eventually(lambda: "held" in one.why_down())
            one.pipeline.letters.down = False
            await eventually(lambda: "stopped itself" in one.why_down())
            await pass_time(20)
        assert (len(one.made), one.restarts("flooded")) == (1, 1)
        assert one.pipeline.balanced()

    jump(scenario())
