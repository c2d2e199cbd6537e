"""A daemon that is started without standard streams runs, and drains, like any other."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import signal
import sys
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from consumer.tools.embedded.servers import free_port
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_S: Final = 60.0
CONFIG: Final = """\
brand = "brand-a"
[operations]
bind = "127.0.0.1:{port}"
[dedupe]
store = "memory"
[sink]
url = "nats://127.0.0.1:1"
[listeners.a]
kind = "nats"
url = "nats://127.0.0.1:1"
subject = "a"
"""


async def is_alive(port: int) -> bool:
    """Tell whether the operations port answers."""
    with contextlib.suppress(httpx.TransportError):
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{port}/livez")).is_success
    return False


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
async def test_daemon_without_standard_streams_runs(tmp_path: Path, closed: str) -> None:
    """Its descriptors 0 to 2 are /dev/null, where a stream is missing."""
    port = free_port()
    file = tmp_path / "consumer.toml"
    file.write_text(CONFIG.format(port=port))
    command = shlex.join([sys.executable, "-m", "consumer", "run", "--config", str(file)])
    daemon = await asyncio.create_subprocess_shell(f"exec {command} {closed}")
    try:
        await eventually(lambda: is_alive(port), within_s=DEADLINE_S, what="an answer of /livez")
        daemon.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            assert await daemon.wait() == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            daemon.kill()
        await daemon.wait()
