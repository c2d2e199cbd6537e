"""The programs on the pages that post events, against a real daemon."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.support.eventually import eventually
from tests.support.proxy import Proxy
from tests.support.snippets import snippet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.daemon import Daemon
    from tests.support.http_daemon import HttpScene

PORT: Final = "http://127.0.0.1:8080"
"""Where the programs of the pages post to."""
EVENT: Final = json.loads(snippet("sending.md", "What to send", "json"))
DEADLINE_S: Final = 60


class Program(NamedTuple):
    """A program of the pages.

    Attributes:
        page: The page.
        heading: The heading above it.
        language: The language, as it stands behind the three backticks.
        file: The name under which it is saved.
        command: Runs it.
    """

    page: str
    heading: str
    language: str
    file: str
    command: tuple[str, ...]


CODE: Final = "sending-code.md"
CURL: Final = Program("http.md", "Posting events over HTTP", "sh", "post.sh", ("sh", "post.sh"))
PYTHON: Final = Program(
    CODE, "Python over HTTP", "python", "post_event.py", (sys.executable, "post_event.py")
)
MANY: Final = Program(
    CODE, "Python over HTTP, many events", "python", "many.py", (sys.executable, "many.py")
)
NODE: Final = Program(
    CODE, "JavaScript over HTTP", "javascript", "post_event.mjs", ("node", "post_event.mjs")
)
each_program = pytest.mark.parametrize(
    "program", [CURL, PYTHON, NODE], ids=lambda program: program.file
)


class Place:
    """A folder with the programs, beside a daemon whose NATS is behind a proxy.

    Attributes:
        scene: What surrounds the daemon.
        proxy: The proxy.
        daemon: The daemon.
        key: A key without a rate.
        slow_key: A key that may post an event every two seconds.
    """

    def __init__(
        self, scene: HttpScene, proxy: Proxy, daemon: Daemon, keys: tuple[str, str], folder: Path
    ) -> None:
        self.scene = scene
        self.proxy = proxy
        self.daemon = daemon
        self.key, self.slow_key = keys
        self._folder = folder

    async def run(self, program: Program, key: str, **changed: object) -> tuple[int, str]:
        """Post the event of the page, with some other values.

        Returns:
            The exit code, and all that the program printed.
        """
        for one in (program, PYTHON):
            code = snippet(one.page, one.heading, one.language).replace(PORT, self.scene.url)
            (self._folder / one.file).write_text(code, encoding="utf-8")
        (self._folder / "casino.json").write_text(json.dumps(EVENT | changed), encoding="utf-8")
        (self._folder / "key.header").write_text(f"Authorization: Bearer {key}\n")
        process = await asyncio.create_subprocess_exec(
            *program.command,
            cwd=self._folder,
            env={**os.environ, "CONSUMER_KEY": key, "PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(DEADLINE_S):
            said, _ = await process.communicate()
        return process.returncode or 0, said.decode()


@pytest.fixture
async def proxy(nats_url: str) -> AsyncIterator[Proxy]:
    """Return a proxy in front of NATS."""
    host, _, port = nats_url.removeprefix("nats://").partition(":")
    async with Proxy(host, int(port)) as proxy:
        yield proxy


@pytest.fixture
async def place(http_scene: HttpScene, proxy: Proxy, tmp_path: Path) -> AsyncIterator[Place]:
    """Run a daemon that answers within 2 s."""
    http_scene.tables["sink"]["url"] = f"nats://{proxy.address}"
    http_scene.tables["listeners"]["api"]["answer_timeout_s"] = 2
    keys = (await http_scene.key(), await http_scene.key(events_per_s=0.5))
    with http_scene.daemon() as daemon:
        await daemon.is_ready()
        yield Place(http_scene, proxy, daemon, keys, tmp_path)


def skip_without(program: Program) -> None:
    """Skip a test if the machine lacks the language."""
    tool = "curl" if program is CURL else program.command[0]
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} not found")


@each_program
async def test_program_ends_well_only_if_the_event_is_stored(
    place: Place, program: Program
) -> None:
    """200 twice, 409 for another amount, 400 for a wrong amount."""
    skip_without(program)
    for status in ("stored", "duplicate"):
        code, said = await place.run(program, place.key)
        assert code == 0, said
        assert status in said
    for wrong, reason in (("99", "conflict"), ("12,30", "invalid")):
        code, said = await place.run(program, place.key, amount=wrong)
        assert code != 0
        assert reason in said
        assert said.count(reason) <= 2, "it was posted again"
    assert await place.daemon.metric("http_requests", 'status="4') == 2
    assert await place.scene.sink.count() == 1


@each_program
async def test_program_waits_when_it_is_over_its_rate(place: Place, program: Program) -> None:
    """And posts the event in the end."""
    skip_without(program)
    for number in range(3):
        code, said = await place.run(program, place.slow_key, activity_id=f"a{number}")
        assert code == 0, said
    assert await place.daemon.metric("http_requests", 'status="429"') >= 1
    assert await place.scene.sink.count() == 3


@each_program
async def test_program_repeats_while_the_platform_is_away(place: Place, program: Program) -> None:
    """503, and then the event is stored once."""
    skip_without(program)
    assert (await place.run(program, place.key, activity_id="first"))[0] == 0

    async def refused() -> bool:
        return await place.daemon.metric("http_requests", 'status="503"') >= 1

    place.proxy.freeze()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(place.run(program, place.key, activity_id="second"))
        await eventually(refused, what="503")
        place.proxy.thaw()
    code, said = running.result()
    assert code == 0, said
    assert await place.scene.sink.ids() == {"first": 1, "second": 1}


@each_program
async def test_program_does_not_repeat_with_a_wrong_key(place: Place, program: Program) -> None:
    """Nobody would notice."""
    skip_without(program)
    code, said = await place.run(program, "ck_live_wrong")
    assert code != 0
    assert "unauthorized" in said
    assert await place.daemon.metric("http_requests", 'status="401"') == 1


async def test_program_posts_a_file_and_shows_what_was_rejected(
    place: Place, tmp_path: Path
) -> None:
    """More lines than one batch has."""
    lines = [
        json.dumps({"type": "CASINO", "data": EVENT | {"activity_id": f"a{number}"}})
        for number in range(700)
    ]
    lines[600] = lines[600].replace('"12.30"', '"12,30"')
    (tmp_path / "events.ndjson").write_text("\n".join(lines))
    code, said = await place.run(MANY, place.key)
    assert code == 0, said
    assert said.splitlines() == [f'{lines[600]} amount: expected number, got "12,30"']
    assert await place.scene.sink.count() == 699
