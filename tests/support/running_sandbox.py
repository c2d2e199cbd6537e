"""`consumer sandbox` as a tester starts it, in an empty folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ADDRESS: Final = "/sandbox#key="
STARTED_S: Final = 60


class RunningSandbox:
    """A sandbox that has answered.

    Attributes:
        folder: The folder in which it was started.
        page: The address that it prints, with the key.
    """

    def __init__(self, folder: Path, page: str) -> None:
        self.folder = folder
        self.page = page

    @property
    def url(self) -> str:
        """The address of the port."""
        return self.page.partition("/sandbox#")[0]

    @property
    def key(self) -> str:
        """The test key."""
        return self.page.partition(ADDRESS)[2]

    def client(self) -> httpx.AsyncClient:
        """Return a client with the test key."""
        return httpx.AsyncClient(base_url=self.url, headers={"authorization": f"Bearer {self.key}"})


def of_this_environment(command: str) -> str:
    """Return a shell command in which `consumer` is the one under test."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return f"PATH='{path}' {command}"


@contextlib.asynccontextmanager
async def running_sandbox(
    folder: Path, command: str = "consumer sandbox --data data"
) -> AsyncIterator[RunningSandbox]:
    """Start a sandbox in a folder, and end it after the block."""
    process = await asyncio.create_subprocess_shell(
        of_this_environment(f"exec {command}"), cwd=folder, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(STARTED_S):
            sandbox = RunningSandbox(folder, await _address(process))
            await _is_ready(sandbox)
        assert process.stderr is not None
        async with asyncio.TaskGroup() as group:
            # What it logs has to go somewhere, or it waits for its reader.
            read = group.create_task(process.stderr.read())
            yield sandbox
            process.send_signal(signal.SIGTERM)
            await read
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    said: list[str] = []
    while line := (await process.stderr.readline()).decode():
        said.append(line)
        if ADDRESS in line:
            return line.strip()
    raise AssertionError("".join(said))


async def _is_ready(sandbox: RunningSandbox) -> None:
    """Wait until the test games are on the brand's list."""

    async def are_listed() -> bool:
        try:
            listed = await client.get("/v1/games")
        except httpx.HTTPError:
            return False
        return listed.status_code == httpx.codes.OK and bool(listed.json()["games"])

    async with sandbox.client() as client:
        await eventually(are_listed, within_s=STARTED_S, what="the test games")
