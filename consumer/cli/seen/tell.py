"""Answers `consumer seen`: asks store and sink, and prints what they hold."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from consumer.cli.input.configuration import load_config
from consumer.cli.input.message_types import known_type
from consumer.cli.seen.text import as_text
from consumer.cli.terminal.progress import spinner
from consumer.tools.seen.find import find_event
from consumer.tools.seen.report import as_json

if TYPE_CHECKING:
    from consumer.cli.seen.command import SeenOptions


async def tell(options: SeenOptions) -> int:
    """Print what the store and the sink hold about the event.

    Returns exit code 1 if the event was found in neither. If the store or the sink could not be
    asked, the event counts as not found there.

    Raises:
        ConfigError: The configuration is wrong.
        click.UsageError: There is no such message type.
    """
    event_type = known_type(options.message_type, "'TYPE'")
    config = load_config(options.config_file)
    with spinner("looking for the event"):
        answer = await find_event(
            config, event_type, options.event_id, brand=options.brand, since_s=options.since_s
        )
    form = options.form or ("text" if sys.stdout.isatty() else "json")
    click.echo(as_json(answer) if form == "json" else as_text(answer))
    for why in (answer.store_why, answer.sink_why):
        if why:
            click.echo(f"consumer: {why}", err=True)
    return 0 if answer.remembered or answer.stored else 1
