"""The programs of docs/subscribing.md that read over HTTP, and the page that shows the stream."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx
import pytest
from playwright.async_api import expect

from consumer.access.key import Scope
from tests.support.browser import open_tab
from tests.support.samples import casino
from tests.support.snippets import Running, snippet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.daemon import Daemon
    from tests.support.http_daemon import HttpScene

HOST: Final = "127.0.0.1:8080"
"""Where the programs of the page connect to."""
NODE: Final = ("node", "--no-warnings", "--experimental-websocket", "--experimental-eventsource")
HAS_BOTH: Final = (
    "process.exit(typeof WebSocket + typeof EventSource === 'functionfunction' ? 0 : 1)"
)


class Program(NamedTuple):
    """A program of the page.

    Attributes:
        heading: The heading above it.
        language: The language, as it stands behind the three backticks.
    """

    heading: str
    language: str


each_program = pytest.mark.parametrize(
    "program",
    [
        Program(heading, language)
        for heading in ("Over a WebSocket", "Over Server-Sent Events")
        for language in ("python", "javascript")
    ],
    ids=lambda program: f"{program.heading.split()[-1]}-{program.language}",
)


class Port:
    """The port of a daemon whose stream is read.

    Attributes:
        url: Its URL, without a path.
        key: A key that may post and read everything of its brand.
    """

    def __init__(self, scene: HttpScene, daemon: Daemon, key: str) -> None:
        self._daemon = daemon
        self.url = scene.url
        self.key = key

    async def put(self, name: str) -> None:
        """Store an event with the subject `game.bet` and this id."""
        headers = {"authorization": f"Bearer {self.key}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers) as client:
            body = casino(activity_id=name)
            answer = await client.post("/v1/integration/casino", content=body)
        assert answer.status_code == 200, answer.text

    async def cut(self) -> None:
        """Restart the daemon."""
        self._daemon.terminate()
        await self._daemon.exit_code()
        self._daemon.start()
        await self._daemon.is_ready()


@pytest.fixture
async def port(http_scene: HttpScene) -> AsyncIterator[Port]:
    """Run a daemon."""
    http_scene.tables["stream_api"] = {}
    key = await http_scene.key(scopes=(Scope.INGEST, Scope.EVENTS_READ))
    with http_scene.daemon() as daemon:
        await daemon.is_ready()
        yield Port(http_scene, daemon, key)


async def skip_without_node() -> None:
    """Skip a test if Node is missing or too old."""
    if shutil.which("node") is not None:
        probe = await asyncio.create_subprocess_exec(*NODE, "--eval", HAS_BOTH)
        if await probe.wait() == 0:
            return
    pytest.skip("Node with WebSocket and EventSource is not installed")


async def started(folder: Path, program: Program, port: Port, key: str) -> Running:
    """Run a program of the page with a key."""
    code = snippet("subscribing.md", program.heading, program.language)
    code = code.replace(HOST, port.url.removeprefix("http://"))
    command = [sys.executable, "-W", "error", "reader.py"]
    if program.language == "javascript":
        command = [*NODE, "reader.mjs"]
        await skip_without_node()
    (folder / command[-1]).write_text(code, encoding="utf-8")
    return Running(
        await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={**os.environ, "CONSUMER_KEY": key},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    )


async def next_event(running: Running) -> str:
    """Return the id in the next line that is about an event."""
    while True:
        line = await running.line()
        assert line, "the program has ended"
        if line.startswith("game.bet "):
            return line.split()[1]


async def first_event(running: Running, port: Port) -> int:
    """Store events until the program has seen one, and return its number."""
    async with asyncio.TaskGroup() as group:
        seen = group.create_task(next_event(running))
        number = 0
        while not seen.done():
            number += 1
            await port.put(f"e{number}")
            await asyncio.wait([seen], timeout=0.2)
    return int(seen.result().removeprefix("e"))


@each_program
async def test_program_misses_nothing_when_it_is_cut(
    tmp_path: Path, program: Program, port: Port
) -> None:
    """And sees nothing twice."""
    running = await started(tmp_path, program, port, port.key)
    try:
        last = await first_event(running, port)
        await port.put("before")
        while (seen := await next_event(running)) != "before":
            last += 1
            assert seen == f"e{last}"
        await port.cut()
        await port.put("away")
        assert await next_event(running) == "away"
        await port.put("after")
        assert await next_event(running) == "after"
    finally:
        await running.kill()


@each_program
async def test_program_ends_if_its_key_is_refused(
    tmp_path: Path, program: Program, port: Port
) -> None:
    """Nobody would notice a program that tries for ever."""
    running = await started(tmp_path, program, port, "ck_live_wrong")
    with pytest.raises(AssertionError, match=r"40[13]"):
        await running.output()


@pytest.mark.parametrize("way", ["websocket", "sse"])
async def test_page_misses_nothing_when_it_is_cut(port: Port, way: str) -> None:
    """And shows nothing twice."""
    async with open_tab() as tab:
        page = tab.page
        await page.goto(f"{port.url}/docs/stream")
        await page.get_by_label("Access key").fill(port.key)
        await page.get_by_label("Through").select_option(way)
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator("#state")).to_have_text("Live")
        await port.put("before")
        await expect(page.locator("#rows .id")).to_have_text(["before"])
        await port.cut()
        await port.put("away")
        ids = page.locator("#rows .id")
        await expect(ids).to_have_text(["away", "before"], timeout=30_000)
        await port.put("after")
        await expect(ids).to_have_text(["after", "away", "before"])


@pytest.mark.parametrize("way", ["websocket", "sse"])
async def test_page_begins_in_the_past_if_it_is_asked_to(port: Port, way: str) -> None:
    """What was stored goes over into what is new."""
    for name in ("a", "b"):
        await port.put(name)
    async with open_tab() as tab:
        page = tab.page
        await page.goto(f"{port.url}/docs/stream")
        await page.get_by_label("Access key").fill(port.key)
        await page.get_by_label("game", exact=True).check()
        await page.get_by_label("Begin").select_option("10")
        await page.get_by_label("Through").select_option(way)
        await page.get_by_role("button", name="Start").click()
        ids = page.locator("#rows .id")
        await expect(ids).to_have_text(["b", "a"])
        await port.put("c")
        await expect(ids).to_have_text(["c", "b", "a"])
        assert tab.complaints == []


@pytest.mark.parametrize("way", ["websocket", "sse"])
async def test_page_says_that_there_is_no_such_subject(port: Port, way: str) -> None:
    """In the words of the server, and without trying again."""
    async with open_tab() as tab:
        page = tab.page
        await page.goto(f"{port.url}/docs/stream")
        await page.get_by_label("Access key").fill(port.key)
        await page.get_by_label("More subjects").fill("no.such.subject")
        await page.get_by_label("Through").select_option(way)
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator("#problem")).to_contain_text("there is no such subject")
        await expect(page.locator("#state")).to_have_text("Not connected")
