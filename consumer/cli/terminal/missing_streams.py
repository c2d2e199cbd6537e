"""Gives a process that was started without standard streams /dev/null in their place.

A supervisor may start a process with descriptor 0, 1 or 2 closed, as `consumer run 2>&-` does. Then
the next file or socket gets this number. libuv, below uvloop, aborts the process when it closes its
own descriptor with such a number: `uv__close: Assertion fd > STDERR_FILENO failed`. And whatever is
written to standard error would go into a socket.
"""

from __future__ import annotations

import os
import sys
from typing import Final

STREAMS: Final = {"stdin": "r", "stdout": "w", "stderr": "w"}
"""The names in `sys`, in the order of their descriptors, and how each is opened."""


def open_missing_streams() -> None:
    """Open /dev/null in place of each standard stream that is closed.

    This has to come before anything else opens a file that stays open.
    """
    for number, (name, mode) in enumerate(STREAMS.items()):
        try:
            os.fstat(number)
        except OSError:
            # The system gives the lowest number that is free, and all below are taken by now. The
            # servers that this process starts need the descriptor too.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
