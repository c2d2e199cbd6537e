"""`consumer send` as a process, to each broker: the daemon makes of it what it says it sent."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from consumer.tools.sample.broken import WAYS
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.scene import Scene

PICKED = [part for reason in WAYS for part in ("--reason", reason.value)]


async def send(folder: Path, *arguments: str) -> str:
    """Run the verb with the scene's configuration; returns its last line."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumer", "send", *arguments),
        *("--config", str(folder / "consumer.toml")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await process.communicate()
    assert process.returncode == 0, errors
    return said.decode().strip()


@pytest.mark.parametrize("source", ["rabbitmq", "kafka", "nats"])
async def test_each_reason_becomes_its_dead_letter(
    scene: Scene, tmp_path: Path, source: str
) -> None:
    """Too large ones too; they are made as large as the sink's server takes."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        said = await send(tmp_path, "all", "--to", source, "--broken", "9%", *PICKED)
        await eventually(scene.events_are(91), what="the events")
        await scene.drained()
        await eventually(daemon.is_idle, what="nothing in flight")
    letters = await scene.sink.letters()
    found = Counter((letter.headers or {})["Dead-Reason"] for letter in letters)
    ways = {reason.value: len(each) for reason, each in WAYS.items()}
    assert found == ways
    assert said.startswith("sent 100: 91 distinct events, 0 duplicates, 9 broken (conflict 1,")
    (large,) = (one for one in letters if (one.headers or {})["Dead-Reason"] == "too_large")
    body = await scene.sink.large_body((large.headers or {})["Dead-Body-Object"])
    assert len(body) > 1_000_000


async def test_same_seed_twice_is_nothing_but_resends(scene: Scene, tmp_path: Path) -> None:
    """Also by another broker."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for source in ("rabbitmq", "kafka"):
            await send(tmp_path, "all", "--to", source, "--count", "300", "--seed", "7")
            await eventually(scene.events_are(300), what="the events")
        await scene.drained()
        assert await scene.sink.count() == 300
        assert (await daemon.books())["duplicates"] == 300
