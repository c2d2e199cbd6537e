"""The code of a documentation page, as files that run."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
DEADLINE_S = 60


def snippet(page: str, heading: str, language: str = "python") -> str:
    """Return the first code of a language under a heading.

    Args:
        page: its file in docs/.
        heading: its text, without the signs before it.
        language: as it stands behind the three backticks.
    """
    text = (DOCS / page).read_text(encoding="utf-8")
    _, found, rest = text.partition(f"# {heading}\n")
    assert found, f"{page} has no heading {heading}"
    _, found, code = rest.partition(f"```{language}\n")
    assert found, f"{page} has no {language} under {heading}"
    return code.partition("```")[0]


def with_values(code: str, **values: str) -> str:
    """Return the code with other values of the constants at its top."""
    for name, value in values.items():
        code, count = re.subn(rf'^{name} = ".*"$', f"{name} = {value!r}", code, flags=re.MULTILINE)
        assert count == 1, f"{name} is not set once"
    return code


class Running:
    """A program under way."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def output(self) -> str:
        """Wait for its end, which has to be a good one, and return what it has printed."""
        async with asyncio.timeout(DEADLINE_S):
            out, _ = await self._process.communicate()
        text = out.decode()
        assert self._process.returncode == 0, text
        return text

    async def line(self) -> str:
        """Return the next line that it prints."""
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            return (await self._process.stdout.readline()).decode()

    async def kill(self) -> None:
        """End it, if it has not ended."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()


async def run(folder: Path, code: str) -> Running:
    """Start Python code as a program of its own in a folder."""
    (folder / "program.py").write_text(code, encoding="utf-8")
    return Running(
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "program.py"),
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    )
