"""Lists, shows, replays and drops the dead letters of one environment, for one sender at a time.

A letter of another sender is treated as if it did not exist.

    replay   parts are there? ─► letters are chosen ─► steps of at most 100 ─► what became of each
                                                       pauses, so that events pass as well
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from consumer.api.dead_letters.away import answered_within
from consumer.api.dead_letters.choice import choice_of
from consumer.api.dead_letters.cursor import LetterRange, read_range, write_after
from consumer.api.dead_letters.page import read_page
from consumer.api.dead_letters.shown import LetterResult, in_list, result_of, whole_letter
from consumer.clock import SYSTEM_CLOCK
from consumer.http.answer import Problem
from consumer.lanes.wire import Watched
from consumer.operations.health import Health
from consumer.operations.metrics import Metrics
from consumer.tools.replay.opened import make_replayer
from consumer.tools.replay.query import StoredLetter
from consumer.tools.replay.read import LetterReader, NoSuchBodyError, NoSuchLetterError
from consumer.tools.replay.replay import by_size, several

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.api.dead_letters.asked import LettersAsked
    from consumer.api.dead_letters.choice import Outcome
    from consumer.api.dead_letters.connection import LetterConnection
    from consumer.dead_letters.record import Letter
    from consumer.deliveries.origin import Sender
    from consumer.lanes.outside import ServedEnvironment
    from consumer.parts.base import Part
    from consumer.readers.pace import Pace

READ_MAX_S: Final = 5.0
"""A list or a letter that took longer is answered with 503."""
WRITE_BEGIN_MAX_S: Final = 5.0
"""A replay or a drop begins no further step after this time."""
WRITE_MAX_S: Final = 10.0
"""After this time, a replay or a drop is answered with what is known by then."""
STEP_COUNT: Final = 100
"""So many letters are replayed in one step. The daemon's own batches may be larger."""
BODY_MAX_BYTES: Final = 4 * 1024 * 1024
"""A larger body is left out of the answer."""
WRITTEN_HERE_BYTES: Final = 256 * 1024
"""A larger body is written as JSON in a thread, so that other tasks run meanwhile."""

Act = Callable[[Sequence[StoredLetter]], Awaitable[object]]
"""Replays or drops some letters."""
Begin = Callable[[LetterReader, Callable[[LetterResult], None]], Awaitable[Act]]
"""Makes an `Act` that tells what became of each letter."""


class LetterDesk:
    """The dead letters of one environment.

    Args:
        served: The environment. Its parts are those of the lanes: so a replay knows what the lanes
            have stored, also if the store is the memory of this process.
        connection: The way to its letters. The desk closes it.
        pace: The pauses of all pages in this process.
    """

    def __init__(self, served: ServedEnvironment, connection: LetterConnection, pace: Pace) -> None:
        self._pace = pace
        self._served = served
        self._connection = connection
        # Without these, a replay would be shown among the listeners of the process.
        self._watched = Watched(Health(), Metrics())

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    async def page(self, sender: Sender, asked: LettersAsked) -> dict[str, object]:
        """Return a page of the letters of a sender, the oldest first.

        Raises:
            Problem: 400, 410: something is wrong with what is asked. 503: the letters are away.
        """
        query = asked.query_of(sender)
        async with answered_within(READ_MAX_S):
            reader = await self._connection.reader()
            state = await reader.state()
            after_number = read_range(asked.after, state).after_number
            # The end is that of now, also if the cursor is from a replay, which has an end of its
            # own: a list has to reach the letters that came since.
            wanted = LetterRange(after_number, state.last_number)
            page = await read_page(reader, query, wanted, self._pace)
        return {
            "letters": [in_list(stored) for stored in page.letters],
            "more": page.more,
            "cursor": write_after(state, page.number),
        }

    async def letter(self, sender: Sender, number: int) -> bytes:
        """Return all that is known of a letter, as JSON.

        Raises:
            Problem: 404: this sender has no letter with this number. 503: the letters cannot be
                reached.
        """
        async with answered_within(READ_MAX_S):
            reader = await self._connection.reader()
            try:
                stored = await reader.get(number)
            except NoSuchLetterError:
                raise no_such_letter() from None
            if stored.letter.sender != sender:
                raise no_such_letter()
            body, left_out = await _body_of(reader, stored.letter)
        if len(body or b"") <= WRITTEN_HERE_BYTES:
            return whole_letter(stored, body, left_out)
        return await asyncio.to_thread(whole_letter, stored, body, left_out)

    async def replay(self, sender: Sender, chosen: tuple[int, ...] | LettersAsked) -> Outcome:
        """Send letters through the pipeline again, and say what became of each of them.

        Raises:
            Problem: 400, 410: something is wrong with what is asked. 503: something is away, and
                nothing is known to be done. A repetition is safe.
        """
        return await self._write(sender, chosen, self._replaying)

    async def drop(self, sender: Sender, chosen: tuple[int, ...] | LettersAsked) -> Outcome:
        """Delete letters, and say what became of each of them.

        Raises:
            Problem: See `replay`.
        """
        return await self._write(sender, chosen, self._dropping)

    async def _write(
        self, sender: Sender, chosen: tuple[int, ...] | LettersAsked, begin: Begin
    ) -> Outcome:
        choice = choice_of(chosen, self._pace)
        try:
            async with answered_within(WRITE_MAX_S):
                reader = await self._connection.reader()
                act = await begin(reader, choice.tell)
                await _in_steps(act, await choice.letters(reader, sender))
        except Problem as problem:
            # What was done by then must be told: nobody could find it out later.
            if problem.status != HTTPStatus.SERVICE_UNAVAILABLE or not choice.results:
                raise
        return choice.outcome()

    async def _replaying(self, reader: LetterReader, tell: Callable[[LetterResult], None]) -> Act:
        # A replay waits for a part that is away. Its client must not, and a sink that was never
        # open cannot say how large an event may be.
        await several(_check, list(self._served.outside.parts().values()))
        replayer = make_replayer(
            self._served.config,
            self._served.outside,
            self._watched,
            reader,
            lambda ended: tell(result_of(ended)),
        )
        return replayer.replay

    async def _dropping(self, reader: LetterReader, tell: Callable[[LetterResult], None]) -> Act:
        async def remove(stored: StoredLetter) -> None:
            was_there = await reader.remove(stored.number)
            tell(LetterResult(stored.number, "dropped" if was_there else "not_found"))

        async def drop(letters: Sequence[StoredLetter]) -> None:
            await several(remove, letters)

        return drop


def no_such_letter() -> Problem:
    """Return the answer for a number that no letter has, or only a letter of another brand."""
    return Problem(404, "no_such_letter", "there is no dead letter with this number")


async def _check(part: Part) -> None:
    await part.check()


async def _in_steps(act: Act, letters: Sequence[StoredLetter]) -> None:
    """Act on letters, and leave half of the time to the lanes."""
    now_s = SYSTEM_CLOCK.monotonic_s
    until_s = now_s() + WRITE_BEGIN_MAX_S
    pause_s = 0.0
    for step in _steps(letters):
        await asyncio.sleep(pause_s)
        began_s = now_s()
        if began_s > until_s:
            return
        await act(step)
        pause_s = now_s() - began_s


def _steps(letters: Sequence[StoredLetter]) -> Iterator[Sequence[StoredLetter]]:
    for start in range(0, len(letters), STEP_COUNT):
        yield from by_size(letters[start : start + STEP_COUNT])


async def _body_of(reader: LetterReader, letter: Letter) -> tuple[bytes | None, str]:
    """Return the body of a letter; if it is left out, None and why."""
    if len(letter.body) > BODY_MAX_BYTES or letter.body_bytes > BODY_MAX_BYTES:
        return None, "too_large"
    body = _Beginning()
    try:
        await reader.write_body(letter, body)
    except NoSuchBodyError:
        return None, "gone"
    if body.length_bytes > BODY_MAX_BYTES:  # older versions did not note the size
        return None, "too_large"
    return bytes(body.kept), ""


class _Beginning:
    """Keeps the beginning of a body that is written to it, and counts the rest."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.length_bytes = 0

    def write(self, data: bytes, /) -> None:
        """Take a piece of the body."""
        self.length_bytes += len(data)
        self.kept += data[: BODY_MAX_BYTES - len(self.kept)]
