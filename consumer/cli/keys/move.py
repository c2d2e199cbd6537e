"""Moves keys to another server: `consumer keys export` and `consumer keys restore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from consumer.access.record import decode, encode, id_of
from consumer.cli.input.configuration import load_config
from consumer.cli.input.files import opened as opened_file
from consumer.cli.keys.opened import opened
from consumer.cli.keys.view import tell_unread
from consumer.errors import ConsumerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.access.key import Key
    from consumer.cli.keys.options import KeysOptions, KeysRestoreOptions


async def export(options: KeysOptions) -> int:
    """Print all keys, the oldest first; returns the exit code.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: The server cannot be reached.
    """
    config = load_config(options.config_file)
    async with opened(config) as keys:
        found = await keys.all()
    for use in found.uses:
        click.echo(encode(use.key))
    tell_unread(found)
    return int(bool(found.unread))


async def restore(options: KeysRestoreOptions) -> None:
    """Store exported keys, and say how many.

    Raises:
        ConfigError: The configuration is wrong.
        ConsumerError: The file cannot be read, or a line of it is no key. Nothing is stored.
        KeyChangeRefused: A key exists with other content.
        Unavailable: The server cannot be reached.
    """
    config = load_config(options.config_file)
    wanted = list(_read(options.file))
    async with opened(config) as keys:
        stored_count, same_count = await keys.restore(wanted, replace=options.replace)
    click.echo(f"restored {stored_count}, {same_count} were there already")


def _read(file: str) -> Iterator[Key]:
    with opened_file(file) as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            key = decode(line, id_of(line))
            if key is None:
                raise ConsumerError(f"{file}: line {number} is no key; nothing was restored")
            yield key
