"""A daemon whose standard error nobody reads: it goes on, answers, and ends when it is asked to."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Final

import pytest
import tomli_w

from consumer.tools.embedded.servers import free_port
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator
    from pathlib import Path

PIPE_BYTES: Final = 4096
LIVE_S: Final = 1.0
"""The time in which `/livez` has to answer."""
END_S: Final = 15.0


class Unread:
    """A daemon, and the pipe that it logs to.

    Attributes:
        process: The daemon.
        reading: The end of the pipe that a log shipper would read.
    """

    def __init__(self, process: Process, reading: int, port: int) -> None:
        self.process = process
        self.reading = reading
        self._port = port

    async def get(self, path: str) -> str:
        """Ask its operations port; empty if it does not answer in time."""

        def get() -> str:
            url = f"http://127.0.0.1:{self._port}{path}"
            try:
                with urllib.request.urlopen(url, timeout=LIVE_S) as answer:
                    return f"{answer.status} {answer.read().decode()}"
            except urllib.error.HTTPError as error:
                with error:
                    return f"{error.code} {error.read().decode()}"
            except OSError:
                return ""

        return await asyncio.to_thread(get)

    async def lives(self) -> bool:
        """Tell whether it answers in time."""
        return (await self.get("/livez")).startswith("200")


@pytest.fixture
async def unread(tmp_path: Path) -> AsyncIterator[Unread]:
    """Start a daemon whose pipe is full before its first line; its sink is away."""
    port = free_port()
    tables = {
        "brand": "brand-a",
        "listeners": {"in": {"kind": "nats", "url": _nowhere(), "subject": "in.>"}},
        "dedupe": {"store": "memory"},
        "sink": {"url": _nowhere()},
        "operations": {"bind": f"127.0.0.1:{port}"},
    }
    config = tmp_path / "consumer.toml"
    config.write_text(tomli_w.dumps(tables))
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    os.write(writing, b"." * PIPE_BYTES)
    command = (sys.executable, "-m", "consumer", "run", "--config", str(config))
    process = await asyncio.create_subprocess_exec(*command, stderr=writing)
    os.close(writing)
    try:
        yield Unread(process, reading, port)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        with contextlib.suppress(OSError):
            os.close(reading)


def _nowhere() -> str:
    return f"nats://127.0.0.1:{free_port()}"


async def is_trying(unread: Unread) -> bool:
    """Tell whether the daemon has missed its sink, so it has a line to write."""
    return "connection refused" in await unread.get("/readyz")


async def test_unread_daemon_answers_and_drains(unread: Unread) -> None:
    """Its exit code is 0, although not a line of it could be written."""
    await eventually(lambda: is_trying(unread), within_s=END_S, what="a daemon that tries")
    for _ in range(10):
        assert await unread.lives()
    unread.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(END_S):
        assert await unread.process.wait() == 0


async def test_lines_come_when_they_are_read_and_the_last_line_too(unread: Unread) -> None:
    """A reader that was away for a while misses nothing, and sees the end."""
    await eventually(lambda: is_trying(unread), within_s=END_S, what="a daemon that tries")
    unread.process.send_signal(signal.SIGTERM)
    text = await asyncio.to_thread(_read_to_the_end, unread.reading)
    assert await unread.process.wait() == 0
    lines = text[PIPE_BYTES:].splitlines()
    assert any('"part not available"' in line for line in lines)
    assert '"stopped"' in lines[-1]


async def test_gone_reader_is_counted(unread: Unread) -> None:
    """The lines are lost, and the metric says so."""
    os.close(unread.reading)

    async def is_counted() -> bool:
        _, _, behind = (await unread.get("/metrics")).partition("\nconsumer_log_dropped_total ")
        return float(behind.partition("\n")[0] or 0) > 0

    await eventually(is_counted, within_s=END_S, what="a dropped line")
    assert await unread.lives()
    unread.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(END_S):
        assert await unread.process.wait() == 0


def _read_to_the_end(descriptor: int) -> str:
    with os.fdopen(os.dup(descriptor)) as pipe:
        return pipe.read()
