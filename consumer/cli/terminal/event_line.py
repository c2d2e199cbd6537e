"""Writes one event as one line: coloured for a person, JSON for a program."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import msgspec
from rich.text import Text

from consumer.cli.terminal.safe_text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from consumer.events.envelope import Envelope

SUBJECT_CHARACTERS: Final = 25
"""The longest subject of the catalogue, `poker.tournament_cash_out`, has this many characters."""
_COLOURS: Final = {
    "game": "cyan",
    "wallet": "green",
    "withdrawal": "magenta",
    "bonus": "yellow",
    "sports": "blue",
    "lottery": "bright_magenta",
    "poker": "bright_blue",
    "user": "bright_cyan",
    "custom": "bright_yellow",
    "system": "bright_black",
}
"""The colour of an event, by the first token of its own subject."""


class _MoneyFields(msgspec.Struct):
    """The fields of an event's data in which most types carry money."""

    amount: str | None = None
    currency: str | None = None


_read_money: Final = msgspec.json.Decoder(_MoneyFields).decode


def event_line(subject: str, event: Envelope) -> Text:
    """Lay out an event for a person: its own time, the subject, the amount, the player, the id.

    Args:
        subject: The NATS subject on which the event was found.
        event: The event.
    """
    return Text.assemble(
        (f"{printable(event.time)[11:19]}  ", "dim"),
        (f"{printable(subject):<{SUBJECT_CHARACTERS}}", _COLOURS.get(_family(event.type), "white")),
        f" {printable(_amount(event)):>13}  ",
        f"{printable(event.subject):<12} ",
        (printable(event.id), "dim"),
    )


def _family(type_: str) -> str:
    return type_.partition(".")[0]


def _amount(event: Envelope) -> str:
    try:
        money = _read_money(event.data)
    except msgspec.DecodeError:  # a CUSTOM event may call anything `amount`
        return ""
    return f"{money.amount} {money.currency or ''}".rstrip() if money.amount is not None else ""


def event_json(body: bytes) -> bytes:
    """Return the event's own bytes, on one line.

    A sender may have put line ends between the tokens of a field that we pass on as it is. They are
    removed here, because a reader of NDJSON takes each line as a whole event.
    """
    return msgspec.json.format(body, indent=-1) if b"\n" in body else body


def write_line(line: bytes) -> None:
    """Write a line to standard output at once, because a program may wait for it.

    Raises:
        BrokenPipeError: Nobody reads standard output any more.
    """
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def print_cut(console: Console, line: Text) -> None:
    """Print a line, cut off at the width of the terminal.

    A person can follow passing events only if each event takes exactly one line.
    """
    console.print(line, no_wrap=True, overflow="ellipsis", crop=True)
