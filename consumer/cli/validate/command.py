"""`consumer validate`: hold a file of events against the catalogue, without any broker."""

from __future__ import annotations

import contextlib
import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from consumer.errors import ConsumerError
from consumer.events.registry import CATALOGUE, find

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from consumer.cli.validate.text import Printer
    from consumer.events.base import EventType
    from consumer.tools.validation.validator import FileTally

STANDARD_INPUT = "-"


@click.command()
@click.argument(
    "files",
    metavar="[FILE]...",
    nargs=-1,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
)
@click.option(
    "--type",
    "message_type",
    metavar="TYPE",
    help="Message type of all events. [default: the file's name, as in casino.ndjson]",
)
@click.option(
    "--strict",
    is_flag=True,
    help='Refuse what the vendor\'s own schema refuses, as validation = "strict" does.',
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="A table for people, or a JSON line for each finding and one for the sum.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Rows of a table at most; the rest is counted.",
)
@click.pass_context
def validate(  # one parameter an option
    ctx: click.Context,
    files: tuple[str, ...],
    *,
    message_type: str | None,
    strict: bool,
    form: str,
    limit: int,
) -> None:
    """Hold events against the catalogue: what is wrong with each, in a dead letter's words.

    FILE has one JSON event a line, or an event over several lines, or a JSON array of events;
    gzip is unpacked. Without FILE, or for -, standard input is read. No broker, no configuration.

    Exit code 0: every event is good; 1: one is not, or there is none. Warnings and repetitions
    change nothing.

    \b
    Examples:
      consumer validate casino.ndjson
      consumer validate --type PAYMENT --strict deposits.json.gz
      my-exporter --last 1000 | consumer validate --type CASINO
      consumer validate casino.ndjson --format json | jq -r 'select(.severity=="error").field'
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    files = files or (STANDARD_INPUT,)
    types = [_type_of(file, message_type) for file in files]  # before anything is printed
    from consumer.cli.validate.text import JsonPrinter, TablePrinter  # noqa: PLC0415  # `--help` is quick
    from consumer.tools.validation.validator import FileTally  # noqa: PLC0415  # as above

    printer = JsonPrinter() if form == "json" else TablePrinter(limit, many=len(files) > 1)
    total = FileTally()
    for file, event_type in zip(files, types, strict=True):
        total.add(_look(file, event_type, printer, strict=strict))
    printer.end(total)
    ctx.exit(1 if total.wrong or not total.events else 0)


def _type_of(file: str, message_type: str | None) -> EventType:
    """Return the type that was asked for, or that the file is called after.

    Raises:
        click.UsageError: there is none of that name.
    """
    name = message_type or ("" if file == STANDARD_INPUT else Path(file).name.partition(".")[0])
    event_type = find(name)
    if event_type is not None:
        return event_type
    names = [one.name for one in CATALOGUE]
    near = difflib.get_close_matches(name.upper(), names, 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    told = f"no message type is called {name!r}." if name else "standard input has no name."
    if not message_type:
        told += " Say which one it is with --type."
    raise click.UsageError(f"{told}{meant} There are {', '.join(names)}.")


def _look(file: str, event_type: EventType, printer: Printer, *, strict: bool) -> FileTally:
    """Look at one file."""
    from consumer.tools.validation.cut import EventFile  # noqa: PLC0415  # `--help` is quick
    from consumer.tools.validation.validator import Validator, about_file  # noqa: PLC0415  # as above

    shown = "standard input" if file == STANDARD_INPUT else file
    with _opened(file) as stream:
        try:
            events = EventFile(stream)
            validator = Validator(event_type, strict=strict, unit=events.unit)
            printer.begin(shown, event_type.name, events.unit)
            for record in events:
                printer.show(validator.look(record))
        except BrokenPipeError:  # of what we print, not of what we read
            raise
        except (ConsumerError, OSError) as error:
            raise ConsumerError(f"{shown}: {error}") from error
    printer.show(about_file(events, validator.tally))
    printer.finish(validator.tally)
    return validator.tally


@contextlib.contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    try:
        stream = Path(file).open("rb")  # noqa: SIM115  # an error inside of the block is not this one
    except OSError as error:
        raise ConsumerError(f"{file}: cannot be read: {error.strerror}") from error
    with stream:
        yield stream
