"""Checks files of events against the catalogue, and hands the remarks to a printer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from consumer.cli.input.files import STANDARD_INPUT, opened
from consumer.cli.input.message_types import offered_types
from consumer.cli.validate.printers import JsonPrinter, TablePrinter
from consumer.errors import ConsumerError, Rejected
from consumer.events.registry import find
from consumer.pipeline.decode import known_type, suggestion
from consumer.tools.validation.cut import EventFile
from consumer.tools.validation.validator import FileTally, Validator, about_file

if TYPE_CHECKING:
    from consumer.cli.validate.command import ValidateOptions
    from consumer.cli.validate.printers import RemarkPrinter
    from consumer.events.base import EventType


def validate(options: ValidateOptions) -> int:
    """Look at all files; returns exit code 1 if an event is wrong, or there is none.

    Raises:
        ConsumerError: A file cannot be read.
        click.UsageError: The message type of a file is not known.
    """
    files = options.files or (STANDARD_INPUT,)
    # All types are found first, so that a usage error does not come after the table of a file.
    types = [_type_of(file, options) for file in files]
    printer = (
        JsonPrinter()
        if options.form == "json"
        else TablePrinter(options.limit_count, many=len(files) > 1)
    )
    total = FileTally()
    for file, event_type in zip(files, types, strict=True):
        total.add(_look(file, event_type, printer, options))
    printer.end(total)
    return 1 if total.wrong_count or not total.events_count else 0


def _type_of(file: str, options: ValidateOptions) -> EventType:
    """Return the type that was asked for, or the type that the file is named after.

    Raises:
        click.UsageError: No type has that name. A listener would refuse every message.
    """
    if options.message_type is not None:
        try:
            return known_type(options.message_type, strict=options.strict, meant=suggestion)
        except Rejected as rejected:
            raise click.UsageError(f"{rejected}\n{offered_types('')}") from rejected
    name = "" if file == STANDARD_INPUT else Path(file).name.partition(".")[0]
    event_type = find(name)
    if event_type is not None:
        return event_type
    told = f"no message type is called {name!r}." if name else "standard input has no name."
    raise click.UsageError(f"{told} Say which type it is with --type. {offered_types(name)}")


def _look(
    file: str, event_type: EventType, printer: RemarkPrinter, options: ValidateOptions
) -> FileTally:
    """Look at one file."""
    shown = "standard input" if file == STANDARD_INPUT else file
    with opened(file) as stream:
        try:
            events = EventFile(stream, labelled=bool(options.content_encoding))
            validator = Validator(
                event_type,
                strict=options.strict,
                unit=events.unit,
                message_type=options.message_type or "",
                content_encoding=options.content_encoding,
            )
            printer.begin(shown, event_type.name, events.unit)
            for record in events:
                printer.show(validator.look(record))
        except BrokenPipeError:
            raise  # of our output, not of the file
        except (ConsumerError, OSError) as error:
            raise ConsumerError(f"{shown}: {error}") from error
    printer.show(about_file(events, validator.tally))
    printer.finish(validator.tally)
    return validator.tally
