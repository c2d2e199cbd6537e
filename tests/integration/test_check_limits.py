"""`consumer check` finds the limits that would refuse a stream, or its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from consumer.nats.connection import NatsSettings, connected
from tests.brokers.nats import Nats
from tests.support.checked_server import CheckedServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from click.testing import Result

ACCOUNTS: Final = """
accounts {
  SMALL { jetstream { max_file: 10M, max_streams: 2 }, users: [ { user: small, password: x } ] }
  STRICT { jetstream { max_file: 50M, max_bytes_required: true }
           users: [ { user: strict, password: x } ] }
}
"""


@pytest.fixture(scope="module")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """Start a server whose accounts have limits."""
    with Nats(tmp_path_factory.mktemp("nats"), extra=ACCOUNTS) as server:
        yield server


@pytest.fixture
async def server(nats_server: Nats, tmp_path: Path) -> AsyncIterator[CheckedServer]:
    """Give the server without any stream in the account SMALL."""
    small = NatsSettings(url=nats_server.address, user="small", password="x")
    async with connected(small, name="test") as client:
        jetstream = client.jetstream()
        for stream in await jetstream.streams_info():
            await jetstream.delete_stream(stream.config.name or "")
        yield CheckedServer(client, nats_server.address, tmp_path / "check.toml")


async def check(server: CheckedServer, user: str = "small", **sink: object) -> Result:
    """Check a configuration on this server."""
    place = {"url": server.url, "user": user, "password": "x"}
    tables = {
        "brand": "brand-a",
        "listeners": {"inbound": {"kind": "nats", "subject": "inbound.>", **place}},
        "dedupe": {"store": "memory"},
        "sink": {**place, **sink},
        "dead_letters": {"max_bytes": 1_000_000},
    }
    return await server.check(tables)


async def test_replicas_need_a_cluster(server: CheckedServer) -> None:
    """The server would answer with error 10074 at the start of the daemon."""
    result = await check(server, replicas=3)
    assert result.exit_code == 1
    assert "FAIL  sink" in result.stdout
    assert "replicas is 3, and this is a single server" in result.stdout


async def test_max_bytes_has_to_fit_into_the_account(server: CheckedServer) -> None:
    """What other streams have reserved counts too."""
    assert (await check(server, max_bytes=8_000_000)).exit_code == 0
    await server.client.jetstream().add_stream(name="A", subjects=["a"], max_bytes=5_000_000)
    result = await check(server, max_bytes=8_000_000)
    assert result.exit_code == 1
    assert "max_bytes needs 8000000 bytes of storage, and the account has 5000000" in result.stdout


async def test_account_may_be_out_of_streams(server: CheckedServer) -> None:
    """Also if there is room for bytes."""
    for name in ("A", "B"):
        await server.client.jetstream().add_stream(name=name, subjects=[name])
    result = await check(server)
    assert result.exit_code == 1
    assert "the account may have 2 streams, and has 2" in result.stdout


async def test_account_may_require_max_bytes(server: CheckedServer) -> None:
    """The option is named, and set it is enough."""
    result = await check(server, "strict")
    assert result.exit_code == 1
    assert "set max_bytes" in result.stdout
    assert (await check(server, "strict", max_bytes=1_000_000)).exit_code == 0


async def test_what_the_server_would_say_is_the_same(server: CheckedServer) -> None:
    """The server refuses what the check refuses, so the check is not too strict."""
    jetstream = server.client.jetstream()
    with pytest.raises(Exception, match="10074"):
        await jetstream.add_stream(name="R", subjects=["r"], num_replicas=3)
    await jetstream.add_stream(name="A", subjects=["a"], max_bytes=5_000_000)
    with pytest.raises(Exception, match="10047"):
        await jetstream.add_stream(name="B", subjects=["b"], max_bytes=8_000_000)


async def test_limits_of_a_stream_that_exists_are_warnings(server: CheckedServer) -> None:
    """The text names the limit. Larger messages would become dead letters."""
    await server.client.jetstream().add_stream(
        name="EVENTS",
        subjects=["game.*"],
        duplicate_window=600,
        max_msg_size=100,
        max_msgs_per_subject=1,
    )
    result = await check(server, replicas=3)
    assert result.exit_code == 0, result.output
    assert "max_msgs_per_subject = 1)" in result.stdout
    assert "larger messages do not fit into the stream" in result.stdout
    assert "max_msg_size = 100" in result.stdout
    assert "stream has fewer replicas than wanted" in result.stdout
    assert result.stdout.count("warn  sink ") == 3
