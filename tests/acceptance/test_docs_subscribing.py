"""docs/subscribing.md: its table and its Python consumer, held against the real thing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from consumer.events.registry import CATALOGUE
from consumer.tools.embedded.servers import ServerProcess
from tests.support.eventually import eventually
from tests.support.samples import casino
from tests.support.snippets import run, snippet

if TYPE_CHECKING:
    from tests.support.scene import Scene

PAGE = (Path(__file__).parents[2] / "docs" / "subscribing.md").read_text(encoding="utf-8")
SNIPPET = snippet("subscribing.md", "A durable consumer")
REPLAY = snippet("subscribing.md", "From a time")


def test_the_table_has_every_subject() -> None:
    """By family, with the types that they come from."""
    tokens, types = defaultdict(set), defaultdict(set)
    for event_type in CATALOGUE:
        for subject in event_type.subjects.values():
            family, _, token = subject.partition(".")
            tokens[family].add(token)
            types[family].add(event_type.name)
    rows = [
        f"| `{family}` | {', '.join(f'`{one}`' for one in sorted(tokens[family]))} "
        f"| {', '.join(sorted(types[family]))} |"
        for family in sorted(tokens)
    ]
    assert re.findall(r"^\| `\w+` \| `.*$", PAGE.partition("## The event")[0], re.MULTILINE) == rows


def _here(code: str, scene: Scene, nats_url: str) -> str:
    """Return a program of the page with the address, stream and prefix of a scene."""
    code = code.replace("nats://127.0.0.1:4222", nats_url)
    code = code.replace("EVENTS", f"EVENTS_{scene.name}")
    return code.replace("game.*", f"{scene.name}.game.*")


def _printed(log: Path, line: str) -> bool:
    return line in log.read_text()


async def test_the_python_consumer_gets_every_event_once(
    scene: Scene, nats_url: str, tmp_path: Path
) -> None:
    """Killed in between and started again, it goes on where it was."""
    script = tmp_path / "subscriber.py"
    script.write_text(_here(SNIPPET, scene, nats_url))
    log = tmp_path / "subscriber.log"
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for number in range(2):
            await scene.sources["nats"].send(casino(activity_id=f"e{number}"))
            await eventually(scene.events_are(number + 1), what="the event")
            subscriber = ServerProcess("subscriber", [sys.executable, str(script)], log)
            subscriber.start()
            await eventually(partial(_printed, log, f"game.bet e{number} 12.3\n"), what="a line")
            subscriber.kill()
    assert log.read_text().count("e0 ") == 1


async def test_the_replay_gets_what_was_stored_and_ends(
    scene: Scene, nats_url: str, tmp_path: Path
) -> None:
    """Everything of the last hour, in order, as often as it is asked for."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for number in range(3):
            await scene.sources["nats"].send(casino(activity_id=f"e{number}"))
        await eventually(scene.events_are(3), what="the events")
    for _ in range(2):
        told = await (await run(tmp_path, _here(REPLAY, scene, nats_url))).output()
        assert re.findall(r"game\.bet (\w+)$", told, re.MULTILINE) == ["e0", "e1", "e2"]


async def test_the_replay_begins_at_its_time(scene: Scene, nats_url: str, tmp_path: Path) -> None:
    """What was stored before it is left out."""
    code = _here(REPLAY, scene, nats_url).replace(
        "datetime.now(UTC) - timedelta(hours=1)", "datetime.fromisoformat(MOMENT)"
    )
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await scene.sources["nats"].send(casino(activity_id="before"))
        await eventually(scene.events_are(1), what="the first event")
        moment = datetime.now(UTC).isoformat()
        await scene.sources["nats"].send(casino(activity_id="after"))
        await eventually(scene.events_are(2), what="the second event")
    told = await (await run(tmp_path, f"MOMENT = {moment!r}\n{code}")).output()
    assert re.findall(r"game\.bet (\w+)$", told, re.MULTILINE) == ["after"]


@pytest.mark.parametrize(
    ("language", "command", "file"),
    [("javascript", ["node", "--check"], "a.mjs"), ("go", ["gofmt", "-e", "-d"], "a.go")],
    ids=["javascript", "go"],
)
def test_the_other_languages_parse(
    language: str, command: list[str], file: str, tmp_path: Path
) -> None:
    """And Go is formatted as Go is; where the tool is there. They are not run."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    code = snippet("subscribing.md", "A durable consumer", language)
    (tmp_path / file).write_text(code, encoding="utf-8")
    done = subprocess.run(  # noqa: S603  # a fixed command
        [*command, file], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
