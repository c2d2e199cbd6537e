"""SIGHUP, which a terminal sends when it closes, and which an operator sends after an edit."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING

from tests.support.eventually import eventually
from tests.support.samples import casino

if TYPE_CHECKING:
    from tests.support.daemon import Daemon
    from tests.support.scene import Scene


def _says(daemon: Daemon, text: str) -> bool:
    return text in daemon.log()


async def test_hangup_says_what_a_restart_would_change(scene: Scene) -> None:
    """And the daemon goes on, also with a file that is wrong now."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        text = daemon.config.read_text()
        edits = [
            (text, "configuration has not changed"),
            (text.replace("[log]", '[log]\nlevel = "error"'), '"options":"log.level"'),
            (text + "nonsense", "configuration is wrong, and is not used"),
        ]
        for edited, said in edits:
            daemon.config.write_text(edited)
            os.kill(daemon.pid, signal.SIGHUP)
            await eventually(partial(_says, daemon, said), what=said)
        await scene.sources["nats"].send(casino())
        await eventually(scene.events_are(1), what="an event")
        daemon.terminate()
        assert await daemon.exit_code() == 0
