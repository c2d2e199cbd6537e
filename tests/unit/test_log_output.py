"""Log lines go to a pipe that may be full or broken, and nobody waits for it."""

from __future__ import annotations

import fcntl
import os
import select
import threading
import time
from typing import TYPE_CHECKING, Final

import pytest

from consumer.operations.log_output import WAITING_MAX_BYTES, LogOutput, WriterThread

if TYPE_CHECKING:
    from collections.abc import Iterator

PIPE_BYTES: Final = 4096
LINE: Final = "x" * 1023 + "\n"
WAITING_COUNT: Final = WAITING_MAX_BYTES // len(LINE)
DEADLINE_S: Final = 10.0
LOOK_EVERY_S: Final = 0.01


class Piped:
    """A writer's thread with a small pipe."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.dropped_count = 0
        self.told = threading.Event()
        self.thread = WriterThread(self.writing, self._dropped, self._flows_again)
        self.thread.start()

    def _dropped(self) -> None:
        self.dropped_count += 1

    def _flows_again(self, count: int) -> None:
        self.thread.put(f"dropped {count}\n")
        self.told.set()

    def read_all(self) -> str:
        """Read until all lines are there."""
        os.set_blocking(self.reading, False)
        read = b""
        while self.thread.waiting_bytes:
            # The thread counts a line as written a moment after the pipe has it.
            select.select([self.reading], [], [], LOOK_EVERY_S)
            read += self._read_some()
        return (read + self._read_some()).decode()

    def _read_some(self) -> bytes:
        try:
            return os.read(self.reading, 1 << 20)
        except BlockingIOError:
            return b""


@pytest.fixture
def piped() -> Iterator[Piped]:
    """Make a pipe; what is left of it is closed."""
    piped = Piped()
    yield piped
    os.close(piped.reading)
    assert piped.thread.ended_within(DEADLINE_S)
    os.close(piped.writing)


def test_lines_are_written_whole_and_in_their_order(piped: Piped) -> None:
    """More than the pipe takes at a time."""
    lines = [f"{number} {'y' * number}\n" for number in range(500)]
    for line in lines:
        piped.thread.put(line)
    assert piped.read_all() == "".join(lines)
    assert piped.dropped_count == 0


def test_what_does_not_fit_is_dropped_and_told_once_lines_flow(piped: Piped) -> None:
    """The newest lines are dropped, and memory stays bounded."""
    began_s = time.monotonic()
    for _ in range(2 * WAITING_COUNT):
        piped.thread.put(LINE)
    assert time.monotonic() - began_s < DEADLINE_S / 2
    assert piped.thread.waiting_bytes <= WAITING_MAX_BYTES
    lost_count = piped.dropped_count
    assert 0 < lost_count <= WAITING_COUNT
    text = piped.read_all()
    assert piped.told.is_set()
    assert text.count(LINE) == 2 * WAITING_COUNT - lost_count
    assert text.count(f"dropped {lost_count}\n") == 1


def test_gone_reader_drops_lines_and_raises_nothing() -> None:
    """As of a log shipper that was restarted; the thread lives on."""
    piped = Piped()
    os.close(piped.reading)
    piped.thread.put(LINE)
    piped.thread.put(LINE)
    assert piped.thread.ended_within(DEADLINE_S)
    assert piped.dropped_count == 2
    assert not piped.told.is_set()
    os.close(piped.writing)


def test_file_that_somebody_made_non_blocking_is_waited_for(piped: Piped) -> None:
    """The mode belongs to the open file, which other processes share."""
    os.set_blocking(piped.writing, False)
    for _ in range(20):
        piped.thread.put(LINE)
    assert piped.read_all() == LINE * 20


def test_without_a_thread_lines_are_written_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """As a verb does that soon ends."""
    LogOutput().write("one\n")
    assert capsys.readouterr().err == "one\n"


def test_last_lines_are_written_when_the_block_ends(capfd: pytest.CaptureFixture[str]) -> None:
    """And the lines behind the block as well."""
    output = LogOutput()
    with output.never_waiting(lambda: None, lambda _: None):
        output.write("first\n")
        output.write("last\n")
    output.write("behind\n")
    output.flush()
    assert capfd.readouterr().err == "first\nlast\nbehind\n"
