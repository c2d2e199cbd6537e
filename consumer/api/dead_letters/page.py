"""Reads one page of dead letters, with a bounded amount of work.

The subjects of letters name no brand. So the letters of other brands are looked at too, and a page
may be empty although there are more letters behind it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.clock import SYSTEM_CLOCK
from consumer.tools.replay.query import StoredLetter

if TYPE_CHECKING:
    from consumer.api.dead_letters.cursor import LetterRange
    from consumer.readers.pace import Pace
    from consumer.tools.replay.query import Query
    from consumer.tools.replay.read import LetterReader

LOOKED_MAX_COUNT: Final = 20_000
LOOKED_MAX_S: Final = 1.0
"""A page looks at so many letters, and for so long, at most."""


class LetterPage(msgspec.Struct, frozen=True):
    """A page of letters.

    Attributes:
        letters: The letters, the oldest first, without their bodies.
        number: The number of the last letter that was looked at.
        more: If true, there may be more letters behind it.
    """

    letters: list[StoredLetter]
    number: int
    more: bool


async def read_page(
    reader: LetterReader, query: Query, wanted: LetterRange, pace: Pace
) -> LetterPage:
    """Read the letters of a range that fit a query, from its beginning on.

    Args:
        reader: The reader of the letters, whose connection is open.
        query: Which letters are wanted, and how many.
        wanted: The numbers of the letters.
        pace: The pauses of all pages.

    Raises:
        SinkUnavailable: There is no stream, or no answer.
    """
    found: list[StoredLetter] = []
    looked_count = 0
    until_s = SYSTEM_CLOCK.monotonic_s() + LOOKED_MAX_S
    looking = reader.looked_at(query, wanted.after_number, wanted.last_number)
    async with pace.page() as page_pace, contextlib.aclosing(looking) as letters:
        async for stored in letters:
            looked_count += 1
            if query.wants(stored):
                found.append(stored)
            if (
                len(found) == query.limit_count
                or looked_count == LOOKED_MAX_COUNT
                or SYSTEM_CLOCK.monotonic_s() > until_s
            ):
                return LetterPage(found, stored.number, stored.number < wanted.last_number)
            await page_pace.give_way()
    return LetterPage(found, max(wanted.after_number, wanted.last_number), more=False)
