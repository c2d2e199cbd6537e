"""A listener that an operator pauses rests at once, whatever it is doing.

Time jumps: no test here waits for anything.
"""

from __future__ import annotations

import msgspec

from tests.support.eventually import eventually
from tests.support.jumping_time import pass_time
from tests.support.memory_sink import jump
from tests.support.source_memory import MemoryListener
from tests.support.supervised import Hanging, Supervised


def test_paused_listener_takes_in_nothing() -> None:
    """What is in flight is settled. It is ready meanwhile, because somebody wanted it so."""

    async def scenario() -> None:
        one = Supervised()
        async with one.running():
            await one.send("a")
            await eventually(one.stored(1))
            one.supervisor.pause()
            await eventually(lambda: not one.queue.listeners)
            await one.send("b")
            await pass_time(3600)
            assert one.stored(1)()
            assert not one.why_down()
            assert one.metric("listener_paused") == 1
            one.supervisor.pause()
            one.supervisor.resume()
            await eventually(one.stored(2), within_s=5)
            assert one.metric("listener_paused") == 0
        assert one.pipeline.balanced()

    jump(scenario())


def _rests(one: Supervised) -> bool:
    """Tell whether all that an operator looks at shows the pause."""
    report = msgspec.json.decode(one.pipeline.health.report())
    part = report["parts"]["listener lane"]
    return part["up"] and part["why"].startswith("paused") and one.metric("listener_paused") == 1


def test_listener_whose_broker_is_away_is_paused_at_once() -> None:
    """Not only after the next try; the second pause changes nothing, and no more tries are made."""

    async def scenario() -> None:
        one = Supervised()
        one.queue.reachable = False
        async with one.running():
            await eventually(one.made_count(12))  # the waits are 7.5 to 15 s by now
            one.supervisor.pause()
            await pass_time(1)
            assert _rests(one)
            one.supervisor.pause()
            await pass_time(3600)
            assert _rests(one)
            assert len(one.made) == 12
            one.queue.reachable = True
            one.supervisor.resume()
            await pass_time(1)
            assert one.metric("listener_up") == 1

    jump(scenario())


def test_listener_that_hangs_in_its_open_is_paused_at_once() -> None:
    """Also if it is resumed in the same moment: then it opens anew."""

    async def scenario() -> None:
        one = Supervised(Hanging, Hanging, MemoryListener)
        async with one.running():
            await eventually(one.made_count(1))
            one.supervisor.pause()
            await pass_time(1)
            assert _rests(one)
            one.supervisor.resume()
            await eventually(one.made_count(2))
            one.supervisor.pause()
            one.supervisor.resume()
            await pass_time(1)
            assert one.metric("listener_up") == 1
            assert one.restarts("lost") == 0

    jump(scenario())


def test_paused_listener_ends_with_the_process() -> None:
    """A drain does not wait for the operator."""

    async def scenario() -> None:
        one = Supervised()
        async with one.running():
            one.supervisor.pause()
            await pass_time(10)

    jump(scenario())
