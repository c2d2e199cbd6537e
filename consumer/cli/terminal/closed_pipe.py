"""Ends a verb as soon as the reader of its standard output has gone."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def ended_by_closed_pipe() -> Iterator[None]:
    """End the block as soon as nobody reads standard output any more, as after `| head`.

    A write to a closed pipe fails as well. But a verb that waits for the next event may have
    nothing to write for hours, and would go on running although nobody needs it.

    Raises:
        BrokenPipeError: The reader has gone.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    pipe = _pipe_of_standard_output()
    if pipe is None or task is None:
        yield
        return
    closed = False

    def on_closed() -> None:
        nonlocal closed
        closed = True
        loop.remove_reader(pipe)
        task.cancel()

    # The writing end of a pipe never has anything to read. The loop calls us when the reading end
    # is closed, because the kernel reports that as an event of the writing end.
    loop.add_reader(pipe, on_closed)
    try:
        yield
    except asyncio.CancelledError:
        if not closed:
            raise
    finally:
        loop.remove_reader(pipe)
    if closed:  # the block may have ended in its own way when it was cancelled
        task.uncancel()
        raise BrokenPipeError


def _pipe_of_standard_output() -> int | None:
    """Return the descriptor of standard output where that is a pipe; otherwise None."""
    try:
        descriptor = sys.stdout.fileno()
    except io.UnsupportedOperation:  # a test has replaced standard output
        return None
    return descriptor if stat.S_ISFIFO(os.fstat(descriptor).st_mode) else None
