"""Writes log lines to standard error. In `consumer run`, a thread of its own writes them.

A pipe that nobody reads takes 64 KiB. The next write waits until somebody reads. On the event loop,
such a write would stop all lanes, `/livez` and the answer to SIGTERM. Standard error is not made
non-blocking instead, because other processes may share it, and would get errors that they do not
expect.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import select
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAITING_MAX_BYTES: Final = 1 << 20
"""The most bytes of lines that may wait to be written: about 4,000 lines. Further lines are
dropped."""
LAST_LINES_S: Final = 1.0
"""How long the end of the process waits until its last lines are written."""


class LogOutput(io.TextIOBase):
    """The place where all log lines go: standard error, at once or on the thread of a daemon.

    A logger keeps the output object that it used for its first line. So the process has one output
    object, and this object begins and ends the thread.
    """

    def __init__(self) -> None:
        self._thread: WriterThread | None = None

    def write(self, text: str, /) -> int:
        """Write whole lines. They are not mixed with lines of other threads."""
        if self._thread is None:
            sys.stderr.write(text)
        else:
            self._thread.put(text)
        return len(text)

    def flush(self) -> None:
        """Flush standard error, unless the thread writes: it keeps nothing back."""
        if self._thread is None:
            sys.stderr.flush()

    @contextlib.contextmanager
    def never_waiting(
        self, dropped: Callable[[], object], flows_again: Callable[[int], object]
    ) -> Iterator[None]:
        """Write on a thread during the block, so that no caller of `write` ever waits.

        At the end, the thread has `LAST_LINES_S` to write the last lines. If that is not enough,
        `/dev/null` takes the place of standard error: a traceback that Python prints must not hold
        the process. Use this block only around the rest of a process.

        Args:
            dropped: A function that is called for each line that is dropped, because too many lines
                wait, or because standard error is broken. It may be called on any thread.
            flows_again: A function that is called on the thread with the number of dropped lines,
                once lines are written again.
        """
        try:
            descriptor = sys.stderr.fileno()
        except (OSError, ValueError):  # it is no file, as in a test: nobody can leave it unread
            yield
            return
        sys.stderr.flush()
        self._thread = thread = WriterThread(descriptor, dropped, flows_again)
        thread.start()
        try:
            yield
        finally:
            if not thread.ended_within(LAST_LINES_S):
                os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
            self._thread = None


class WriterThread(threading.Thread):
    """Writes lines to a file in their order, and drops the newest lines if too many wait.

    Args:
        descriptor: The file. The thread writes to it without a buffer of Python's: at its end, the
            process would wait for a buffer that a thread is still writing.
        dropped: See `LogOutput.never_waiting`.
        flows_again: See `LogOutput.never_waiting`.
    """

    def __init__(
        self,
        descriptor: int,
        dropped: Callable[[], object],
        flows_again: Callable[[int], object],
    ) -> None:
        # A daemon thread, because it may wait for ever, and the process has to end.
        super().__init__(name="log", daemon=True)
        self._descriptor = descriptor
        self._dropped = dropped
        self._flows_again = flows_again
        # A garbage collection may log a line at any moment, also inside `put`. This queue and this
        # lock may be entered again by the same thread.
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._turn = threading.RLock()
        self._taken_bytes = 0
        self._ended_bytes = 0
        self._untold_count = 0

    @property
    def waiting_bytes(self) -> int:
        """The size of all lines that are taken and not written yet."""
        return self._taken_bytes - self._ended_bytes

    def put(self, text: str) -> None:
        """Take lines to be written, or drop them. Never waits for the file."""
        line = text.encode("utf-8", "backslashreplace")
        with self._turn:
            if self.waiting_bytes + len(line) <= WAITING_MAX_BYTES:
                self._taken_bytes += len(line)
                self._lines.put(line)
                return
        self._drop()

    def ended_within(self, deadline_s: float) -> bool:
        """Write what waits, and end. Return False if that takes longer than the deadline."""
        self._lines.put(None)
        self.join(deadline_s)
        return not self.is_alive()

    def run(self) -> None:
        """Write lines until `ended_within` is called."""
        while (line := self._lines.get()) is not None:
            try:
                self._write(line)
            except OSError:  # the reader is gone, or the disk is full; it may come back
                self._ended_bytes += len(line)
                self._drop()
            else:
                self._ended_bytes += len(line)
                self._tell()

    def _write(self, line: bytes) -> None:
        """Write the whole line. With one call if possible: other processes may write there too."""
        while line:
            try:
                line = line[os.write(self._descriptor, line) :]
            except BlockingIOError:  # another process that shares the file made it non-blocking
                waiting = select.poll()
                waiting.register(self._descriptor, select.POLLOUT)
                waiting.poll()

    def _drop(self) -> None:
        with self._turn:
            self._untold_count += 1
        self._dropped()

    def _tell(self) -> None:
        """Tell how many lines were dropped, once at most half of the limit waits."""
        if not self._untold_count or self.waiting_bytes > WAITING_MAX_BYTES // 2:
            return
        with self._turn:
            count, self._untold_count = self._untold_count, 0
        self._flows_again(count)


LOG_OUTPUT: Final = LogOutput()
"""The only output of the process."""
