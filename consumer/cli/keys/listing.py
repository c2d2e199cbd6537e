"""Lists and shows keys: `consumer keys list` and `consumer keys show`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from consumer.cli.input.configuration import load_config
from consumer.cli.keys.opened import opened
from consumer.cli.keys.table import print_table
from consumer.cli.keys.view import key_facts, key_json, tell_unread

if TYPE_CHECKING:
    from consumer.cli.keys.options import KeysListOptions, KeysShowOptions


async def list_keys(options: KeysListOptions) -> None:
    """Print the keys that fit the filters. The newest key is last.

    Raises:
        ConfigError: The configuration is wrong.
        Unavailable: The server cannot be reached.
    """
    config = load_config(options.config_file)
    async with opened(config) as keys:
        found = await keys.all()
    uses = [
        use
        for use in found.uses
        if options.brand in (None, use.key.brand)
        and options.environment in (None, use.key.environment)
    ]
    if (options.form or ("table" if sys.stdout.isatty() else "json")) == "json":
        for use in uses:
            click.echo(key_json(use))
    elif uses:
        print_table(uses)
    else:
        click.echo("no key fits" if found.uses else "no keys")
    tell_unread(found)


async def show(options: KeysShowOptions) -> None:
    """Print what is known about a key.

    Raises:
        ConfigError: The configuration is wrong.
        KeyChangeRefused: There is no such key.
        Unavailable: The server cannot be reached.
    """
    config = load_config(options.config_file)
    async with opened(config) as keys:
        use = await keys.one(options.key_id)
    if (options.form or ("text" if sys.stdout.isatty() else "json")) == "json":
        click.echo(key_json(use))
        return
    for line in key_facts(use):
        click.echo(line)
