"""The shell completes what a user types, by the line of docs/operations.md."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.snippets import snippet

FOLDER: Final = str(Path(sys.executable).parent)
DEADLINE_S: Final = 30
ASK: Final = """
COMP_WORDS=(consumer {words}) COMP_CWORD={last}
_consumer_completion consumer
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("s", {"sandbox", "send", "schema", "seen"}),
        ("send --ye", {"--yes"}),
        ("dead l", {"list"}),
        ("send CASINO --reason con", {"conflict"}),
    ],
)
async def test_bash_completes(words: str, offered: set[str]) -> None:
    """Verbs, verbs of verbs, options, and values of options."""
    script = snippet("operations.md", "Shell completion", "sh")
    script += ASK.format(words=words, last=len(words.split()))
    process = await asyncio.create_subprocess_exec(
        *("bash", "--norc", "-c", script),
        env={**os.environ, "PATH": f"{FOLDER}:{os.environ['PATH']}"},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE_S):
        said, _ = await process.communicate()
    assert set(said.decode().split()) == offered
