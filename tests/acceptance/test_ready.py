"""`consumer ready` and `consumer wallet prepare`, where a step is not done."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from consumer.tools.embedded.servers import free_port
from tests.support.running_sandbox import RunningSandbox, running_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[RunningSandbox]:
    """Run a sandbox."""
    async with running_sandbox(tmp_path) as sandbox:
        yield sandbox


async def run(folder: Path, *words: str) -> tuple[int | None, str]:
    """Run a verb in a folder; returns its exit code, and what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumer", *words),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode, printed.decode()


async def test_live_key_is_not_for_the_sandbox(sandbox: RunningSandbox) -> None:
    """The report says which key it wants. Nor is a key good that nobody made."""
    files = {"data/live.key": "use a test key", "other.key": "ask the operator for a key"}
    (sandbox.folder / "other.key").write_text("ck_test_nobody_made")
    for file, words in files.items():
        code, printed = await run(
            sandbox.folder, "ready", sandbox.url, "--key-file", file, "--step", "keys"
        )
        assert code == 1
        assert f"do: {words}" in printed


async def test_open_round_is_named(sandbox: RunningSandbox) -> None:
    """A bet whose round never ends is what an integrator forgets most easily."""
    keys = ("--brand", "demo", "--environment", "test", "--config", "data/consumer.toml")
    _, pair = await run(sandbox.folder, "wallet", "providers", "add", "acme", *keys)
    (sandbox.folder / "acme.key").write_text(pair)
    own = ("--key-file", "data/test.key")
    prepare = ("--provider", "acme", "--provider-key", "acme.key")
    code, printed = await run(sandbox.folder, "wallet", "prepare", sandbox.url, *own, *prepare)
    assert code == 0, printed
    async with sandbox.client() as client:
        open_rounds = (await client.get("/v1/rounds?open=true")).json()["rounds"]
    assert {one["live_bets"] for one in open_rounds} == {1}
    code, printed = await run(sandbox.folder, "ready", sandbox.url, *own, "--step", "live")
    assert code == 1
    assert f"the oldest is acme/check-game/{open_rounds[0]['round_id']}" in printed


async def test_wrong_key_of_a_provider_is_told(sandbox: RunningSandbox) -> None:
    """Before a check fails in each of its cases."""
    (sandbox.folder / "acme.key").write_text("nobody\n" + "A" * 43 + "=\n")
    words = ("--key-file", "data/test.key", "--provider", "acme", "--provider-key", "acme.key")
    code, printed = await run(sandbox.folder, "wallet", "prepare", sandbox.url, *words)
    assert code == 1
    assert "a bet of the provider acme: 401 BAD_SIGNATURE" in printed
    assert not (sandbox.folder / "sessions.toml").exists()


async def test_live_key_prepares_nothing(sandbox: RunningSandbox) -> None:
    """What is prepared is money."""
    (sandbox.folder / "acme.key").write_text("nobody\n" + "A" * 43 + "=\n")
    words = ("--key-file", "data/live.key", "--provider", "acme", "--provider-key", "acme.key")
    code, printed = await run(sandbox.folder, "wallet", "prepare", sandbox.url, *words)
    assert (code, "expected a test key" in printed) == (1, True)


async def test_port_that_does_not_answer_is_told(tmp_path: Path) -> None:
    """With exit code 1, and 2 if the file has no key."""
    url = f"http://127.0.0.1:{free_port()}"
    for text, expected in (("ck_test_a_b", 1), ("", 2)):
        (tmp_path / "test.key").write_text(text)
        code, printed = await run(tmp_path, "ready", url, "--key-file", "test.key")
        assert code == expected, printed
        assert "Traceback" not in printed
