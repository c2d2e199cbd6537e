"""Dead letters as text: a JSON line, a table, all that is known of one."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Final

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.cli.terminal import human_bytes, printable
from consumer.events.timestamp import from_epoch_s

if TYPE_CHECKING:
    from consumer.tools.replay.query import StoredLetter

BODY_SHOWN_BYTES: Final = 64 * 1024
"""More of a body is no help on a screen; `--raw` has no such limit."""
TABLE_MIN_COLUMNS: Final = 120
TYPE_SHOWN_CHARACTERS: Final = 28
"""More than the longest of ours; what a sender invents may be longer."""


def json_line(stored: StoredLetter) -> bytes:
    """Write a letter as one line of `dead list` in a pipe."""
    letter = stored.letter
    return msgspec.json.encode(
        {
            "number": stored.number,
            "time": letter.arrived or from_epoch_s(stored.stored_s),
            "listener": letter.listener,
            "brand": letter.brand,
            "reason": letter.reason,
            "type": letter.message_type or None,
            "error": letter.error,
            "attempt": letter.attempt,
            # Letters of older versions do not know the size of a body in the object store.
            "size_bytes": _size(stored),
        }
    )


def print_table(letters: list[StoredLetter]) -> None:
    """Print `dead list` as a person reads it: a table, or on a narrow terminal two lines each."""
    console = Console()
    rows = [_row(stored) for stored in letters]
    if console.width >= TABLE_MIN_COLUMNS:
        _print_wide(console, rows)
    else:
        _print_narrow(console, rows)


def _row(stored: StoredLetter) -> tuple[str, ...]:
    letter, size = stored.letter, _size(stored)
    return (
        str(stored.number),
        (letter.arrived or from_epoch_s(stored.stored_s))[:19].replace("T", " "),
        printable(letter.listener),
        letter.reason.value,
        printable(letter.message_type)[:TYPE_SHOWN_CHARACTERS],
        "large" if size is None else human_bytes(size),
        printable(letter.error),
    )


def _print_wide(console: Console, rows: list[tuple[str, ...]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("number", "time", "listener", "reason", "type", "size", "error"):
        right = name in ("number", "size")
        table.add_column(
            name,
            justify="right" if right else "left",
            style="yellow" if name == "reason" else None,
            no_wrap=name != "error",
        )
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def _print_narrow(console: Console, rows: list[tuple[str, ...]]) -> None:
    indent = max(len(row[0]) for row in rows) + 2
    for number, time, listener, reason, message_type, size, error in rows:
        head = Text.assemble(
            f"{number:>{indent - 2}}  {time}  ",
            (reason, "yellow"),
            "  ".join(("", *filter(None, (message_type, listener)), size)),
        )
        console.print(head, overflow="ellipsis", no_wrap=True)
        for line in textwrap.wrap(error, console.width - indent):
            console.print(Text(f"{'':{indent}}{line}", "dim"))


def _size(stored: StoredLetter) -> int | None:
    unknown = stored.letter.body_object and not stored.letter.body_bytes
    return None if unknown else stored.size_bytes


class Head:
    """Keeps the beginning of what is written, and counts the rest.

    Attributes:
        kept: the beginning.
        length_bytes: of everything.
    """

    def __init__(self) -> None:
        self.kept = bytearray()
        self.length_bytes = 0

    def write(self, data: bytes, /) -> None:
        """Take a piece."""
        self.length_bytes += len(data)
        self.kept += data[: BODY_SHOWN_BYTES - len(self.kept)]


def facts(stored: StoredLetter, size_bytes: int) -> list[str]:
    """Return everything known but the body, a line each."""
    letter = stored.letter
    known = {
        "number": str(stored.number),
        "reason": letter.reason.value,
        "error": letter.error,
        "listener": letter.listener,
        "brand": letter.brand,
        "type": letter.message_type or "(none)",
        "encoding": letter.content_encoding,
        "arrived": letter.arrived,
        "stored": from_epoch_s(stored.stored_s),
        "attempt": str(letter.attempt),
        "size": f"{size_bytes} bytes",
        "body in": letter.body_object and f"the object store, {letter.body_object}",
    }
    known |= {
        f"attempt {past.number}": f"{past.reason}: {past.error} (until {past.until})"
        for past in letter.history
    }
    known |= {f"source {name}": text for name, text in letter.coordinates.items()}
    known |= {f"header {name}": text for name, text in letter.headers.items()}
    shown = {printable(name): printable(text) for name, text in known.items() if text}
    width = max(len(name) for name in shown)
    bold = sys.stdout.isatty()
    return [
        f"{click.style(f'{name:<{width}}', bold=True) if bold else f'{name:<{width}}'}  {text}"
        for name, text in shown.items()
    ]


def readable(head: Head) -> str:
    """Lay out a body: as JSON where it is, escaped where it could harm a terminal."""
    body = bytes(head.kept)
    if not head.length_bytes:
        return "(empty body)"
    if head.length_bytes > len(body):
        cut = printable(body.decode("utf-8", "backslashreplace"), keep="\n\t")
        return f"{cut}\n… the first {len(body)} of {head.length_bytes} bytes; --raw for all"
    try:
        # Formats the text as it is: numbers keep their digits.
        pretty = msgspec.json.format(body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pretty = body.decode("utf-8", "backslashreplace")
    return printable(pretty, keep="\n\t")
