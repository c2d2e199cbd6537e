"""What a listener tells the tasks that use it after its connection has failed."""

from __future__ import annotations

import pytest

from consumer.errors import ListenerUnavailable
from consumer.listeners.failure import FirstFailure


def test_nothing_is_raised_before_a_failure() -> None:
    """A listener whose connection works is usable."""
    failure = FirstFailure()
    failure.check()
    assert not failure.happened


def test_first_failure_wins() -> None:
    """Those after it are its consequences, and say less."""
    failure = FirstFailure()
    failure.remember(ListenerUnavailable("queue deleted", reason="refused"))
    failure.remember(ListenerUnavailable("closed"))
    with pytest.raises(ListenerUnavailable, match="queue deleted") as raised:
        failure.check()
    assert raised.value.reason == "refused"
    assert failure.happened


def test_each_task_raises_an_exception_of_its_own() -> None:
    """A stored exception would collect the traceback of every task that raises it."""
    failure = FirstFailure()
    stored = ListenerUnavailable("lost")
    told = [failure.remember(stored)]
    for _ in range(2):
        with pytest.raises(ListenerUnavailable) as raised:
            failure.check()
        told.append(raised.value)
    assert len({id(error) for error in (stored, *told)}) == 4
    assert stored.__traceback__ is None


def test_every_failure_wakes_those_who_wait() -> None:
    """Also a later one: somebody may have begun to wait in between."""
    woken: list[str] = []
    failure = FirstFailure(lambda: woken.append("woken"))
    failure.remember(ListenerUnavailable("first"))
    failure.remember(ListenerUnavailable("second"))
    assert len(woken) == 2


def test_caller_may_raise_what_remember_returns() -> None:
    """So that the library's own error stays its cause."""
    failure = FirstFailure()
    failure.remember(ListenerUnavailable("first"))
    assert str(failure.remember(ListenerUnavailable("second"))) == "first"
