"""Chooses the dead letters for `dead replay` and `dead drop`, and asks the user to confirm."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from consumer.cli.dead.query import query_of
from consumer.cli.terminal.asking import can_ask
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
    """The letters that the user has chosen.

    Args:
        reader: The reader of the letters. It is open.
        options: The options, which select the letters.
        last_number: The highest number that a chosen letter can have.

    Attributes:
        reader: The same reader.
        advance: A function that moves the progress bar forward by a number of letters. It does
            nothing while there is no bar.
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
        """Yield lists of the chosen letters, without their bodies."""
        return chunks(self.reader, self._query, self._numbers, self._last_number)

    async def count(self) -> int:
        """Return the number of chosen letters."""
        return sum([len(letters) async for letters in self.chunks()])


@contextlib.asynccontextmanager
async def chosen_letters(
    config: Config,
    options: DeadReplayOptions | DeadDropOptions,
    doing: str,
    question: str | None = None,
) -> AsyncIterator[ChosenLetters]:
    """Yield the chosen letters, and show a progress bar while the block runs.

    Before the block, the user is asked to confirm. Nothing is asked if no letter is chosen, if the
    option `yes` is true, or if standard input or standard error is not a terminal.

    Args:
        config: The configuration.
        options: The options, which select the letters.
        doing: The words in front of the progress bar.
        question: The question for the user, in which `{letters}` becomes a text such as
            `3 dead letters`. None means that the user is not asked.

    Raises:
        Unavailable: The server cannot be reached.
        click.Abort: The user did not agree.
    """
    if options.yes or not can_ask():
        question = None
    async with open_reader(config.sink, config.dead_letters) as reader:
        letters = ChosenLetters(reader, options, await reader.last_number())
        total_count = await letters.count() if question or is_shown() else None
        if question and total_count:
            counted = "1 dead letter" if total_count == 1 else f"{total_count:,} dead letters"
            click.confirm(question.format(letters=counted), abort=True, err=True)
        with progress_bar(doing, total_count) as letters.advance:
            yield letters
