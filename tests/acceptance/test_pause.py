"""An operator pauses one listener of a running daemon, and resumes it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import httpx

from tests.support.command import running
from tests.support.eventually import eventually
from tests.support.samples import casino

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.daemon import Daemon
    from tests.support.scene import Scene

TOKEN = "a-token-of-an-operator"


async def _consumer(*arguments: str) -> tuple[int, str]:
    """Run a verb to its end, and return its exit code and standard error."""
    async with running(*arguments) as command:
        return await command.end()


async def _post(daemon: Daemon, path: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{daemon.port}") as client:
        return await client.post(path, headers=named)


async def test_paused_listener_leaves_its_messages_and_the_others_go_on(scene: Scene) -> None:
    """The daemon stays ready; afterwards each event is there once."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        config = ("--config", str(daemon.config))
        assert (await _consumer("pause", "nats", *config))[0] == 0

        async def is_paused() -> bool:
            return await daemon.metric("listener_paused", "nats") == 1

        await eventually(is_paused, what="the pause")
        await scene.sources["nats"].send(casino(activity_id="while paused"))
        await scene.sources["kafka"].send(casino(activity_id="by another"))
        await eventually(scene.events_are(1), what="the event of the other listener")
        assert await daemon.ready()
        assert "by another" in await scene.sink.ids()
        assert await scene.sources["nats"].remaining() == 1
        assert (await _consumer("resume", "nats", *config))[0] == 0
        await eventually(scene.events_are(2), what="the event that waited")
        code, said = await _consumer("pause", "nobody", *config)
        assert code == 1
        assert "there is no listener nobody; there are: " in said
        daemon.terminate()
        assert await daemon.exit_code() == 0


async def test_only_this_machine_may_pause(scene: Scene) -> None:
    """A page in a browser of this machine may not, nor whoever comes through a proxy."""
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for name in ("origin", "sec_fetch_site", "x_forwarded_for", "forwarded", "via"):
            answer = await _post(daemon, "/listeners/nats/pause", **{name: "somebody"})
            assert answer.status_code == 403
        assert (await _post(daemon, "/listeners/nats/stop")).status_code == 404
        assert await daemon.metric("listener_up", "nats") == 1


async def test_token_is_needed_where_one_is_set(scene: Scene) -> None:
    """From this machine too. The verb reads it from the configuration."""
    scene.tables["operations"] = {"token": TOKEN}
    with scene.daemon() as daemon:
        await daemon.is_ready()
        assert (await _post(daemon, "/listeners/nats/pause")).status_code == 403
        wrong = {"authorization": f"Bearer {TOKEN}x"}
        assert (await _post(daemon, "/listeners/nats/pause", **wrong)).status_code == 403
        assert (await _consumer("pause", "nats", "--config", str(daemon.config)))[0] == 0
        right = {"authorization": f"Bearer {TOKEN}", "x_forwarded_for": "10.0.0.1"}
        assert (await _post(daemon, "/listeners/nats/resume", **right)).status_code == 202
        assert TOKEN not in daemon.log()


async def test_token_is_read_again_for_each_request(scene: Scene, tmp_path: Path) -> None:
    """The token of before ends at once. Without a file, nobody may pause."""
    file = tmp_path / "token"
    file.write_text("old")
    scene.tables["operations"] = {"token_file": str(file)}

    async def answer(token: str) -> tuple[int, str]:
        held = await _post(daemon, "/listeners/nats/resume", authorization=f"Bearer {token}")
        return held.status_code, held.text

    with scene.daemon() as daemon:
        await daemon.is_ready()
        assert (await answer("old"))[0] == 202
        file.write_text("new\n")
        assert [(await answer(token))[0] for token in ("old", "new")] == [403, 202]
        for broken in ("", "n\new"):
            file.write_text(broken)
            assert (await answer("new"))[0] == 503
        file.unlink()
        status, text = await answer("new")
        assert (status, "token_file cannot be used" in text) == (503, True)
        # A thread of its own writes the log.
        await eventually(lambda: "operations.token_file: " in daemon.log(), what="a line")
        os.mkfifo(file)  # it never answers, as a disk on a network may do
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(answer("new")) for _ in range(3)]
            await daemon.is_ready(within_s=1)
        assert [each.result()[0] for each in asked] == [503] * 3
        daemon.terminate()
        assert await daemon.exit_code() == 0
