"""Chooses the letters that a request replays or drops, and collects what became of each of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from consumer.api.dead_letters.asked import LettersAsked
from consumer.api.dead_letters.cursor import LetterRange, read_range, write_rest
from consumer.api.dead_letters.page import read_page
from consumer.api.dead_letters.shown import LetterResult
from consumer.tools.replay.read import NoSuchLetterError
from consumer.tools.replay.replay import several

if TYPE_CHECKING:
    from consumer.api.dead_letters.page import LetterPage
    from consumer.deliveries.origin import Sender
    from consumer.readers.pace import Pace
    from consumer.tools.replay.query import StoredLetter
    from consumer.tools.replay.read import LetterReader, LettersState


class Outcome(msgspec.Struct, frozen=True):
    """The answer to a request that replays or drops letters.

    Attributes:
        results: What became of each letter.
        more: If true, not all letters were reached. The client goes on with another request.
        cursor: Where that request begins. None if the letters were named by numbers.
    """

    results: Sequence[LetterResult]
    more: bool
    cursor: str | None


class Choice(ABC):
    """The letters of one request.

    Attributes:
        results: What became of letters so far, by their numbers.
    """

    def __init__(self) -> None:
        self.results: dict[int, LetterResult] = {}

    def tell(self, result: LetterResult) -> None:
        """Take what became of a letter."""
        self.results[result.number] = result

    @abstractmethod
    async def letters(self, reader: LetterReader, sender: Sender) -> list[StoredLetter]:
        """Return the letters of the sender, the oldest first, without their bodies.

        Raises:
            Problem: Something is wrong with the request.
            Unavailable: The stream of the letters is away.
        """

    @abstractmethod
    def outcome(self) -> Outcome:
        """Return the answer. Letters without a result are still to be done."""


def choice_of(chosen: tuple[int, ...] | LettersAsked, pace: Pace) -> Choice:
    """Return the choice that a request makes."""
    return ByFilter(chosen, pace) if isinstance(chosen, LettersAsked) else ByNumbers(chosen)


class ByNumbers(Choice):
    """Letters that are named by their numbers.

    Args:
        numbers: The numbers, each of them once.
    """

    def __init__(self, numbers: tuple[int, ...]) -> None:
        super().__init__()
        self._numbers = numbers

    async def letters(self, reader: LetterReader, sender: Sender) -> list[StoredLetter]:
        """See `Choice.letters`."""

        async def look(number: int) -> StoredLetter | None:
            try:
                stored = await reader.get(number)
            except NoSuchLetterError:
                stored = None
            if stored is None or stored.letter.sender != sender:
                self.tell(LetterResult(number, "not_found"))
                return None
            # Many bodies would take much memory. They are read again in small parts.
            letter = msgspec.structs.replace(stored.letter, body=b"")
            size_bytes = letter.body_bytes or stored.size_bytes
            return msgspec.structs.replace(stored, letter=letter, size_bytes=size_bytes)

        # The oldest first, so that events keep their order as far as that is possible.
        looked_at = await several(look, sorted(self._numbers))
        return [stored for stored in looked_at if stored is not None]

    def outcome(self) -> Outcome:
        """See `Choice.outcome`."""
        left = [number for number in self._numbers if number not in self.results]
        results = [
            self.results.get(number) or LetterResult(number, "left") for number in self._numbers
        ]
        return Outcome(results, more=bool(left), cursor=None)


class ByFilter(Choice):
    """Letters that fit a filter, the oldest first, up to its limit.

    Args:
        asked: The filter.
        pace: The pauses of all pages.
    """

    def __init__(self, asked: LettersAsked, pace: Pace) -> None:
        super().__init__()
        self._pace = pace
        self._asked = asked
        self._chosen: tuple[LettersState, LetterRange, LetterPage] | None = None

    async def letters(self, reader: LetterReader, sender: Sender) -> list[StoredLetter]:
        """See `Choice.letters`."""
        query = self._asked.query_of(sender)
        state = await reader.state()
        wanted = read_range(self._asked.after, state)
        page = await read_page(reader, query, wanted, self._pace)
        self._chosen = state, wanted, page
        return page.letters

    def outcome(self) -> Outcome:
        """See `Choice.outcome`."""
        if self._chosen is None:
            raise RuntimeError("nothing was chosen")  # a bug of ours
        state, wanted, page = self._chosen
        left = [stored.number for stored in page.letters if stored.number not in self.results]
        rest = LetterRange(left[0] - 1 if left else page.number, wanted.last_number)
        results = [self.results[number] for number in sorted(self.results)]
        more = page.more or bool(left)
        return Outcome(results, more=more, cursor=write_rest(state, rest))
