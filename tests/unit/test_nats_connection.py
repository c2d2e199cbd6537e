"""A connection to NATS that is given up before there is one, and what it logs in with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import nkeys
import pytest

from consumer.config.load import build
from consumer.errors import ConfigError, Unavailable
from consumer.listeners.registry import kinds
from consumer.nats.connection import LoginRefused, NatsSettings, connect, connected
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


JWT_PART = "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n"
SEED_PART = "-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
WHOLE = JWT_PART.format(jwt="eyJ0.eyJq.c2ln") + SEED_PART.format(seed=SEED)
ACCOUNT_SEED = nkeys.encode_seed(bytes(32), nkeys.PREFIX_BYTE_ACCOUNT).decode()
BROKEN_CREDENTIALS = {
    "missing": (None, "cannot be read"),
    "empty": ("", "no JWT after BEGIN NATS USER JWT"),
    "only the seed": (SEED_PART.format(seed=SEED), "no JWT after BEGIN NATS USER JWT"),
    "no JWT": (WHOLE.replace("eyJ0.", ""), "no JWT after BEGIN NATS USER JWT"),
    "half": (WHOLE[: len(WHOLE) // 3], "no usable seed after BEGIN USER NKEY SEED"),
    "cut in the seed": (WHOLE[: WHOLE.index(SEED) + 57], "no usable seed"),
    "a slip": (WHOLE.replace(SEED, SEED[:-1] + "A"), "no usable seed"),
}
BROKEN_SEEDS = ["garbage", SEED[:-1], SEED.lower(), SEED[:20] + "7" + SEED[21:], ACCOUNT_SEED, "ü"]


@pytest.mark.parametrize("broken", BROKEN_CREDENTIALS)
async def test_broken_credentials_are_told_and_can_be_tried_again(
    server: Nats, tmp_path: Path, broken: str
) -> None:
    """A file may change while the daemon runs; a daemon that ends would lose all its listeners."""
    text, told = BROKEN_CREDENTIALS[broken]
    file = tmp_path / "user.creds"
    if text is not None:
        file.write_text(text)
    settings = NatsSettings(url=server.address, credentials_file=str(file))
    with pytest.raises(Unavailable, match="credentials_file: ") as why:
        await connect(settings, name="test")
    assert told in str(why.value)
    assert SEED[2:] not in str(why.value)


@pytest.mark.parametrize("broken", BROKEN_CREDENTIALS)
def test_broken_credentials_are_told_when_the_configuration_is_read(
    tmp_path: Path, broken: str
) -> None:
    """With the option's name, and before anything is connected."""
    text, told = BROKEN_CREDENTIALS[broken]
    file = tmp_path / "user.creds"
    if text is not None:
        file.write_text(text)
    for problem in problems(credentials_file=str(file)):
        assert told in problem
        assert SEED[2:] not in problem


@pytest.mark.parametrize("seed", BROKEN_SEEDS)
def test_broken_seed_is_told_when_the_configuration_is_read(seed: str) -> None:
    """A slip is found by the checksum, which the nkeys library ignores."""
    for problem in problems(nkey_seed=seed):
        assert "nkey_seed: holds a value that is not shown, expected an NKey user's" in problem
        assert seed not in problem


@pytest.mark.parametrize("prefix", ["", ".", "a.", "a..b", "a.*", ">", "a b", "$JS", "a\n"])
def test_inbox_prefix_that_is_no_subject_is_told(prefix: str) -> None:
    """The server would close the connection, and nothing would say why."""
    assert all("inbox_prefix: holds" in problem for problem in problems(inbox_prefix=prefix))


def problems(**options: str) -> list[str]:
    """Return what is told about the options of a connection, once of each part that has them."""
    listener = {"kind": "nats", "subject": "in.>", "brand": "brand-a", **options}
    with pytest.raises(ConfigError) as why:
        build({"listeners": {"partners": listener}, "sink": {**options}}, kinds())
    told = sorted(why.value.problems)
    assert [problem.partition(" ")[0].rpartition(".")[0] for problem in told] == [
        "listeners.partners",
        "sink",
    ]
    return told


async def test_whole_credentials_reach_the_server(server: Nats, tmp_path: Path) -> None:
    """Also with line ends of Windows and without a last one. This server knows no JWT."""
    file = tmp_path / "user.creds"
    file.write_bytes(WHOLE.rstrip().replace("\n", "\r\n").encode())
    settings = NatsSettings(url=server.address, credentials_file=str(file))
    with pytest.raises(LoginRefused):
        await connect(settings, name="test")


async def test_seed_logs_in(tmp_path: Path) -> None:
    """With spaces around it, as a copied seed may have."""
    public = nkeys.from_seed(SEED.encode()).public_key.decode()
    extra = f'authorization {{ users: [ {{ nkey: "{public}" }} ] }}'
    with Nats(tmp_path, extra=extra) as server:
        settings = NatsSettings(url=server.address, nkey_seed=f" {SEED}\n")
        async with connected(settings, name="test") as client:
            assert client.is_connected
