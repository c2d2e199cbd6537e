"""`consumer check` on a NATS server: it finds what is wrong, and changes nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import nats
import pytest
import tomli_w
from click.testing import CliRunner, Result
from nats.js.api import RetentionPolicy

from consumer.cli.main import cli
from consumer.tools.embedded.servers import embedded_nats, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from nats.aio.client import Client


class Server(NamedTuple):
    """A NATS server, and where configurations for it go."""

    client: Client
    url: str
    file: Path

    async def check(self, sink: dict[str, object] | None = None) -> Result:
        """Check a configuration on this server, in a thread with an event loop of its own."""
        listener = {"kind": "nats", "url": self.url, "subject": "inbound.>"}
        tables = {
            "brand": "brand-a",
            "listeners": {"inbound": listener},
            "dedupe": {"store": "memory"},
            "sink": {"url": self.url, **(sink or {})},
        }
        self.file.write_text(tomli_w.dumps(tables))
        arguments = ["check", "--config", str(self.file)]
        return await asyncio.to_thread(CliRunner().invoke, cli, arguments)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """Start a server without any stream."""
    async with embedded_nats(tmp_path / "nats") as url:
        client = await nats.connect(url)
        yield Server(client, url, tmp_path / "consumer.toml")
        await client.close()


async def test_missing_streams_are_not_created(server: Server) -> None:
    """They will be; a check only says so."""
    result = await server.check()
    assert result.exit_code == 0, result.output
    assert "stream EVENTS will be created" in result.stdout
    assert await server.client.jetstream().streams_info() == []


async def test_missing_stream_fails_without_create_stream(server: Server) -> None:
    """With `create_stream = false` it has to be there."""
    result = await server.check({"create_stream": False})
    assert result.exit_code == 1
    assert "FAIL  sink" in result.stdout
    assert "set create_stream = true" in result.stdout


async def test_missing_subjects_are_not_added(server: Server) -> None:
    """They will be; a check only says so."""
    jetstream = server.client.jetstream()
    await jetstream.add_stream(name="EVENTS", subjects=["game.*"], duplicate_window=600)
    result = await server.check()
    assert "wallet.*, withdrawal.* will be added" in result.stdout
    assert (await jetstream.stream_info("EVENTS")).config.subjects == ["game.*"]


async def test_unfit_stream_fails(server: Server) -> None:
    """A work queue forgets ids, so it is no sink."""
    await server.client.jetstream().add_stream(
        name="EVENTS", subjects=["game.*"], retention=RetentionPolicy.WORK_QUEUE
    )
    result = await server.check()
    assert result.exit_code == 1
    assert "must be limits" in result.stdout


async def test_limits_that_evict_are_a_warning(server: Server) -> None:
    """It works, until it is full."""
    await server.client.jetstream().add_stream(
        name="EVENTS", subjects=["game.*"], max_bytes=10_000_000, duplicate_window=600
    )
    result = await server.check()
    assert result.exit_code == 0
    assert "warn" in result.stdout
    assert "may evict inside the window" in result.stdout


async def test_taken_subjects_fail(server: Server) -> None:
    """Another stream that stores our subjects is named."""
    await server.client.jetstream().add_stream(name="GAMES", subjects=["game.>"])
    result = await server.check()
    assert result.exit_code == 1
    assert "stream GAMES stores game.* already" in result.stdout


async def test_core_sink_is_at_most_once(server: Server) -> None:
    """It is allowed, and said."""
    result = await server.check({"kind": "core"})
    assert result.exit_code == 0
    assert "core NATS is at most once" in result.stdout


async def test_absent_server_fails_in_every_part(server: Server) -> None:
    """The address and what to do stand in the line; the rest is checked all the same."""
    result = await server.check({"url": f"nats://127.0.0.1:{free_port()}"})
    assert result.exit_code == 1
    assert result.stdout.count("is the NATS server running there?") == 2
    assert "ok    listener inbound" in result.stdout
