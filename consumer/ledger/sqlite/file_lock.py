"""Lets one process of a machine do something at a time, by a lock on a file."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import TextIOWrapper
    from pathlib import Path


class FileLock:
    """A lock that ends with its process.

    Args:
        path: The file. It is created, stays empty, and is not removed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIOWrapper | None = None

    def take(self) -> bool:
        """Take the lock, and do not wait. Return true if this object has it now."""
        if self._file is not None:
            return True
        file = self._path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Give the lock back, if it was taken."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
