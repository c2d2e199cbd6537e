"""A disk of its own for one folder, which a test can fill or make read-only."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING, Final, Self

import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

FILLER: Final = "filler"
PAGE_BYTES: Final = 4096
"""The disk gives away room in such steps."""


class SmallDisk:
    """A file system in memory, mounted on a folder. Skips the test if nothing may be mounted here.

    Args:
        folder: It is made if it is missing. What it holds cannot be seen during the block.
        size_bytes: The size of the disk, in bytes.
    """

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self._folder = folder
        self._size_bytes = size_bytes

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        mounted = self._run("mount", "-t", "tmpfs", "-o", f"size={self._size_bytes}", "tmpfs")
        if mounted.returncode:
            pytest.skip(f"a disk cannot be mounted here: {mounted.stderr.strip()}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Lazily: a server that was killed may hold its files for a moment longer.
        self._run("umount", "--lazy").check_returncode()

    def fill(self) -> None:
        """Leave no room on the disk."""
        with contextlib.suppress(OSError), (self._folder / FILLER).open("wb", 0) as filler:
            while True:
                filler.write(bytes(PAGE_BYTES))

    def make_room(self) -> None:
        """Give the room back that `fill` took."""
        (self._folder / FILLER).unlink()

    def refuse_writes(self) -> None:
        """Make the disk read-only. No file on it may be open for writing."""
        self._run("mount", "-o", "remount,ro").check_returncode()

    def allow_writes(self) -> None:
        """Let the disk be written again."""
        self._run("mount", "-o", "remount,rw").check_returncode()

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  # a fixed command line
            [*command, str(self._folder)], capture_output=True, text=True, check=False
        )
