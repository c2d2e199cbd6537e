"""Prints remarks: a table for people, lines of JSON for programs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Protocol

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.cli.terminal.safe_text import printable
from consumer.tools.validation.validator import FileTally, Remark, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
WIDEST_COLUMNS: Final = 120
"""The largest width of a table. A longer row would be hard to read."""


class RemarkPrinter(Protocol):
    """Takes the remarks: `begin`, `show` and `finish` for each file, and `end` after the last."""

    def begin(self, file: str, message_type: str, unit: str, /) -> None:
        """Begin a file.

        Args:
            file: The name of the file, as it is shown.
            message_type: The message type of the events.
            unit: The word for an event's place in the file: `line` or `event`.
        """

    def show(self, remarks: Sequence[Remark], /) -> None:
        """Take remarks of the file."""

    def finish(self, tally: FileTally, /) -> None:
        """End the file."""

    def end(self, total: FileTally, /) -> None:
        """End the output with the sum of all files."""


class JsonPrinter:
    """Prints each remark at once as a line of JSON, and at the end a line with the sum."""

    def __init__(self) -> None:
        self._place: dict[str, object] = {}

    def begin(self, file: str, message_type: str, _: str, /) -> None:
        """See `RemarkPrinter.begin`."""
        self._place = {"file": file, "type": message_type}

    def show(self, remarks: Sequence[Remark], /) -> None:
        """See `RemarkPrinter.show`."""
        for remark in remarks:
            line = self._place | msgspec.to_builtins(remark)
            click.echo(msgspec.json.encode(line))

    def finish(self, tally: FileTally, /) -> None:
        """See `RemarkPrinter.finish`."""

    def end(self, total: FileTally, /) -> None:
        """See `RemarkPrinter.end`."""
        click.echo(msgspec.json.encode({"severity": "summary", **msgspec.to_builtins(total)}))


class TablePrinter:
    """Prints a table for each file, once the whole file was read.

    Args:
        limit_count: The largest number of rows of a table. Further remarks are counted.
        many: If true, there are several files, and each gets a title.
    """

    def __init__(self, limit_count: int, *, many: bool) -> None:
        self._limit_count = limit_count
        self._many = many
        self._console = Console(highlight=False)
        self._console.width = _width(self._console)
        self._unit = ""
        self._rows: list[Remark] = []
        self._hidden_count = 0

    def begin(self, file: str, message_type: str, unit: str, /) -> None:
        """See `RemarkPrinter.begin`."""
        self._unit = unit
        self._rows = []
        self._hidden_count = 0
        if self._many:
            title = Text(f"{printable(file)}: {message_type}", "bold")
            self._console.print(title, soft_wrap=True)

    def show(self, remarks: Sequence[Remark], /) -> None:
        """See `RemarkPrinter.show`."""
        room = self._limit_count - len(self._rows)
        self._rows += remarks[:room]
        self._hidden_count += len(remarks[room:])

    def finish(self, tally: FileTally, /) -> None:
        """See `RemarkPrinter.finish`."""
        if self._rows:
            self._console.print(self._table())
        if self._hidden_count:
            more = f"… and {self._hidden_count} more: --limit, or --format json"
            self._console.print(Text(more, "dim"))
        if self._rows:
            self._console.print()
        self._console.print(_sum(tally))
        if self._many:
            self._console.print()

    def end(self, total: FileTally, /) -> None:
        """See `RemarkPrinter.end`."""
        if self._many:
            self._console.print(Text("all files: ", "bold") + _sum(total))

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(self._unit, justify="right", no_wrap=True)
        table.add_column("field", overflow="fold", max_width=24)
        table.add_column("found", overflow="fold", max_width=30)
        table.add_column("expected", overflow="fold")
        before = None
        for row in self._rows:
            number = row.event_number if self._unit == "event" else row.line
            colour = _COLOURS[row.severity]
            warning = "warning: " if row.severity is Severity.WARNING else ""
            table.add_row(
                "" if number == before else str(number),
                Text(printable(row.field) or "(all of it)"),
                Text("(missing)" if row.found is None else printable(row.found), colour),
                Text.assemble((warning, colour), printable(row.expected)),
            )
            before = number
        return table


def _width(console: Console) -> int:
    """Return the width of a table, in columns."""
    if not console.is_terminal and not os.environ.get("COLUMNS"):
        # rich would take 80 columns for a file or a pipe, and fold rows that `grep` reads later.
        return WIDEST_COLUMNS
    return min(console.width, WIDEST_COLUMNS)


def _repeats(count: int) -> str:
    return "repeats an earlier event" if count == 1 else "repeat earlier events"


def _sum(tally: FileTally) -> Text:
    """Say in one line how many events there were, and what would become of them."""
    if not tally.events_count:
        return Text("no events", "red")
    parts = [Text(f"{tally.good_count} good", "green" if tally.good_count else "")]
    for count, words, colour in (
        (tally.wrong_count, "wrong", "red"),
        (tally.repeated_count, _repeats(tally.repeated_count), "yellow"),
        (tally.warnings_count, "warning" if tally.warnings_count == 1 else "warnings", "yellow"),
    ):
        if count:
            parts.append(Text(f"{count} {words}", colour))
    events = "event" if tally.events_count == 1 else "events"
    return Text(f"{tally.events_count} {events}: ") + Text(", ").join(parts)
