"""The intake: what waits for a lane, who is answered, and who is refused at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from consumer.listeners.http.intake import FIRST_COUNT, Intake
from consumer.listeners.http.shed import NotTaken, Shed
from tests.support.fates import end_all
from tests.support.jumping_time import pass_time
from tests.support.memory_sink import jump
from tests.support.posting import deliveries_of, request_with

if TYPE_CHECKING:
    from consumer.deliveries.delivery import Delivery

MEGABYTE = 1024 * 1024
TIMEOUT_S = 0.2


def opened(timeout_s: float = 10, max_bytes: int = MEGABYTE) -> Intake:
    """Return an intake from which a lane reads."""
    intake = Intake(timeout_s, max_bytes)
    intake.open()
    return intake


def ask(intake: Intake, key_id: str, *bodies: bytes) -> asyncio.Task[list[Delivery]]:
    """Begin to ask."""
    question = intake.ask(request_with(), key_id, deliveries_of(*bodies))
    return asyncio.get_running_loop().create_task(question)


async def asked(intake: Intake, key_id: str, *bodies: bytes) -> asyncio.Task[list[Delivery]]:
    """Ask, and return once the deliveries wait."""
    task = ask(intake, key_id, *bodies)
    await asyncio.sleep(0)
    return task


def end(intake: Intake, deliveries: list[Delivery]) -> None:
    """Let the lane end deliveries."""
    end_all(deliveries)
    intake.ended(deliveries)


async def why(task: asyncio.Task[list[Delivery]]) -> Shed:
    """Return why a question has no answer."""
    with pytest.raises(NotTaken) as refused:
        await task
    return refused.value.why


async def test_keys_take_turns() -> None:
    """A key with a long queue does not make the others wait."""
    intake = opened()
    tasks = [await asked(intake, "a", b"a1", b"a2", b"a3"), await asked(intake, "b", b"b1")]
    taken = intake.take(10, MEGABYTE)
    assert [delivery.body for delivery in taken] == [b"a1", b"b1", b"a2", b"a3"]
    end(intake, taken)
    await asyncio.wait(tasks)


async def test_batch_ends_at_its_limits() -> None:
    """The rest stays in order."""
    intake = opened()
    task = await asked(intake, "a", b"xx", b"yy", b"zz")
    taken = [intake.take(2, MEGABYTE), intake.take(10, 1)]
    assert [[one.body for one in batch] for batch in taken] == [[b"xx", b"yy"], [b"zz"]]
    end(intake, [*taken[0], *taken[1]])
    await task


async def test_question_is_answered_when_all_have_ended() -> None:
    """Not before."""
    intake = opened()
    task = await asked(intake, "a", b"1", b"2")
    first, second = intake.take(10, MEGABYTE)
    end(intake, [first])
    await asyncio.sleep(0)
    assert not task.done()
    end(intake, [second])
    assert await task == [first, second]


async def test_late_question_is_dropped_from_the_queue() -> None:
    """Its sender sends again, so work for it would be for nothing."""
    intake = opened(TIMEOUT_S)
    assert await why(ask(intake, "a", b"late")) is Shed.LATE
    assert intake.take(10, MEGABYTE) == []
    assert intake.waiting_count == 0


async def test_late_question_in_the_lane_frees_its_room_when_it_ends() -> None:
    """The lane still holds its bytes."""
    intake = opened(TIMEOUT_S, max_bytes=3)
    task = await asked(intake, "a", b"12345")
    taken = intake.take(10, MEGABYTE)
    assert await why(task) is Shed.LATE
    assert await why(ask(intake, "b", b"1")) is Shed.FULL
    end(intake, taken)
    intake.refuse_if_full("b")


async def test_closed_intake_takes_nothing() -> None:
    """Before a lane reads from it, and after."""
    intake = Intake(10, MEGABYTE)
    assert await why(ask(intake, "a", b"1")) is Shed.CLOSED
    intake.open()
    task = await asked(intake, "a", b"1")
    intake.close()
    assert await why(task) is Shed.CLOSED
    assert intake.waiting_count == 0


async def test_too_many_bytes_are_refused() -> None:
    """At once, and only the key that has them already."""
    intake = opened(max_bytes=100)
    task = await asked(intake, "a", b"x" * 60)
    assert await why(ask(intake, "a", b"x" * 50)) is Shed.FULL
    other = await asked(intake, "b", b"x" * 30)
    end(intake, intake.take(10, MEGABYTE))
    await asyncio.wait((task, other))


def test_no_more_wait_than_end_in_half_of_the_timeout() -> None:
    """Otherwise their answers come too late, and all work is for nothing."""

    async def scenario() -> None:
        intake = opened(timeout_s=4)
        tasks = [await asked(intake, "a", *[b"1"] * 1000)]
        for _ in range(10):
            await pass_time(1 / 4)  # 100 deliveries in 0.25 s are 400 a second
            end(intake, intake.take(100, MEGABYTE))
        await asyncio.wait(tasks)
        tasks.append(await asked(intake, "b", b"1"))
        await pass_time(0.5)
        count = 0
        while _has_room(intake, "a"):
            tasks.append(await asked(intake, "a", b"1"))
            count += 1
        assert count == 400 * 2 / 2 - 1  # in half of the timeout, and half of the rest for one key
        assert _has_room(intake, "b")
        intake.close()
        await asyncio.wait(tasks)

    jump(scenario())


def test_burst_after_a_trickle_is_taken() -> None:
    """With one delivery at a time, the rate at which they end says nothing of what is possible."""

    async def scenario() -> None:
        intake = opened(timeout_s=4)
        for _ in range(20):
            task = await asked(intake, "a", b"1")
            await pass_time(0.05)  # the sink is so far away
            end(intake, intake.take(500, MEGABYTE))
            await task
        tasks = [await asked(intake, "a", b"1") for _ in range(FIRST_COUNT // 2)]
        assert not _has_room(intake, "a")
        assert _has_room(intake, "b")
        await pass_time(0.5)
        assert not _has_room(intake, "b"), "nobody is served, so nobody else may come"
        intake.close()
        await asyncio.wait(tasks)

    jump(scenario())


def test_outage_is_told_at_once_after_half_of_the_timeout() -> None:
    """Nobody has to wait for what cannot come."""

    async def scenario() -> None:
        intake = opened(timeout_s=4)
        task = await asked(intake, "a", b"1")
        taken = intake.take(10, MEGABYTE)
        await pass_time(1.9)
        assert _has_room(intake, "b")
        await pass_time(0.2)
        assert not _has_room(intake, "b")
        assert not task.done()
        await pass_time(2)
        assert await why(task) is Shed.LATE
        assert not _has_room(intake, "b")
        end(intake, taken)
        assert _has_room(intake, "b")

    jump(scenario())


def _has_room(intake: Intake, key_id: str) -> bool:
    try:
        intake.refuse_if_full(key_id)
    except NotTaken as refused:
        return refused.why is not Shed.BUSY
    return True


async def test_question_without_deliveries_is_answered() -> None:
    """An empty batch is no reason to wait."""
    assert await ask(opened(), "a") == []
