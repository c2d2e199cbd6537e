"""Dead letters of every kind, mended by a new version and replayed: one event each."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from consumer.dead_letters.record import from_message
from consumer.tools.embedded.servers import ServerProcess
from tests.support.corpus import BROKEN
from tests.support.eventually import eventually
from tests.support.mixed import Mix
from tests.support.new_version import mended_id

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.daemon import Daemon
    from tests.support.scene import Scene

COUNT = 3000


class Replay:
    """`consumer dead replay` of a later version, as a process."""

    def __init__(self, daemon: Daemon, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.support.new_version", "dead", "replay"]
        command += ["--config", str(daemon.config), *arguments]
        self.log = folder / "replay.log"
        self._process = ServerProcess("replay", command, self.log)
        self._process.start()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._process.kill()

    async def exit_code(self) -> int:
        """Wait for its end."""
        return await asyncio.to_thread(self._process.wait)


async def mended(scene: Scene) -> dict[str, int]:
    """Return the ids of all events, with how often each is stored."""
    return dict(await scene.sink.ids())


@pytest.mark.parametrize("source", ["rabbitmq", "kafka", "nats"])
async def test_every_letter_of_the_corpus_becomes_one_event(
    scene: Scene, source: str, tmp_path: Path
) -> None:
    """Whatever was wrong with it, and wherever it came from."""
    scene.tables["dead_letters"]["max_share"] = 1.0
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for message_type, body, _ in BROKEN.values():
            await scene.sources[source].send(body, message_type)
        await eventually(scene.letters_are(len(BROKEN)), what="every letter")
        await scene.drained()
    letters = [from_message(one.headers or {}, one.data) for one in await scene.sink.letters()]
    assert len(letters) == len(BROKEN)
    replay = Replay(daemon, tmp_path)
    assert await replay.exit_code() == 0, replay.log.read_text()
    expected = {mended_id(letter.body, letter.message_type): 1 for letter in letters}
    assert await mended(scene) == expected
    assert await scene.sink.dead_count() == 0


async def test_replay_that_is_killed_again_and_again_loses_and_doubles_nothing(
    scene: Scene, tmp_path: Path
) -> None:
    """Killed in the middle three times, then run to its end."""
    scene.tables["dead_letters"]["max_share"] = 1.0
    mix = Mix(COUNT, seed=7, name=scene.name, copies=0.0, broken=1.0)
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await scene.send(mix)
        await eventually(scene.letters_are(len(mix.broken)), within_s=60, what="every letter")
        await scene.drained()
    for part in range(1, 4):
        replay = Replay(daemon, tmp_path, "--rate", "1000")
        await eventually(scene.events_are(part * COUNT // 5), within_s=60, what="some events")
        replay.kill()
    left = await scene.sink.dead_count()
    assert 0 < left < COUNT
    last = Replay(daemon, tmp_path)
    assert await last.exit_code() == 0, last.log.read_text()
    assert set((await mended(scene)).values()) == {1}
    assert len(await mended(scene)) == COUNT
    assert await scene.sink.dead_count() == 0
