"""`consumer send` to the public port of a daemon: what it says it sent has arrived."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import pytest

from consumer.access import token
from consumer.access.edit import opened_keys
from consumer.access.key import Key, Scope
from consumer.access.settings import KeysSettings
from consumer.deliveries.origin import Environment
from consumer.listeners.http.paths import PATHS
from consumer.sinks.base import SinkSettings
from consumer.tools.embedded.servers import embedded_nats, free_port
from tests.support.daemon import Daemon
from tests.support.sink_reader import SinkReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class PublicPort(NamedTuple):
    """A daemon with a public port, and a key of each environment."""

    url: str
    daemon: Daemon
    keys: dict[Environment, str]

    async def send(self, key: str, *arguments: str) -> tuple[int | None, str]:
        """Run the verb with a key; returns its exit code and all that it says."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "consumer", "send", *arguments),
            *("--config", str(self.daemon.config)),
            env={**os.environ, "CONSUMER_KEY": key},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[PublicPort]:
    """Run a NATS server, and a daemon with a public port and a sandbox."""
    async with embedded_nats(tmp_path / "nats") as url:
        async with opened_keys(SinkSettings(url=url), KeysSettings()) as keys:
            texts = {}
            for environment in Environment:
                wanted = Key(id="", brand="b", environment=environment, scopes=(Scope.INGEST,))
                _, texts[environment] = await keys.create(wanted)
        tables = {
            "listeners": {"api": {"kind": "http"}},
            "dedupe": {"store": "memory"},
            "sink": {"url": url},
            "http": {"bind": f"127.0.0.1:{free_port()}", "drain_delay_s": 0.1},
            "sandbox": {},
        }
        with Daemon(tmp_path, tables) as daemon:
            await daemon.is_ready()
            yield PublicPort(url, daemon, texts)


async def test_the_key_decides_where_events_go(port: PublicPort) -> None:
    """The live ones to the stream of events, the test ones to the sandbox, and none to both."""
    live, test = port.keys[Environment.LIVE], port.keys[Environment.TEST]
    code, said = await port.send(live, "all", "--count", "300", "--duplicates", "10%")
    assert (code, said.split("\n")[0]) == (
        0,
        "sent 300: 270 distinct events, 30 duplicates, 0 broken",
    )
    assert (await port.send(test, "CASINO", "--count", "50"))[0] == 0
    async with SinkReader(port.url, events="EVENTS", dead_letters="DEAD_LETTERS") as sink:
        assert (await sink.count(), await sink.dead_count()) == (270, 0)
    sandbox = SinkReader(port.url, events="EVENTS_SANDBOX", dead_letters="DEAD_LETTERS_SANDBOX")
    async with sandbox as sink:
        assert (await sink.count(), await sink.dead_count()) == (50, 0)


async def test_each_reason_becomes_its_dead_letter(port: PublicPort) -> None:
    """All but too_large, which is answered and counted, and leaves no letter.

    Neither does an unsupported encoding on the path for many events. So each type has a path.
    """
    live = port.keys[Environment.LIVE]
    code, said = await port.send(live, *PATHS, "--count", "400", "--broken", "8%")
    assert code == 0, said
    async with SinkReader(port.url, events="EVENTS", dead_letters="DEAD_LETTERS") as sink:
        letters = await sink.letters()
        assert await sink.count() == 368
    found = Counter((letter.headers or {})["Dead-Reason"] for letter in letters)
    told = ", ".join(f"{reason} {count}" for reason, count in sorted(found.items()))
    assert said.strip().endswith(f"32 broken ({told})")
    assert len(found) == 6


async def test_a_key_that_the_daemon_does_not_know_sends_nothing(port: PublicPort) -> None:
    """The verb says what the daemon answers."""
    made_up = token.KeyText(Environment.LIVE, token.new_id(), token.new_secret())
    code, said = await port.send(token.write(made_up), "CASINO")
    assert (code, ": 401 " in said) == (1, True), said
