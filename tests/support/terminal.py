"""A verb on a terminal, for what it shows to a person only: questions, tables, progress."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import struct
import sys
import termios
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

DEADLINE_S = 20.0
LINES_COUNT = 40
CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """A verb that runs on a terminal.

    Args:
        process: The verb.
        descriptor: Our end of the terminal.
    """

    def __init__(self, process: Process, descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor
        self._shown = b""

    def type(self, text: str) -> None:
        """Type some text."""
        os.write(self._descriptor, text.encode())

    async def shows(self, text: str) -> None:
        """Wait until a text was shown."""
        async with asyncio.timeout(DEADLINE_S):
            while text not in self.text:
                assert await self._read(), f"ended without {text!r}: {self.text}"

    async def end(self) -> tuple[int, list[str]]:
        """Wait for the end; return the exit code and every line that was shown."""
        async with asyncio.timeout(DEADLINE_S):
            while await self._read():
                pass
            return await self._process.wait(), self.text.splitlines()

    @property
    def text(self) -> str:
        """What was shown so far, without colours and movements of the cursor."""
        return CONTROL.sub("", self._shown.decode(errors="replace"))

    async def _read(self) -> bool:
        try:
            piece = await asyncio.to_thread(os.read, self._descriptor, 4096)
        except OSError:  # Linux says so when the other end is closed
            return False
        self._shown += piece
        return bool(piece)


@contextlib.asynccontextmanager
async def on_a_terminal(*arguments: str, columns: int = 80) -> AsyncIterator[Terminal]:
    """Run `consumer` on a terminal of its own; it does not outlive the block."""
    ours, theirs = os.openpty()
    size = struct.pack("HHHH", LINES_COUNT, columns, 0, 0)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("COLUMNS", None)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumer", *arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        os.close(ours)
