"""Deletes dead letters: `consumer dead drop`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from consumer.cli.dead.chosen import chosen_letters
from consumer.cli.input.configuration import load_config
from consumer.tools.replay.replay import several

if TYPE_CHECKING:
    from consumer.cli.dead.options import DeadDropOptions
    from consumer.tools.replay.query import StoredLetter


async def would_drop(options: DeadDropOptions) -> None:
    """Say how many letters would be deleted.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: The server is away.
    """
    config = load_config(options.config_file)
    async with chosen_letters(config, options, "Count") as letters:
        click.echo(f"would drop {await letters.count()}")


async def drop(options: DeadDropOptions) -> None:
    """Delete letters, and say how many, also after an error.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: The server is away.
        click.Abort: The user did not agree.
    """
    config = load_config(options.config_file)
    dropped = Counter[bool]()
    try:
        async with chosen_letters(config, options, "Drop for ever") as letters:

            async def remove(stored: StoredLetter) -> bool:
                return await letters.reader.remove(stored.number, erase=options.erase)

            async for chunk in letters.chunks():
                dropped.update(await several(remove, chunk))
                letters.advance(len(chunk))
    finally:
        click.echo(f"dropped {dropped[True]}, {dropped[False]} gone")
