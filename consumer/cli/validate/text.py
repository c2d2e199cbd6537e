"""Findings as text: a table for people, JSON lines for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.cli.terminal import printable
from consumer.tools.validation.validator import FileTally, Remark, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
WIDEST_COLUMNS: Final = 120
"""Beyond that the eye does not find the end of its row."""


class Printer(Protocol):
    """Takes findings, file by file."""

    def begin(self, file: str, message_type: str, unit: str) -> None:
        """Begin a file."""

    def show(self, findings: Sequence[Remark]) -> None:
        """Take findings of the file."""

    def finish(self, tally: FileTally) -> None:
        """End the file."""

    def end(self, total: FileTally) -> None:
        """End everything."""


class JsonPrinter:
    """Each finding at once as a line, and one line for the sum."""

    def __init__(self) -> None:
        self._file = ""
        self._message_type = ""

    def begin(self, file: str, message_type: str, unit: str) -> None:  # noqa: ARG002  # the contract
        """See `Printer.begin`."""
        self._file = file
        self._message_type = message_type

    def show(self, findings: Sequence[Remark]) -> None:
        """See `Printer.show`."""
        for one in findings:
            fields = msgspec.structs.asdict(one)
            line = {"file": self._file, "type": self._message_type, **fields}
            click.echo(msgspec.json.encode(line))

    def finish(self, tally: FileTally) -> None:
        """See `Printer.finish`."""

    def end(self, total: FileTally) -> None:
        """See `Printer.end`."""
        click.echo(msgspec.json.encode({"severity": "summary", **msgspec.structs.asdict(total)}))


class TablePrinter:
    """A table for each file, once it was read.

    Args:
        limit_count: rows of a table; the rest is counted.
        many: there are several files.
    """

    def __init__(self, limit_count: int, *, many: bool) -> None:
        self._limit_count = limit_count
        self._many = many
        self._console = Console(highlight=False)
        self._console.width = min(self._console.width, WIDEST_COLUMNS)

    def begin(self, file: str, message_type: str, unit: str) -> None:
        """See `Printer.begin`."""
        self._unit = unit
        self._rows: list[Remark] = []
        self._hidden_count = 0
        if self._many:
            title = Text(f"{printable(file)}: {message_type}", "bold")
            self._console.print(title, soft_wrap=True)

    def show(self, findings: Sequence[Remark]) -> None:
        """See `Printer.show`."""
        room = self._limit_count - len(self._rows)
        self._rows += findings[:room]
        self._hidden_count += len(findings[room:])

    def finish(self, tally: FileTally) -> None:
        """See `Printer.finish`."""
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

    def end(self, total: FileTally) -> None:
        """See `Printer.end`."""
        if self._many:
            self._console.print(Text("all files: ", "bold") + _sum(total))

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(self._unit, justify="right", no_wrap=True)
        table.add_column("field", overflow="fold", max_width=24)
        table.add_column("found", overflow="fold", max_width=30)
        table.add_column("expected", overflow="fold")
        before = None
        for one in self._rows:
            number = one.event if self._unit == "event" else one.line
            colour = COLOURS[one.severity]
            warning = "warning: " if one.severity is Severity.WARNING else ""
            table.add_row(
                "" if number == before else str(number),
                Text(printable(one.field) or "(all of it)"),
                Text("(missing)" if one.found is None else printable(one.found), colour),
                Text.assemble((warning, colour), printable(one.expected)),
            )
            before = number
        return table


def _sum(tally: FileTally) -> Text:
    """Say in a line what became of how many."""
    if not tally.events:
        return Text("no events", "red")
    parts = [Text(f"{tally.good} good", "green" if tally.good else "")]
    for count, words, colour in (
        (tally.wrong, "wrong", "red"),
        (tally.repeated, "repeat an earlier one", "yellow"),
        (tally.warnings, "warning" if tally.warnings == 1 else "warnings", "yellow"),
    ):
        if count:
            parts.append(Text(f"{count} {words}", colour))
    events = "event" if tally.events == 1 else "events"
    return Text(f"{tally.events} {events}: ") + Text(", ").join(parts)
