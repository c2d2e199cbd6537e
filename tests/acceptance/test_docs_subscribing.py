"""docs/subscribing.md: its table and its Python consumer, held against the real thing."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from consumer.embedded import ServerProcess
from consumer.events.registry import CATALOGUE
from tests.support.eventually import eventually
from tests.support.samples import casino

if TYPE_CHECKING:
    from tests.support.scene import Scene

PAGE = (Path(__file__).parents[2] / "docs" / "subscribing.md").read_text(encoding="utf-8")
(SNIPPET,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


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


def _printed(log: Path, line: str) -> bool:
    return line in log.read_text()


async def test_the_python_consumer_gets_every_event_once(
    scene: Scene, nats_url: str, tmp_path: Path
) -> None:
    """Killed in between and started again, it goes on where it was."""
    code = SNIPPET.replace("nats://127.0.0.1:4222", nats_url).replace(
        "EVENTS", f"EVENTS_{scene.name}"
    )
    script = tmp_path / "subscriber.py"
    script.write_text(code.replace("game.*", f"{scene.name}.game.*"))
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
