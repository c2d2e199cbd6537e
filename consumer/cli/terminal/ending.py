"""Lets SIGTERM and SIGHUP end a verb as Ctrl-C does, so that nothing is left behind."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)
SIGNALLED_CODE: Final = 128
"""A shell reports the end of a process by a signal as this number and that of the signal."""


class AskedToEnd(KeyboardInterrupt):
    """Another process, or the end of the terminal, has asked this process to end.

    It is a `KeyboardInterrupt`, so that all code that cleans up after Ctrl-C does so after it too.
    """


@contextlib.contextmanager
def ending_in_order() -> Iterator[None]:
    """Raise an exception at SIGTERM and SIGHUP in the block, as Python does at Ctrl-C.

    Code that waits gets an `AskedToEnd`. Code that runs in `asyncio.run` is cancelled. A signal
    that the process ignores, as under `nohup`, stays ignored. Only the main thread gets signals, so
    in another thread the block is run as it is.

    Raises:
        SystemExit: After the block, if a signal has ended it. The exit code is 143 for SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def asked(number: int, frame: FrameType | None) -> None:
        came.append(number)
        at_ctrl_c = signal.getsignal(signal.SIGINT)
        if at_ctrl_c in (signal.default_int_handler, _pass) or not callable(at_ctrl_c):
            raise AskedToEnd
        at_ctrl_c(number, frame)  # `asyncio.run` has a handler that cancels its coroutine

    before = {number: signal.getsignal(number) for number in SIGNALS}
    taken = [number for number in SIGNALS if before[number] is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, asked)
    try:
        yield
    except (KeyboardInterrupt, click.Abort):  # a question of click's ends with Abort
        if came:
            sys.exit(SIGNALLED_CODE + came[0])
        raise
    finally:
        for number in taken:
            signal.signal(number, before[number])


@contextlib.contextmanager
def leaving_ctrl_c() -> Iterator[None]:
    """Do nothing at Ctrl-C in the block, because another program on the terminal handles it.

    If it raised an exception while this process waits for the other program, the exit code of the
    program could be lost: then `subprocess` says 0. A handler is set, because a program that is
    started would inherit a signal that is ignored.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, _pass)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _pass(_: int, __: FrameType | None) -> None:
    """Do nothing."""
