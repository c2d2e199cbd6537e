"""`consumer seen`: what became of one event."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from consumer.cli.main import config_option, load_config
from consumer.cli.terminal import Since, known_type

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("message_type", metavar="TYPE", callback=known_type)
@click.argument("event_id", metavar="ID")
@config_option
@click.option("--brand", metavar="NAME", help="Whose event. [default: all of the configuration]")
@click.option(
    "--since",
    type=Since(),
    help="Look into the sink from there on: 30m, 1h, 2d ago, or RFC 3339. [default: around the "
    "time that the store tells, else 1h]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    help="[default: text on a terminal, JSON in a pipe]",
)
def seen(
    message_type: str,
    event_id: str,
    config_file: Path | None,
    *,
    brand: str | None,
    since: float | None,
    form: str | None,
) -> None:
    """Tell what the store remembers of an event, and where the event is in the sink.

    ID is the CloudEvents id: of CASINO the activity_id, with `:rollback` behind it for a rollback;
    of PAYMENT payment_id, type and status. Nothing is changed. In the sink only headers are read:
    events are found by the message ids that the daemon gives them under the routes of now.

    Exit code 0: found in store or sink; 1: in neither.

    \b
    Examples:
      consumer seen CASINO 6f9619ff-8b86
      consumer seen CASINO 6f9619ff-8b86:rollback --since 2d
      consumer seen PAYMENT 23541:Credit:Approved --brand brand-a --format json
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    from consumer.cli.seen.find import Question, find_out  # noqa: PLC0415  # `--help` is quick
    from consumer.cli.seen.text import as_json, as_text  # noqa: PLC0415  # as above

    config = load_config(config_file)
    question = Question(message_type=message_type, id=event_id, brand=brand, since_s=since)
    answer = asyncio.run(find_out(config, question))
    as_json_wanted = (form or ("text" if sys.stdout.isatty() else "json")) == "json"
    click.echo(as_json(answer) if as_json_wanted else as_text(answer))
    for why in (answer.store_why, answer.sink_why):
        if why:
            click.echo(f"consumer: {why}", err=True)
    sys.exit(0 if answer.known or answer.stored else 1)
