"""`consumer check` writes to Redis, because a server that only answers may be of no use."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
import tomli_w
from click.testing import CliRunner
from redis.asyncio import Redis as RedisClient

from consumer.cli.main import cli
from consumer.tools.embedded.servers import free_port
from tests.brokers.redis import Redis
from tests.support.rights_page import RIGHTS_PAGE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    """Return a Redis server of this test's own."""
    with Redis(tmp_path) as server:
        yield server


@pytest.fixture
async def admin(server: Redis) -> AsyncIterator[RedisClient]:
    """Return a client to that server."""
    async with RedisClient.from_url(server.address) as client:
        yield client


@pytest.fixture
def check(server: Redis, tmp_path: Path) -> Callable[..., Any]:
    """Return a function that checks a configuration, and returns the lines about the store."""

    async def lines(**dedupe: object) -> list[str]:
        tables = {
            "listeners": {"api": {"kind": "http"}},
            "http": {"bind": f"127.0.0.1:{free_port()}"},
            "dedupe": {"url": server.address, **dedupe},
            "sink": {"url": f"nats://127.0.0.1:{free_port()}"},
        }
        file = tmp_path / "check.toml"
        file.write_text(tomli_w.dumps(tables))
        arguments = ["check", "--config", str(file)]
        result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
        return [line for line in result.stdout.splitlines() if line[6:].startswith("store ")]

    return lines


def documented_rule() -> list[str]:
    """Return the words of the page's rule for the user, with a password."""
    (rule,) = re.findall(r"^ACL SETUSER .*$", RIGHTS_PAGE.read_text(), flags=re.MULTILINE)
    words: list[str] = rule.replace(">PASSWORD", ">pw").split()
    return words


async def test_documented_rights_are_enough(server: Redis, check: Callable[..., Any]) -> None:
    """Also for another database. All that the check leaves is a key that ends within a minute."""
    server.command(*documented_rule())
    url = server.address.replace("/0", "/3")
    (line,) = await check(url=url, username="consumer", password="pw")
    assert line.startswith("ok ")
    async with RedisClient.from_url(url) as client:
        assert await client.keys() == [b"consumer:check"]
        assert 0 < await client.ttl("consumer:check") <= 60


@pytest.mark.parametrize("right", ["+set", "+evalsha", "+time", "+select", "~consumer:*"])
async def test_missing_right_fails(server: Redis, check: Callable[..., Any], right: str) -> None:
    """The text names all rights that are needed."""
    server.command(*(word for word in documented_rule() if word != right))
    url = server.address.replace("/0", "/3")
    (line,) = await check(url=url, username="consumer", password="pw")
    assert line.startswith("FAIL  store")
    assert "permission missing: allow +set" in line


async def test_missing_right_to_read_warns(server: Redis, check: Callable[..., Any]) -> None:
    """Events pass without it."""
    server.command(*(word for word in documented_rule() if word != "+pttl"))
    first, second = await check(username="consumer", password="pw")
    assert first.startswith("ok ")
    warning = "consumer seen and dead replay --dry-run will not work: permission"
    assert second.startswith(f"warn  store                 {warning}")
    assert "Only `consumer seen`, `consumer dead replay --dry-run` and" in RIGHTS_PAGE.read_text()


async def test_replica_and_full_server_fail(admin: RedisClient, check: Callable[..., Any]) -> None:
    """Both answer PING."""
    await admin.config_set("maxmemory", "1")
    (line,) = await check()
    assert line.startswith("FAIL  store                 memory is full")
    await admin.config_set("maxmemory", "0")
    await admin.replicaof("127.0.0.1", "1")
    (line,) = await check()
    assert line.startswith("FAIL  store                 a read-only replica")


async def test_server_without_persistence_warns(
    admin: RedisClient, check: Callable[..., Any]
) -> None:
    """After a restart, a resend of an old event would be stored a second time."""
    assert len(await check()) == 1
    await admin.config_set("appendonly", "no")
    _, warning = await check()
    assert "store forgets marks when its server restarts (appendonly = no" in warning
