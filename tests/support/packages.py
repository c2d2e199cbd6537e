"""Packages of other languages for tests: fetched once in pinned versions, and kept.

They are kept in a folder of the checkout that git ignores, and fetched again when the files that
pin their versions change.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE: Final = Path(__file__).parents[2] / ".cache"
READY_DEADLINE_S: Final = 300
"""Packages are fetched in this time, the first time."""
FETCHED: Final = "fetched"
"""A file of this name holds a hash of the versions that were fetched."""
NPM_VERSIONS: Final = ("package.json", "package-lock.json")
NPM_FETCH: Final = ("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")


@dataclass(frozen=True)
class Ended:
    """A program that has ended.

    Attributes:
        code: Its exit code.
        text: All that it has printed.
    """

    code: int
    text: str

    def failed_with(self, pattern: str) -> None:
        """Check that it has ended with an error that says this."""
        assert self.code != 0, self.text
        assert re.search(pattern, self.text), self.text


def skip_without(tools: tuple[str, ...], *, also_in_ci: bool) -> None:
    """Skip the test if the machine lacks a command or a file.

    Args:
        tools: The commands and files.
        also_in_ci: If false, the test fails in CI.
    """
    for tool in tools:
        if shutil.which(tool) is None and not Path(tool).exists():
            _skip(f"{tool} not found", also_in_ci=also_in_ci)


def _skip(why: str, *, also_in_ci: bool = False) -> None:
    if os.environ.get("CI") == "true" and not also_in_ci:
        pytest.fail(why)
    pytest.skip(why)


async def fetch(
    sources: Path, folder: Path, versions: tuple[str, ...], command: tuple[str, ...]
) -> None:
    """Copy sources into a folder. Fetch their packages if the versions are not those of last time.

    Skips the test if the packages cannot be fetched, but not in CI.

    Args:
        sources: The folder of the sources.
        folder: The folder into which they are copied, inside `CACHE`.
        versions: The names of the files that pin the packages.
        command: Fetches the packages. It runs in the folder.
    """
    pinned = [(sources / file).read_bytes() for file in versions]
    wanted = hashlib.sha256(b"\0".join(pinned)).hexdigest()
    is_fetched = (folder / FETCHED).exists() and (folder / FETCHED).read_text() == wanted
    if not is_fetched:
        shutil.rmtree(folder, ignore_errors=True)  # packages of other versions would stay
    shutil.copytree(sources, folder, dirs_exist_ok=True)
    if is_fetched:
        return
    fetched = await end(command, folder, READY_DEADLINE_S)
    if fetched.code:
        _skip(f"{' '.join(command)}: {fetched.text[-500:]}")
    (folder / FETCHED).write_text(wanted)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let no other process of the tests make the same folder ready at the same time."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


async def end(command: tuple[str, ...], folder: Path, deadline_s: int, **variables: str) -> Ended:
    """Run a program until it ends.

    Args:
        command: The program with its arguments.
        folder: The folder in which it runs.
        deadline_s: It is killed after this time, in seconds.
        variables: Further variables of its environment.

    Raises:
        TimeoutError: It did not end in time.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", **variables},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(deadline_s):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return Ended(process.returncode or 0, out.decode(errors="replace"))
