"""The running port answers as its OpenAPI document says, whatever is posted: schemathesis looks."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from consumer.listeners.http.paths import MANY_PATH
from tests.support.samples import casino

if TYPE_CHECKING:
    from tests.support.http_daemon import HttpScene

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "tests" / "data" / "schemathesis.toml"
"""The checks that are left out, each with the reason."""
EXAMPLES_COUNT: Final = 5
"""For each operation, beside thousands of requests that are made of the document one by one."""
DEADLINE_S: Final = 180
GOOD_COUNT: Final = 8_000
"""More than all that is rejected. Otherwise the answer would soon be `too_many_rejected`."""


async def _schemathesis(url: str, key: str, folder: Path) -> tuple[int | None, str]:
    """Run it, and return its exit code and what it has printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(RULES), "--no-color"),
        *("run", f"{url}/openapi.json", "-H", f"Authorization: Bearer {key}"),
        *("--max-examples", str(EXAMPLES_COUNT), "--generation-deterministic"),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
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


def operations_count(scene: HttpScene) -> int:
    """Return the number of operations that the running port describes."""
    paths = httpx.get(f"{scene.url}/openapi.json").json()["paths"]
    return sum(len(by_verb) for by_verb in paths.values())


async def test_each_answer_is_as_the_document_says(http_scene: HttpScene, tmp_path: Path) -> None:
    """Good and bad events, wrong media types, verbs and keys: no surprise, and never a 5xx."""
    key = await http_scene.key()
    lines = [b'{"type": "CASINO", "data": %s}\n' % casino(activity_id=f"{n}") for n in range(1000)]
    with http_scene.daemon() as daemon:
        await daemon.is_ready()
        async with http_scene.client(key) as client:
            for _ in range(GOOD_COUNT // len(lines)):
                sent = await client.post(MANY_PATH, content=b"".join(lines))
                assert sent.status_code == 200
        code, said = await _schemathesis(http_scene.url, key, tmp_path)
        assert code == 0, said
        # It leaves the document itself out.
        assert f"Tested: {operations_count(http_scene) - 1}\n" in said, said
        for label in ('status="429"', 'status="5'):
            assert await daemon.metric("http_requests", label) == 0
        assert await daemon.metric("http_requests", 'status="400"') > 1000
    assert await http_scene.sink.count() > len(lines)
