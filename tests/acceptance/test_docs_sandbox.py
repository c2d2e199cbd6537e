"""The five steps of docs/sandbox.md, as a newcomer goes through them: every command is run."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Final

import pytest
import structlog
from playwright.async_api import expect

from tests.support.browser import open_tab
from tests.support.running_sandbox import RunningSandbox, of_this_environment, running_sandbox
from tests.support.snippets import DOCS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PAGE: Final = (DOCS / "sandbox.md").read_text(encoding="utf-8")
ADDRESS: Final = "http://127.0.0.1:8080"
COMMAND_S: Final = 120

log = structlog.get_logger()


def commands_of(step: int) -> list[str]:
    """Return the commands of a step, one by one."""
    _, _, rest = PAGE.partition(f"## Step {step}: ")
    text = rest.partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


class Newcomer:
    """Somebody in an empty folder, with the first command running."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox

    async def run(self, command: str) -> tuple[int | None, str]:
        """Run a command of the page; returns its exit code, and what it prints."""
        shell = await asyncio.create_subprocess_shell(
            of_this_environment(command).replace(ADDRESS, self.sandbox.url),
            cwd=self.sandbox.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(COMMAND_S):
            printed, _ = await shell.communicate()
        return shell.returncode, printed.decode()

    async def finish(self, step: int) -> str:
        """Run the commands of a step, which all have to end well; returns what the last prints."""
        printed = ""
        for command in commands_of(step):
            if command.startswith("consumer ") and not command.startswith("consumer sandbox"):
                code, printed = await self.run(command)
                assert code == 0, (command, printed)
        return printed


@pytest.fixture
async def newcomer(tmp_path: Path) -> AsyncIterator[Newcomer]:
    """Run the first command of the page in an empty folder."""
    async with running_sandbox(tmp_path, commands_of(1)[0]) as sandbox:
        yield Newcomer(sandbox)


async def test_newcomer_gets_through_the_five_steps(newcomer: Newcomer) -> None:
    """By the page alone. Before each step, its command says that the step is not done yet."""
    began_s = time.monotonic()
    assert "done     keys" in await newcomer.finish(1)
    (asked,) = commands_of(2)
    code, printed = await newcomer.run(asked)
    assert (code, "do: open /sandbox" in printed) == (1, True)
    await _play(newcomer.sandbox.page)
    assert "bets in test games: 1 in slot" in await newcomer.finish(2)
    assert "125 cases: 124 ok, 1 skipped" in await newcomer.finish(3)
    *_, asked = commands_of(4)
    code, printed = await newcomer.run(asked)
    assert (code, "do: post an event of your own" in printed) == (1, True)
    assert "done     events" in await newcomer.finish(4)
    report = await newcomer.finish(5)
    assert re.findall(r"^(\w+)", report, flags=re.MULTILINE) == ["done"] * 5
    log.info("five steps done", took_s=round(time.monotonic() - began_s, 1))


def test_the_page_has_commands_for_each_step() -> None:
    """The last of each says whether the step is done."""
    for step in range(1, 6):
        last = commands_of(step)[-1]
        assert last.startswith(("consumer ready ", "consumer wallet check ")), last


async def _play(address: str) -> None:
    """Open the address, make a player, and play the slot once."""
    async with open_tab() as tab:
        page = tab.page
        await page.goto(address)
        await page.get_by_role("button", name="New player").click()
        card = page.get_by_role("listitem").filter(has_text="Lucky Orchard")
        await card.get_by_role("button", name="Play").click()
        await page.get_by_role("button", name="Spin").click()
        await expect(page.locator("#books-state")).to_contain_text("agree")
