"""SIGHUP, which a terminal sends when it closes, and which an operator sends after an edit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tomllib
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

import tomli_w

from consumer.deliveries.origin import Environment
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene
from tests.support.resending import Client
from tests.support.samples import casino

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.daemon import Daemon
    from tests.support.scene import Scene


def _says(daemon: Daemon, text: str) -> bool:
    return text in daemon.log()


def edited(daemon: Daemon, table: str, **options: object) -> str:
    """Return the file with other options in one table."""
    tables = tomllib.loads(daemon.config.read_text())
    return tomli_w.dumps({**tables, table: {**tables.get(table, {}), **options}})


async def reread(daemon: Daemon, text: str, *said: str) -> None:
    """Change the file, send SIGHUP, and wait for what the log says."""
    daemon.config.write_text(text)
    os.kill(daemon.pid, signal.SIGHUP)
    for each in said:
        await eventually(partial(_says, daemon, each), what=each)


async def test_hangup_reads_the_configuration_again(scene: Scene) -> None:
    """Some options count from now on, the others are named, and a wrong file changes nothing."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        text = daemon.config.read_text()
        await reread(daemon, text, "configuration has not changed")
        await reread(daemon, "nonsense", "configuration is wrong, and is not used")
        daemon.config.write_text(text)
        grace = edited(daemon, "operations", shutdown_grace_s=7)
        await reread(daemon, grace, "in use now", '"options":"operations.shutdown_grace_s"')
        prefix = edited(daemon, "dedupe", key_prefix="x")
        await reread(daemon, prefix, "restart to use it", '"options":"dedupe.key_prefix"')
        await scene.sources["nats"].send(casino())
        await eventually(scene.events_are(1), what="an event")
        daemon.terminate()
        assert await daemon.exit_code() == 0
        assert '"grace_s":7' in daemon.log()


async def test_file_that_never_answers_holds_no_drain(scene: Scene) -> None:
    """As on a disk of the network that has gone."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        daemon.config.unlink()
        os.mkfifo(daemon.config)
        os.kill(daemon.pid, signal.SIGHUP)
        await daemon.is_ready(within_s=1)
        daemon.terminate()
        async with asyncio.timeout(15):
            assert await daemon.exit_code() == 0


async def test_hangup_changes_the_level_of_the_log(scene: Scene) -> None:
    """Loggers that have written lines before follow as well."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await reread(daemon, edited(daemon, "log", level="warning"), '"options":"log.level"')
        daemon.terminate()
        assert await daemon.exit_code() == 0
        assert "draining" not in daemon.log()


async def test_hangup_changes_the_rate_of_test_keys(
    tmp_path: Path, nats_url: str, redis_url: str
) -> None:
    """A rate of 2 a second allows few events, and the old one allowed all of them."""
    async with HttpScene(tmp_path, nats_url, redis_url) as scene:
        scene.tables["sandbox"]["rate"] = 10_000
        client = Client(scene.port, await scene.key(Environment.TEST))
        with scene.daemon() as daemon, contextlib.closing(client):
            await daemon.is_ready()

            async def statuses() -> set[int]:
                return {(await client.post(casino()))[0] for _ in range(100)}

            assert await statuses() == {HTTPStatus.OK}
            await reread(daemon, edited(daemon, "sandbox", rate=2), '"options":"sandbox.rate"')
            assert HTTPStatus.TOO_MANY_REQUESTS in await statuses()
