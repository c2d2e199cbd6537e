"""Lists dead letters: a table for a person, lines of JSON for a program."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click
import msgspec

from consumer.cli.dead.query import query_of
from consumer.cli.dead.table import print_table
from consumer.cli.input.configuration import load_config
from consumer.cli.terminal.letter_line import letter_json
from consumer.cli.terminal.progress import spinner
from consumer.tools.replay.query import Query
from consumer.tools.replay.read import open_reader
from consumer.tools.replay.replay import chunks

if TYPE_CHECKING:
    from consumer.cli.dead.options import DeadListOptions
    from consumer.config.load import Config
    from consumer.tools.replay.query import StoredLetter

HELD_COUNT: Final = 1000
"""The largest limit up to which the letters of a JSON list are all read first, and kept in memory.
With a higher limit, letters are printed while they are read."""


async def list_letters(options: DeadListOptions) -> None:
    """Print the newest letters that fit the filters, up to the limit. The newest letter is last.

    Raises:
        ConfigError: The configuration is wrong.
        SinkUnavailable: The stream of dead letters does not exist, or the server did not answer.
    """
    query = query_of(options)
    config = load_config(options.config_file)
    as_json = (options.form or ("table" if sys.stdout.isatty() else "json")) == "json"
    if as_json and query.limit_count > HELD_COUNT:
        await _print_long_list(config, query)
        return
    letters = await _newest(config, query)
    if as_json:
        for stored in letters:
            click.echo(letter_json(stored))
    elif letters:
        print_table(letters)
    else:
        no_filter = query == Query(limit_count=query.limit_count)
        click.echo("no dead letters" if no_filter else "no dead letter fits")


async def _newest(config: Config, query: Query) -> list[StoredLetter]:
    async with open_reader(config.sink, config.dead_letters) as reader:
        with spinner("reading dead letters"):
            letters = await reader.newest(query)
    _tell_skipped(reader.foreign_count)
    return letters


def _tell_skipped(count: int) -> None:
    if count:
        messages = "1 message" if count == 1 else f"{count} messages"
        click.echo(f"consumer: skipped {messages} of others", err=True)


async def _print_long_list(config: Config, query: Query) -> None:
    """Print the newest letters without holding them: they are counted first, then read again."""
    unlimited = msgspec.structs.replace(query, limit_count=sys.maxsize)
    async with open_reader(config.sink, config.dead_letters) as reader:
        last = await reader.last_number()
        total_count = sum([len(letters) async for letters in chunks(reader, unlimited, (), last)])
        _tell_skipped(reader.foreign_count)
        skipped_count = total_count - query.limit_count
        async for letters in chunks(reader, unlimited, (), last):
            for stored in letters[max(0, skipped_count) :]:
                click.echo(letter_json(stored))
            skipped_count -= len(letters)
