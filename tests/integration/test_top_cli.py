"""`consumer top` beside a real daemon on servers of its own, as a process."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from consumer.tools.embedded.sample_config import (
    embedded_servers,
    make_inbound_stream,
    sample_tables,
)
from consumer.tools.embedded.servers import free_port
from tests.support.command import Command, running, with_a_reader_that_leaves
from tests.support.daemon import Daemon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    """Start a daemon with one NATS listener, `demo`."""
    async with embedded_servers(tmp_path / "data") as (nats_url, valkey_url):
        await make_inbound_stream(nats_url)
        tables = sample_tables(nats_url, valkey_url, 0)
        with Daemon(tmp_path, tables) as daemon:
            await daemon.is_ready()
            yield daemon


async def row_with(top: Command, **wanted: object) -> dict[str, Any]:
    """Return the first line that holds these values."""
    while True:
        row: dict[str, Any] = json.loads(await top.line())
        if wanted.items() <= row.items():
            return row


async def test_line_for_each_listener_and_interval(daemon: Daemon, tmp_path: Path) -> None:
    """The address is that of the configuration."""
    options = ("--count", "2", "--every", "0.1s", "--config", str(tmp_path / "consumer.toml"))
    async with running("top", *options) as top:
        found = [json.loads(await top.line()) for _ in range(2)]
        assert await top.end() == (0, "")
    for row in found:
        assert (row["process"], row["listener"]) == (f"127.0.0.1:{daemon.port}", "demo")
        assert (row["state"], row["received_per_s"]) == ("up", 0)


async def test_process_that_is_away_comes_back(daemon: Daemon) -> None:
    """No crash, and no negative rate after its restart; the other one is shown all the while."""
    nobody = f"127.0.0.1:{free_port()}"
    async with running("top", f"127.0.0.1:{daemon.port}", nobody, "--every", "0.1s") as top:
        await row_with(top, listener="demo", received_per_s=0)
        daemon.kill()
        away = await row_with(top, process=f"127.0.0.1:{daemon.port}", state="away")
        assert away["why"].startswith("connection refused")
        daemon.start()
        back = await row_with(top, listener="demo")
        assert back["received_per_s"] is None
        assert (await row_with(top, process=nobody))["state"] == "away"
        await row_with(top, listener="demo", received_per_s=0)


async def test_interrupted_view_is_a_good_end(daemon: Daemon) -> None:
    """Ctrl-C is the ordinary way out."""
    async with running("top", f"127.0.0.1:{daemon.port}", "--every", "0.1s") as top:
        await top.line()
        top.process.send_signal(signal.SIGINT)
        assert (await top.end())[0] == 0


async def test_closed_pipe_is_a_good_end() -> None:
    """As of `top | head`; also where the next line would be an hour away."""
    async with with_a_reader_that_leaves("top", "127.0.0.1:1", "--every", "1h") as (top, pipe):
        os.close(pipe)
        assert await top.end() == (0, "")


async def test_wrong_port_is_told() -> None:
    """What answers there is no consumer."""
    async with running("top", "127.0.0.1:1", "--count", "1", "--every", "0.1s") as top:
        assert json.loads(await top.line())["state"] == "away"
        assert (await top.end())[0] == 0
