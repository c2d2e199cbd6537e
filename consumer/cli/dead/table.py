"""Prints the table of `dead list`, or on a narrow terminal two lines for each dead letter."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.cli.terminal.letter_line import arrived_at, size_of_body
from consumer.cli.terminal.numbers import short_size
from consumer.cli.terminal.safe_text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.tools.replay.query import StoredLetter

TABLE_MIN_COLUMNS: Final = 120
"""On a narrower terminal, the other columns of a table would leave no room for the errors."""
TYPE_SHOWN_CHARACTERS: Final = 28
"""The longest message type of the catalogue fits. A longer type was invented by a sender."""


class LetterRow(NamedTuple):
    """A dead letter as text. The names of the fields are the headings of the table."""

    number: str
    time: str
    listener: str
    reason: str
    type: str
    size: str
    error: str


def print_table(letters: Sequence[StoredLetter]) -> None:
    """Print dead letters for a person."""
    console = Console()
    rows = [_row(stored) for stored in letters]
    if console.width >= TABLE_MIN_COLUMNS:
        _print_wide(console, rows)
    else:
        _print_narrow(console, rows)


def _row(stored: StoredLetter) -> LetterRow:
    letter, size_bytes = stored.letter, size_of_body(stored)
    return LetterRow(
        number=str(stored.number),
        time=printable(arrived_at(stored))[:19].replace("T", " "),
        listener=printable(letter.listener),
        reason=letter.reason.value,
        type=printable(letter.message_type)[:TYPE_SHOWN_CHARACTERS],
        size="large" if size_bytes is None else short_size(size_bytes),
        error=printable(letter.error),
    )


def _print_wide(console: Console, rows: Sequence[LetterRow]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in LetterRow._fields:
        table.add_column(
            name,
            justify="right" if name in ("number", "size") else "left",
            style="yellow" if name == "reason" else None,
            no_wrap=name != "error",
        )
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def _print_narrow(console: Console, rows: Sequence[LetterRow]) -> None:
    indent = max(len(row.number) for row in rows) + 2
    for row in rows:
        head = Text.assemble(
            f"{row.number:>{indent - 2}}  {row.time}  ",
            (row.reason, "yellow"),
            "  ".join(("", *filter(None, (row.type, row.listener)), row.size)),
        )
        console.print(head, overflow="ellipsis", no_wrap=True)
        for line in textwrap.wrap(row.error, console.width - indent):
            console.print(Text(f"{'':{indent}}{line}", "dim"))
