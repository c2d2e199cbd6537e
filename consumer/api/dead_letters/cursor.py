"""Writes and reads the cursors of lists of dead letters.

A cursor is a place between two letters: the number of the last letter that was looked at. So it
stays good while letters come and go. It also holds when the stream was made, because the numbers of
a stream that was made anew begin with 1 again. The form is ours alone: clients only send it back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import Misfit
from consumer.http.answer import Problem

if TYPE_CHECKING:
    from consumer.tools.replay.read import LettersState

MICROSECONDS: Final = 1_000_000
_read: Final = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,16})(?:-([0-9a-f]{1,16}))?").fullmatch


class Place(msgspec.Struct, frozen=True):
    """A place in the stream of letters.

    Attributes:
        number: The number of the letter before this place. 0 means the beginning.
        last_number: The number of the last letter that is wanted.
    """

    number: int
    last_number: int


def write(state: LettersState, place: Place, *, bounded: bool) -> str:
    """Return the cursor of a place.

    Args:
        state: What the stream says of itself.
        place: The place.
        bounded: If true, the cursor also holds `last_number`. A client that goes on with it reaches
            no letter that came later, such as the letter of a replay that failed again.
    """
    text = f"{round(state.created_s * MICROSECONDS):x}-{place.number:x}"
    return f"{text}-{place.last_number:x}" if bounded else text


def read(text: str, state: LettersState) -> Place:
    """Return the place of a cursor. An empty text is the beginning.

    Raises:
        Problem: 400 if the text is no cursor; 410 if it is a cursor of another stream.
    """
    if not text:
        return Place(0, state.last_number)
    found = _read(text)
    if found is None:
        misfit = Misfit("after", "the cursor of an earlier answer", "another text")
        raise Problem(400, "invalid", str(misfit), errors=[misfit])
    created_us, number = int(found[1], 16), int(found[2], 16)
    if created_us != round(state.created_s * MICROSECONDS) or number > state.last_number:
        raise Problem(
            410,
            "cursor_expired",
            "the dead letters were stored anew since this cursor was made; begin without `after`",
        )
    last_number = int(found[3], 16) if found[3] else state.last_number
    return Place(number, min(last_number, state.last_number))
