"""Chooses the dead letters that a verb acts on, and asks the user first."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import click

from consumer.cli.dead.query import query_of
from consumer.cli.terminal.progress import is_shown, progress_bar
from consumer.tools.replay.read import open_reader
from consumer.tools.replay.replay import chunks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from consumer.cli.dead.options import DeadDropOptions, DeadReplayOptions
    from consumer.config.load import Config
    from consumer.tools.replay.query import StoredLetter
    from consumer.tools.replay.read import LetterReader


class ChosenLetters:
    """The letters that a verb acts on.

    Args:
        reader: Reads them; open.
        options: Say which letters are wanted.
        last_number: The highest number to look at.

    Attributes:
        reader: The same reader.
        advance: Moves the progress bar on by a number of letters.
    """

    def __init__(
        self, reader: LetterReader, options: DeadReplayOptions | DeadDropOptions, last_number: int
    ) -> None:
        self.reader = reader
        self.advance: Callable[[int], None] = lambda _: None
        self._query = query_of(options)
        self._numbers = options.numbers
        self._last_number = last_number

    def chunks(self) -> AsyncIterator[list[StoredLetter]]:
        """Yield the letters without their bodies, some at a time."""
        return chunks(self.reader, self._query, self._numbers, self._last_number)

    async def count(self) -> int:
        """Return how many letters there are."""
        return sum([len(letters) async for letters in self.chunks()])


@contextlib.asynccontextmanager
async def chosen_letters(
    config: Config, options: DeadReplayOptions | DeadDropOptions, deed: str
) -> AsyncIterator[ChosenLetters]:
    """Open the letters for the block, beside a progress bar.

    On a terminal, the user is asked first, unless the options say that nothing is done, or that
    the user has agreed.

    Args:
        config: The configuration.
        options: Say which letters are wanted.
        deed: What is done with them, as the question names it.

    Raises:
        Unavailable: The server is away.
        click.Abort: The user did not agree.
    """
    asks = not (options.dry_run or options.yes) and sys.stdin.isatty() and sys.stderr.isatty()
    async with open_reader(config.sink, config.dead_letters) as reader:
        letters = ChosenLetters(reader, options, await reader.last_number())
        total_count = await letters.count() if asks or is_shown() else None
        if asks and total_count:
            noun = "dead letter" if total_count == 1 else "dead letters"
            click.confirm(f"{deed} {total_count:,} {noun}?", abort=True, err=True)
        with progress_bar(deed, total_count) as letters.advance:
            yield letters
