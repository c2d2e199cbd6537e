"""Writes and reads the cursors of lists of dead letters.

A cursor is a place between two letters: the number of the last letter that was looked at. So it
stays good while letters come and go. It also holds when the stream was created, because the numbers
of a stream that was created anew begin with 1 again. The form is ours alone: clients only send it
back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from consumer.errors import Misfit
from consumer.http.answer import Problem
from consumer.http.parameters import refused
from consumer.readers.cursor import Cursor, read_cursor

if TYPE_CHECKING:
    from consumer.tools.replay.read import LettersState


class LetterRange(msgspec.Struct, frozen=True):
    """A range of numbers of letters.

    Attributes:
        after_number: The number of the letter before the range. 0 means the beginning.
        last_number: The number of the last letter of the range.
    """

    after_number: int
    last_number: int


def write_after(state: LettersState, number: int) -> str:
    """Return the cursor behind a letter."""
    return str(Cursor(state.epoch_us, number))


def write_rest(state: LettersState, rest: LetterRange) -> str:
    """Return the cursor of a range.

    A client that goes on with it reaches no letter behind the range, such as the letter of a replay
    that failed again.
    """
    return f"{write_after(state, rest.after_number)}-{rest.last_number:x}"


def read_range(text: str, state: LettersState) -> LetterRange:
    """Return the range of a cursor. It ends with the newest letter if the cursor has no end.

    Args:
        text: The cursor. If it is empty, the range begins with the oldest letter.
        state: What the stream says of itself.

    Raises:
        Problem: 400: the text cannot be read as a cursor. 410: the cursor is of another stream.
    """
    if not text:
        return LetterRange(0, state.last_number)
    epoch, number, *end = text.split("-")[:4] if "-" in text else ("", "")
    after = read_cursor(f"{epoch}-{number}")
    until = read_cursor(f"{epoch}-{end[0]}") if end else after
    if after is None or until is None or len(end) > 1:
        misfit = Misfit("after", "the cursor of an earlier answer", "another text")
        raise refused([misfit])
    if after.epoch_us != state.epoch_us or after.sequence > state.last_number:
        raise Problem(
            410,
            "cursor_expired",
            "the dead letters were stored anew since this cursor was made; begin without `after`",
        )
    last_number = min(until.sequence, state.last_number) if end else state.last_number
    return LetterRange(after.sequence, last_number)
