"""The running port answers as its OpenAPI document says, whatever is posted: schemathesis looks."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from consumer.access.key import Scope
from consumer.listeners.http.endpoints import ID
from consumer.listeners.http.paths import MANY_PATH
from tests.support.samples import casino
from tests.support.schemathesis_hooks import OTHER_KEY, OWN_KEY

if TYPE_CHECKING:
    from tests.support.daemon import Daemon
    from tests.support.http_daemon import HttpScene

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "tests" / "data" / "schemathesis.toml"
"""The checks that are left out, each with the reason."""
EXAMPLES_COUNT: Final = 5
"""For each operation, beside thousands of requests that are made of the document one by one."""
DEADLINE_S: Final = 300
EXAMPLE: Final = b'{"type": "CASINO", "data": %s}' % casino(activity_id=ID)
"""The event that the example of a search looks for."""
GOOD_COUNT: Final = 100
GOOD_EVERY_S: Final = 0.2
"""More good events than are rejected. Otherwise the answer would soon be `too_many_rejected`, which
looks at the last 60 s. Small batches leave the others room in the key's share of the lane."""
NEVER_DONE: Final = ["open_stream"]
"""The stream is not asked for, because its answer would have no end."""


async def _schemathesis(url: str, keys: dict[str, str], folder: Path) -> tuple[int | None, str]:
    """Run it, and return its exit code and what it has printed.

    Args:
        url: The port.
        keys: The keys that `schemathesis_hooks.py` knows, by the names of their variables.
        folder: The folder in which it runs.
    """
    ids = {variable: key.split("_")[2] for variable, key in keys.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(RULES), "--no-color"),
        *("run", f"{url}/openapi.json", "-H", f"Authorization: Bearer {keys[OWN_KEY]}"),
        *("--max-examples", str(EXAMPLES_COUNT), "--generation-deterministic"),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **ids},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, said.decode()


async def _keep_good(client: httpx.AsyncClient, lines: bytes) -> None:
    """Post the good events again and again, until this is cancelled."""
    while True:
        sent = await client.post(MANY_PATH, content=lines)
        assert sent.status_code == 200
        await asyncio.sleep(GOOD_EVERY_S)


def operations(scene: HttpScene) -> list[str]:
    """Return the names of the operations that the running port describes."""
    paths = httpx.get(f"{scene.url}/openapi.json").json()["paths"]
    return [one["operationId"] for by_verb in paths.values() for one in by_verb.values()]


async def never_done(scene: HttpScene, daemon: Daemon) -> list[str]:
    """Return the operations that had no success."""
    counts = {
        name: await daemon.metric("http_requests", f'endpoint="{name}",status="2')
        for name in operations(scene)
    }
    return [name for name, count in counts.items() if not count]


async def test_each_answer_is_as_the_document_says(http_scene: HttpScene, tmp_path: Path) -> None:
    """Good and bad events, wrong media types, verbs and keys: no surprise, and never a 5xx.

    The key may do everything, and at the end it is as it was.
    """
    key = await http_scene.key(scopes=tuple(Scope))
    lines = [
        b'{"type": "CASINO", "data": %s}\n' % casino(activity_id=f"{n}") for n in range(GOOD_COUNT)
    ]
    keys = {OWN_KEY: key, OTHER_KEY: await http_scene.key()}
    with http_scene.daemon() as daemon:
        await daemon.is_ready()
        async with http_scene.client(key) as client:
            assert (await client.post(MANY_PATH, content=EXAMPLE)).status_code == 200
            async with asyncio.TaskGroup() as group:
                good = group.create_task(_keep_good(client, b"".join(lines)))
                code, said = await _schemathesis(http_scene.url, keys, tmp_path)
                good.cancel()
        assert code == 0, said
        # It leaves the document itself out.
        assert f"Tested: {len(operations(http_scene)) - 1}\n" in said, said
        for label in ('status="429"', 'status="5'):
            assert await daemon.samples("http_requests", label) == {}
        assert await daemon.metric("http_requests", 'status="400"') > 1000
        assert await never_done(http_scene, daemon) == NEVER_DONE
        async with http_scene.client(key) as client:
            own = (await client.get("/v1/key")).json()
        assert (own["state"], len(own["secrets"])) == ("in force", 1)
    assert await http_scene.sink.count() > len(lines)
