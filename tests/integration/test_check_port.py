"""`consumer check` with a public port: the port, the keys and the sandbox, and nothing is made."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from consumer.access.edit import opened_keys
from consumer.access.key import Key, Scope
from consumer.access.settings import KeysSettings
from consumer.cli.main import cli
from consumer.deliveries.origin import Environment
from consumer.sinks.base import SinkSettings
from consumer.tools.embedded.servers import free_port
from tests.support.checked_server import CheckedServer, checked_server
from tests.support.daemon import Daemon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


async def check(server: CheckedServer, **http: object) -> Result:
    """Check a configuration on this server."""
    tables = {
        "listeners": {"api": {"kind": "http"}},
        "dedupe": {"store": "memory"},
        "sink": {"url": server.url},
        "http": {"bind": f"127.0.0.1:{free_port()}", **http},
        "operations": {"bind": f"127.0.0.1:{free_port()}"},
        "sandbox": {},
    }
    return await server.check(tables)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[CheckedServer]:
    """Start a server without any stream."""
    async with checked_server(tmp_path) as server:
        yield server


async def test_nothing_is_made(server: CheckedServer) -> None:
    """Bucket and streams will be made; a check only says so, and how to make the first key."""
    result = await check(server)
    assert result.exit_code == 0, result.output
    assert "ok    keys                  bucket CONSUMER_KEYS will be created" in result.stdout
    assert "run consumer keys create" in result.stdout
    assert "stream EVENTS_SANDBOX will be created" in result.stdout
    assert "stream DEAD_LETTERS_SANDBOX will be created" in result.stdout
    assert "ok    listener api          http" in result.stdout
    assert await server.client.jetstream().streams_info() == []


async def test_port_of_the_running_daemon_is_right(server: CheckedServer, tmp_path: Path) -> None:
    """A check beside the daemon finds nothing to complain about."""
    bind = f"127.0.0.1:{free_port()}"
    tables = {
        "listeners": {"api": {"kind": "http"}},
        "dedupe": {"store": "memory"},
        "sink": {"url": server.url},
        "http": {"bind": bind},
    }
    with Daemon(tmp_path, tables) as daemon:
        await daemon.is_ready()
        arguments = ["check", "--config", str(daemon.config)]
        result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
    assert result.exit_code == 0, result.output
    assert f"ok    public port           {bind}, in use while the daemon runs" in result.stdout


async def test_taken_port_fails(server: CheckedServer) -> None:
    """The line names the option."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        result = await check(server, bind=bind)
    assert result.exit_code == 1
    assert f"FAIL  public port           http.bind: cannot listen on {bind!r}" in result.stdout


async def test_inherited_socket_is_enough(server: CheckedServer) -> None:
    """Although its port is taken: by us."""
    with socket.create_server(("127.0.0.1", 0)) as inherited:
        result = await check(server, bind=f"fd:{inherited.fileno()}")
        inherited.detach()  # the check has closed it
    assert result.exit_code == 0, result.output


async def test_plain_http_for_everybody_is_a_warning(server: CheckedServer) -> None:
    """On loopback, there is no way on which keys could be read."""
    everybody = await check(server, bind=f"0.0.0.0:{free_port()}")
    assert "plain HTTP: keys can be read on the way" in everybody.stdout
    assert everybody.exit_code == 0
    assert "on the way" not in (await check(server)).stdout


async def test_keys_are_counted_and_broken_ones_named(server: CheckedServer) -> None:
    """A record that cannot be read refuses its own key only."""
    async with opened_keys(SinkSettings(url=server.url), KeysSettings()) as keys:
        key = Key(id="", environment=Environment.LIVE, brand="b", scopes=(Scope.INGEST,))
        await keys.create(key)
    bucket = await server.client.jetstream().key_value("CONSUMER_KEYS")
    await bucket.put("key.broken", b"{")
    result = await check(server)
    assert "bucket CONSUMER_KEYS, 1 key\n" in result.stdout
    assert "key broken cannot be read, so it is refused" in result.stdout


async def test_keys_are_read_and_nothing_is_left_behind(server: CheckedServer) -> None:
    """A consumer on the bucket would be a change; a key that was deleted is no key."""
    async with opened_keys(SinkSettings(url=server.url), KeysSettings()):
        pass  # the bucket is made
    jetstream = server.client.jetstream()
    bucket = await jetstream.key_value("CONSUMER_KEYS")
    await bucket.put("key.broken", b"{")
    await bucket.put("key.deleted", b"{")
    await bucket.delete("key.deleted")
    result = await check(server)
    assert "key broken cannot be read" in result.stdout
    assert "deleted" not in result.stdout
    assert await jetstream.consumers_info("KV_CONSUMER_KEYS") == []


async def test_taken_subjects_of_the_sandbox_fail(server: CheckedServer) -> None:
    """Another stream that stores them is named, and the live side is ok."""
    await server.client.jetstream().add_stream(name="TESTS", subjects=["sandbox.>"])
    result = await check(server)
    assert result.exit_code == 1
    assert "FAIL  sandbox sink          stream TESTS stores sandbox." in result.stdout
    assert "ok    sink" in result.stdout
