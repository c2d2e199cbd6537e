"""Tells how this program was called, so that the commands that it prints can be run as printed."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

COMMAND: Final = "consumer"


def own_name() -> str:
    """Return what a shell in the same folder has to be given to run this program.

    `make run` starts it from a virtual environment that no shell of the user knows. If a shell
    finds the same program by its short name, it is the short name.
    """
    called = Path(sys.argv[0])
    if called.name != COMMAND:  # `python -m consumer`, or a test
        return f"{shlex.quote(sys.executable)} -m {COMMAND}"
    found = shutil.which(COMMAND)
    if found is not None and Path(found).resolve() == called.resolve():
        return COMMAND
    return shlex.quote(str(called))
