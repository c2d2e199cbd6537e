"""`consumer run --embedded --sample` as `make run` starts it: a process, seen from outside."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.support.command import with_a_reader_that_leaves

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DEADLINE_S = 60


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start it with its data in a folder."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumer", "run", "--embedded", "--sample"),
        *("--data", str(folder / "data")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_shows_events_and_drains(tmp_path: Path) -> None:
    """Events pass without any broker or configuration; SIGTERM is exit code 0."""
    async with embedded(tmp_path) as process:
        assert process.stdout is not None
        event = json.loads(await process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        _, said = await process.communicate()
    assert (event["brand"], event["specversion"]) == ("demo", "1.0")
    assert process.returncode == 0, said
    assert b"try in another terminal" in said


async def test_leaves_a_configuration_for_other_verbs(tmp_path: Path) -> None:
    """`check` finds everything in order with it, while it runs."""
    async with embedded(tmp_path) as process:
        assert process.stdout is not None
        await process.stdout.readline()
        config = str(tmp_path / "data" / "consumer.toml")
        check = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "consumer", "check", "--config", config),
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await check.communicate()
    assert check.returncode == 0, told
    assert told.count(b"ok ") == 10
    assert b"in use while the daemon runs" in told


async def curl_lines(process: asyncio.subprocess.Process) -> list[str]:
    """Read what it prints up to the second curl line; returns both."""
    found: list[str] = []
    assert process.stderr is not None
    while len(found) < 2:
        line = (await process.stderr.readline()).decode()
        assert line, "the process ended"
        found += [line] if "curl " in line else []
    return found


async def posted(line: str) -> dict[str, str]:
    """Run a line in a shell, as a newcomer would, until the daemon answers; returns the answer."""
    command = f"{line.strip()} --silent --fail --retry 20 --retry-connrefused --retry-delay 1"
    shell = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE)
    answer, _ = await shell.communicate()
    told: dict[str, str] = json.loads(answer)
    return told


async def test_printed_curl_lines_work(tmp_path: Path) -> None:
    """One makes a live event, the other a test; neither is a duplicate of the other."""
    async with embedded(tmp_path) as process:
        live, test = await curl_lines(process)
        assert process.stdout is not None
        answer = await posted(live)
        assert answer["status"] == "stored"
        while json.loads(await process.stdout.readline())["id"] != answer["id"]:
            pass
        assert (await posted(test))["status"] == "stored"
        assert (await posted(live))["status"] == "duplicate"
        assert (await posted(test))["status"] == "duplicate"


async def test_printed_commands_work(tmp_path: Path) -> None:
    """In a shell that knows no virtual environment, as after `make run`."""
    async with embedded(tmp_path) as process:
        assert process.stderr is not None
        line = b""
        while b" dead list" not in line:
            line = await process.stderr.readline()
            assert line, "the process ended"
        assert process.stdout is not None
        await process.stdout.readline()  # an event has passed, so the daemon is ready
        shell = await asyncio.create_subprocess_shell(line, env={"PATH": "/usr/bin:/bin"})
        assert await shell.wait() == 0, line


async def test_keys_are_kept_for_the_next_run(tmp_path: Path) -> None:
    """In files that only their owner may read. A key that was lost is made anew."""
    files = [tmp_path / "data" / name for name in ("live.key", "test.key")]
    texts = []
    for lost in (None, files[1]):
        if lost is not None:
            lost.write_text("lost")
        async with embedded(tmp_path) as process:
            await curl_lines(process)
        texts.append([file.read_text() for file in files])
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    assert texts[0][0] == texts[1][0]
    assert texts[0][1] != texts[1][1] != "lost"


async def test_ends_when_nobody_reads_any_more(tmp_path: Path) -> None:
    """As of `make run | head`: exit code 0, and no server is left."""
    arguments = ("run", "--embedded", "--sample", "--data", str(tmp_path / "data"))
    async with with_a_reader_that_leaves(*arguments) as (process, pipe):
        first = await asyncio.to_thread(os.read, pipe, 65_536)
        os.close(pipe)
        code, told = await process.end()
    assert json.loads(first.splitlines()[0])["brand"] == "demo"
    assert code == 0, told
    assert "Traceback" not in told


async def test_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    """Exit code 2 and a word, and the first run goes on; after it, the folder is free."""
    async with embedded(tmp_path) as first:
        assert first.stdout is not None
        await first.stdout.readline()
        async with embedded(tmp_path) as second:
            _, said = await second.communicate()
        assert second.returncode == 2
        assert b"consumer: --data: another process runs embedded servers in " in said
        assert json.loads(await first.stdout.readline())["brand"] == "demo"
        first.kill()
        await first.wait()
    async with embedded(tmp_path) as third:
        assert third.stdout is not None
        assert json.loads(await third.stdout.readline())["brand"] == "demo"
