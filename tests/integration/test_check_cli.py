"""`consumer check` on a NATS server: it finds what is wrong, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from nats.js.api import RetentionPolicy

from consumer.tools.embedded.servers import free_port
from tests.support.checked_server import CheckedServer, checked_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from click.testing import Result


async def check(
    server: CheckedServer, *options: str, sink: dict[str, object] | None = None, **source: object
) -> Result:
    """Check a configuration on this server, with further options of the listener."""
    listener = {"kind": "nats", "url": server.url, "subject": "inbound.>", **source}
    tables = {
        "brand": "brand-a",
        "listeners": {"inbound": listener},
        "dedupe": {"store": "memory"},
        "sink": {"url": server.url, **(sink or {})},
    }
    return await server.check(tables, *options)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[CheckedServer]:
    """Start a server without any stream."""
    async with checked_server(tmp_path) as server:
        yield server


async def test_missing_streams_are_not_created(server: CheckedServer) -> None:
    """They will be; a check only says so."""
    result = await check(server)
    assert result.exit_code == 0, result.output
    assert "stream EVENTS will be created" in result.stdout
    assert await server.client.jetstream().streams_info() == []


async def test_missing_stream_fails_without_create_stream(server: CheckedServer) -> None:
    """With `create_stream = false` it has to be there."""
    result = await check(server, sink={"create_stream": False})
    assert result.exit_code == 1
    assert "FAIL  sink" in result.stdout
    assert "set create_stream = true" in result.stdout


async def test_missing_subjects_are_not_added(server: CheckedServer) -> None:
    """They will be; a check only says so."""
    jetstream = server.client.jetstream()
    await jetstream.add_stream(name="EVENTS", subjects=["game.*"], duplicate_window=600)
    result = await check(server)
    assert "wallet.*, withdrawal.* will be added" in result.stdout
    assert (await jetstream.stream_info("EVENTS")).config.subjects == ["game.*"]


async def test_only_open_makes_the_durable(server: CheckedServer) -> None:
    """Without it, a check beside a live system leaves no trace."""
    jetstream = server.client.jetstream()
    await jetstream.add_stream(name="INBOUND", subjects=["inbound.>"])
    result = await check(server, stream="INBOUND")
    assert "nats, durable consumer consumer will be made" in result.stdout
    assert await jetstream.consumers_info("INBOUND") == []
    result = await check(server, "--open", stream="INBOUND")
    assert "ok    listener inbound      nats, 0 messages wait" in result.stdout
    assert len(await jetstream.consumers_info("INBOUND")) == 1


async def test_subject_that_never_comes_fails(server: CheckedServer) -> None:
    """It was ok, and 0 messages waited for ever."""
    await server.client.jetstream().add_stream(name="INBOUND", subjects=["other.>"])
    result = await check(server, stream="INBOUND")
    assert result.exit_code == 1
    assert "stream INBOUND stores other.>, so no message with subject inbound.>" in result.stdout


async def test_unfit_stream_fails(server: CheckedServer) -> None:
    """A work queue forgets ids, so it is no sink."""
    await server.client.jetstream().add_stream(
        name="EVENTS", subjects=["game.*"], retention=RetentionPolicy.WORK_QUEUE
    )
    result = await check(server)
    assert result.exit_code == 1
    assert "must be limits" in result.stdout


async def test_limits_that_evict_are_a_warning(server: CheckedServer) -> None:
    """It works, until it is full."""
    await server.client.jetstream().add_stream(
        name="EVENTS", subjects=["game.*"], max_bytes=10_000_000, duplicate_window=600
    )
    result = await check(server)
    assert result.exit_code == 0
    assert "warn" in result.stdout
    assert "may evict inside the window" in result.stdout


async def test_taken_subjects_fail(server: CheckedServer) -> None:
    """Another stream that stores our subjects is named."""
    await server.client.jetstream().add_stream(name="GAMES", subjects=["game.>"])
    result = await check(server)
    assert result.exit_code == 1
    assert "stream GAMES stores game.* already" in result.stdout


async def test_core_sink_is_at_most_once(server: CheckedServer) -> None:
    """It is allowed, and said."""
    result = await check(server, sink={"kind": "core"})
    assert result.exit_code == 0
    assert "core NATS is at most once" in result.stdout


async def test_absent_server_fails_in_every_part(server: CheckedServer) -> None:
    """The address and what to do stand in the line; the rest is checked all the same."""
    result = await check(server, sink={"url": f"nats://127.0.0.1:{free_port()}"})
    assert result.exit_code == 1
    assert result.stdout.count("is NATS running there?") == 2
    assert "ok    listener inbound" in result.stdout
