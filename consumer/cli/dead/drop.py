"""Deletes dead letters: `consumer dead drop`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from consumer.cli.dead.chosen import ChosenLetters, chosen_letters
from consumer.cli.input.configuration import load_config
from consumer.cli.terminal.progress import spinner
from consumer.tools.replay.read import open_reader
from consumer.tools.replay.replay import several

if TYPE_CHECKING:
    from consumer.cli.dead.options import DeadDropOptions
    from consumer.tools.replay.query import StoredLetter


async def would_drop(options: DeadDropOptions) -> None:
    """Say how many letters would be deleted.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: The server cannot be reached.
    """
    config = load_config(options.config_file)
    async with open_reader(config.sink, config.dead_letters) as reader:
        letters = ChosenLetters(reader, options, await reader.last_number())
        with spinner("counting dead letters"):
            count = await letters.count()
    click.echo(f"would drop {count}")


async def drop(options: DeadDropOptions) -> None:
    """Delete letters. Print how many were deleted, also after an error.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: The server cannot be reached.
        click.Abort: The user did not agree.
    """
    config = load_config(options.config_file)
    dropped = Counter[bool]()
    try:
        question = "Drop {letters} for ever?"
        async with chosen_letters(config, options, "dropping", question) as letters:

            async def remove(stored: StoredLetter) -> bool:
                removed = await letters.reader.remove(stored.number, erase=options.erase)
                dropped[removed] += 1
                return removed

            async for chunk in letters.chunks():
                await several(remove, chunk)
                letters.advance(len(chunk))
    finally:
        click.echo(f"dropped {dropped[True]}, {dropped[False]} gone")
