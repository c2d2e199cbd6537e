"""Writes one dead letter as one line: coloured for a person, JSON for a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from rich.text import Text

from consumer.cli.terminal.event_line import SUBJECT_CHARACTERS
from consumer.cli.terminal.safe_text import printable
from consumer.events.timestamp import from_epoch_s

if TYPE_CHECKING:
    from rich.console import Console

    from consumer.tools.replay.query import StoredLetter


def letter_line(stored: StoredLetter) -> Text:
    """Lay out a dead letter for a person: arrival, listener and reason, number, error."""
    letter = stored.letter
    return Text.assemble(
        (f"{printable(arrived_at(stored))[11:19]}  ", "dim"),
        (f"{printable(f'{letter.listener} {letter.reason.value}'):<{SUBJECT_CHARACTERS}}", "red"),
        (f" {f'letter {stored.number}':>13}  ", "dim"),
        printable(letter.error),
    )


def letter_json(stored: StoredLetter) -> bytes:
    """Write a dead letter without its body as one JSON object, for `dead list` and `tap --dead`."""
    letter = stored.letter
    return msgspec.json.encode(
        {
            "number": stored.number,
            "time": arrived_at(stored),
            "listener": letter.listener,
            "brand": letter.brand,
            "reason": letter.reason,
            "type": letter.message_type or None,
            "error": letter.error,
            "attempt": letter.attempt,
            "size_bytes": size_of_body(stored),
        }
    )


def arrived_at(stored: StoredLetter) -> str:
    """Return the time when the delivery arrived, or, if that is unknown, when it was stored."""
    return stored.letter.arrived or from_epoch_s(stored.stored_s)


def size_of_body(stored: StoredLetter) -> int | None:
    """Return the size of the body in bytes. None means that the size is not known.

    Older versions put large bodies into the object store and did not note their size.
    """
    letter = stored.letter
    return None if letter.body_object and not letter.body_bytes else stored.size_bytes


def print_wrapped(console: Console, line: Text) -> None:
    """Print a line that the terminal may wrap. It is not cut, so that the whole error is shown."""
    console.print(line, soft_wrap=True)
