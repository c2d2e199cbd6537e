"""Prints events as they pass. On a terminal, it prints only as many as a person can read."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from rich.text import Text

from consumer.cli.terminal.event_line import event_json, event_line, print_cut, write_line
from consumer.cli.terminal.letter_line import letter_line
from consumer.events import envelope

if TYPE_CHECKING:
    from rich.console import Console

    from consumer.tools.replay.query import StoredLetter

LINES_PER_S: Final = 60
"""A person cannot read faster. The other events of the same second are counted in one line."""
CATCH_UP_DEADLINE_S: Final = 5.0


class LimitedLines:
    """Prints events. On a terminal, the number of lines per second is limited.

    Args:
        console: The console to print to. A terminal gets lines, a pipe gets JSON.
        lines_per_s: The largest number of lines per second on a terminal. A pipe gets every event.

    Attributes:
        seen_count: The number of events that have passed, printed or not.
    """

    def __init__(self, console: Console, lines_per_s: int = LINES_PER_S) -> None:
        self._console = console
        self._lines_per_s = lines_per_s
        self._second = 0
        self._lines_count = 0
        self._hidden_count = 0
        self._passed = asyncio.Event()
        self.seen_count = 0

    def show(self, subject: str, body: bytes) -> None:
        """Print one event, unless the lines of this second are used up."""
        self.seen_count += 1
        self._passed.set()
        if self._console.is_terminal:
            self._print(event_line(subject, envelope.read(body)))
        else:
            write_line(event_json(body))

    def show_letter(self, stored: StoredLetter) -> None:
        """Print one dead letter on a terminal. A pipe gets events only."""
        if self._console.is_terminal:
            self._print(letter_line(stored))

    def _print(self, line: Text) -> None:
        second = int(asyncio.get_running_loop().time())
        if second != self._second:
            self.finish()
            self._second, self._lines_count = second, 0
        self._lines_count += 1
        if self._lines_count > self._lines_per_s:
            self._hidden_count += 1
            return
        print_cut(self._console, line)

    async def catch_up(self, count: int) -> None:
        """Wait until `count` events have passed, at most `CATCH_UP_DEADLINE_S`.

        After the deadline, the method returns all the same. Then only the last lines may be
        missing.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP_DEADLINE_S):
                while self.seen_count < count:
                    self._passed.clear()
                    await self._passed.wait()

    def finish(self) -> None:
        """Say how many events were not printed."""
        if self._hidden_count:
            self._console.print(Text(f"… and {self._hidden_count} more", "dim"))
            self._hidden_count = 0
