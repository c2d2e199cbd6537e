"""Asks before made-up events go to the listener that this machine's own configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from consumer.cli.terminal.asking import can_ask
from consumer.config.read import SYSTEM_FILE, found_file

if TYPE_CHECKING:
    from consumer.cli.send.command import SendOptions
    from consumer.config.load import Config


def agree(options: SendOptions, config: Config) -> None:
    """Ask the user, if the configuration is that of the machine and `--yes` is not given.

    A service runs with this file. Whoever forgets `--config` would put events that never happened
    into its source, and nobody could take them back.

    Args:
        options: The options of the verb.
        config: The configuration.

    Raises:
        click.UsageError: Nobody can be asked, because there is no terminal.
        click.Abort: The user did not agree.
    """
    file = found_file(options.config_file)
    if options.yes or file.resolve() != SYSTEM_FILE.resolve():
        return
    listener = options.listener or next(iter(config.listeners))
    if not can_ask():
        raise click.UsageError(
            f"{file} is the configuration of this machine: expected --yes, to send made-up events "
            f"to the source of {listener}, or another file as --config FILE"
        )
    question = f"Send {options.count:,} made-up events to the source of {listener}, as {file} says?"
    click.confirm(question, abort=True, err=True)
