"""One event or dead letter as one line: coloured for a person, JSON for a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from rich.text import Text

from consumer.cli.terminal import printable
from consumer.events.timestamp import from_epoch_s

if TYPE_CHECKING:
    from rich.console import Console

    from consumer.events.envelope import Envelope
    from consumer.tools.replay.query import StoredLetter

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
"""By the first token of an event's own subject."""
SUBJECT_WIDTH: Final = 25
"""The longest of the catalogue, `poker.tournament_cash_out`."""


class _Money(msgspec.Struct):
    amount: str | None = None
    currency: str | None = None


_read_money: Final = msgspec.json.Decoder(_Money).decode


def json_of_event(body: bytes) -> bytes:
    """Return the event's own bytes, on one line: a sender's line ends pass in what we only pass."""
    return msgspec.json.format(body, indent=-1) if b"\n" in body else body


def print_line(console: Console, line: Text) -> None:
    """Print, cut to the terminal's width: one line an event is what the eye can follow."""
    console.print(line, no_wrap=True, overflow="ellipsis", crop=True)


def print_whole(console: Console, line: Text) -> None:
    """Print, and let the terminal wrap it: the end of an error is what helps."""
    console.print(line, soft_wrap=True)


def event_line(subject: str, event: Envelope) -> Text:
    """Lay out an event: its own time, where it is, amount, player, id."""
    return Text.assemble(
        (f"{printable(event.time)[11:19]}  ", "dim"),
        (f"{printable(subject):<{SUBJECT_WIDTH}}", _COLOURS.get(_family(event.type), "white")),
        f" {printable(_amount(event)):>13}  ",
        f"{printable(event.subject):<12} ",
        (printable(event.id), "dim"),
    )


def _family(type_: str) -> str:
    return type_.partition(".")[0]


def _amount(event: Envelope) -> str:
    try:
        money = _read_money(event.data)
    except msgspec.DecodeError:  # not every type's `amount` is money
        return ""
    return f"{money.amount} {money.currency or ''}".rstrip() if money.amount is not None else ""


def letter_line(stored: StoredLetter) -> Text:
    """Lay out a dead letter: when it arrived, listener and reason, number, error."""
    letter = stored.letter
    time = letter.arrived or from_epoch_s(stored.stored_s)
    return Text.assemble(
        (f"{printable(time)[11:19]}  ", "dim"),
        (f"{printable(f'{letter.listener} {letter.reason.value}'):<{SUBJECT_WIDTH}}", "red"),
        (f" {f'letter {stored.number}':>13}  ", "dim"),
        printable(letter.error),
    )
