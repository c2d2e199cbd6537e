"""A call in a thread that nobody has to wait for."""

from __future__ import annotations

import asyncio
import threading

import pytest

from consumer.operations.daemon_thread import in_daemon_thread


async def test_result_and_error_come_back() -> None:
    """As if the call had been made here."""
    assert await in_daemon_thread(lambda: 7, "test") == 7

    def fail() -> None:
        raise LookupError("why")

    with pytest.raises(LookupError, match="why"):
        await in_daemon_thread(fail, "test")


async def test_call_that_is_given_up_may_end_later() -> None:
    """Its result is of no use, and no error is logged."""
    ends = threading.Event()
    result = in_daemon_thread(ends.wait, "test")
    result.cancel()
    ends.set()
    await asyncio.sleep(0)
    assert result.cancelled()


def test_thread_holds_neither_the_loop_nor_the_process() -> None:
    """Python waits at its end for all other threads."""
    ends = threading.Event()

    async def begin() -> None:
        in_daemon_thread(ends.wait, "never ends")

    asyncio.run(begin())
    (thread,) = [each for each in threading.enumerate() if each.name == "never ends"]
    assert thread.daemon
    ends.set()  # its loop is closed, and that is no error
    thread.join(5)
    assert not thread.is_alive()
