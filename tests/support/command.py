"""A verb as a process, for what only a process can show: signals, closed pipes, flushed lines."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Iterator

DEADLINE_S = 20.0


class Command:
    """A running verb.

    Attributes:
        process: The process itself, for signals.
    """

    def __init__(self, process: Process) -> None:
        self.process = process

    async def line(self) -> str:
        """Return the next line of standard output, as soon as it is there."""
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            return (await self.process.stdout.readline()).decode().rstrip("\n")

    async def complaint(self) -> str:
        """Return the next line of standard error."""
        assert self.process.stderr is not None
        async with asyncio.timeout(DEADLINE_S):
            return (await self.process.stderr.readline()).decode().rstrip("\n")

    async def end(self) -> tuple[int, str]:
        """Wait for its end; return the exit code and the rest of standard error."""
        assert self.process.stderr is not None
        async with asyncio.timeout(DEADLINE_S):
            errors = (await self.process.stderr.read()).decode()
            return await self.process.wait(), errors


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Have the processes that are started in the block end on SIGINT and SIGHUP.

    A shell lets background jobs ignore SIGINT, and `nohup` lets its program ignore SIGHUP. All
    processes that these start ignore it too: a signal that is ignored stays ignored. A signal that
    has a handler is set back to its default instead.
    """
    numbers = (signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _start(arguments: tuple[str, ...], stdout: int) -> Process:
    """Start `consumer` with standard error in a pipe."""
    with interruptible():
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "consumer", *arguments),
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
        )


@contextlib.asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[Command]:
    """Run `consumer` with both outputs in pipes; it does not outlive the block."""
    process = await _start(arguments, asyncio.subprocess.PIPE)
    try:
        yield Command(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def with_a_reader_that_leaves(*arguments: str) -> AsyncIterator[tuple[Command, int]]:
    """Run `consumer` with standard output in a pipe whose reading end the test holds."""
    reading, writing = os.pipe()
    process = await _start(arguments, writing)
    os.close(writing)
    try:
        yield Command(process), reading
    finally:
        with contextlib.suppress(OSError):
            os.close(reading)
        if process.returncode is None:
            process.kill()
        await process.wait()
