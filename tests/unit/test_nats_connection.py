"""A connection to NATS that is given up before there is one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import nkeys
import pytest

from consumer.errors import Unavailable
from consumer.nats.connection import NatsSettings, connect
from consumer.options.values import TlsSettings
from tests.brokers.nats import Nats

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NKEY = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
"""The public key of a seed that nobody has."""
SEED = nkeys.encode_seed(bytes(32), nkeys.PREFIX_BYTE_USER).decode()
"""A seed that the server does not know."""


async def test_cancelled_connect_closes_what_was_half_open() -> None:
    """The server is silent. Its end of the socket must not stay open until a garbage collection."""
    arrived, ended = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        try:
            await reader.read()
        except ConnectionResetError:
            pass
        finally:
            writer.close()
            ended.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(5), asyncio.TaskGroup() as group:
        settings = NatsSettings(url=f"nats://127.0.0.1:{port}")
        connecting = group.create_task(connect(settings, name="test"), name="connect")
        await arrived.wait()
        while not connecting.done():  # Python 3.11's wait_for may lose a cancellation
            connecting.cancel()
            await asyncio.wait({connecting}, timeout=0.05)
        await ended.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nats]:
    """Start a server that only lets in a user who can sign."""
    extra = f'authorization {{ users: [ {{ nkey: "{NKEY}" }} ] }}'
    with Nats(tmp_path_factory.mktemp("nats"), extra=extra) as server:
        yield server


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"tls": TlsSettings(ca_file="/nowhere.pem")}, "/nowhere.pem"),
        ({"nkey_seed": "SUgarbage"}, "check nkey_seed or credentials_file"),
        ({"credentials_file": "{folder}/nowhere"}, "nowhere"),
        ({"credentials_file": "{folder}/empty"}, "no line with BEGIN NATS USER JWT"),
        ({"credentials_file": "{folder}/garbage"}, "check nkey_seed or credentials_file"),
        ({"credentials_file": "{folder}/without-jwt"}, "no line with BEGIN NATS USER JWT"),
    ],
)
async def test_unusable_login_is_told_and_can_be_tried_again(
    server: Nats, tmp_path: Path, options: dict[str, Any], told: str
) -> None:
    """A file may change while the daemon runs; a daemon that ends would lose all its listeners."""
    (tmp_path / "empty").write_text("")
    (tmp_path / "garbage").write_text(
        "-----BEGIN NATS USER JWT-----\nx\n------END NATS USER JWT------\n"
    )
    (tmp_path / "without-jwt").write_text(
        f"-----BEGIN USER NKEY SEED-----\n{SEED}\n------END USER NKEY SEED------\n"
    )
    if "credentials_file" in options:
        options = {"credentials_file": options["credentials_file"].format(folder=tmp_path)}
    with pytest.raises(Unavailable) as why:
        await connect(NatsSettings(url=server.address, **options), name="test")
    assert told in str(why.value)
