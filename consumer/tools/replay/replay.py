"""Sends dead letters through the pipeline once more, and removes those that became events.

Responsible for the order of the steps: a letter is removed only after the sink has confirmed its
event, or the letter of the next attempt. So a replay may be stopped or killed at any point and
started again. What it has stored already is then recognised like any other resend. Not responsible
for reading letters: `read.py`.

    chunk of letters ─ decode ─ dedupe ─ route ─ sink ─ mark done ─ remove
                                   └── fails again: a new letter with the history of the attempts
"""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from consumer.config.wallet import OUTBOX_LISTENERS
from consumer.deliveries.delivery import Dead, Delivery, Duplicate, End, Forwarded
from consumer.deliveries.origin import Origin
from consumer.errors import SinkUnavailable
from consumer.events import timestamp
from consumer.events.timestamp import from_epoch_s
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import HELD_BYTES
from consumer.tools.replay.read import NoSuchBodyError, NoSuchLetterError
from consumer.turn import Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence

    from consumer.clock import Clock
    from consumer.dead_letters.record import Letter
    from consumer.errors import Rejected
    from consumer.pipeline.decode import Decoder
    from consumer.pipeline.steps import Steps
    from consumer.tools.replay.query import Query, StoredLetter
    from consumer.tools.replay.read import LetterReader

T = TypeVar("T")
R = TypeVar("R")

CHUNK_COUNT: Final = 500
CHUNK_BYTES: Final = 8 * 1024 * 1024
"""The largest size of all bodies of a chunk together, in bytes. A larger body is a chunk of its
own."""
AT_ONCE_COUNT: Final = 50
"""The number of bodies that are read, or of letters that are removed, at the same time."""
CHUNKS_PER_S: Final = 5.0
"""If a rate is given, chunks are so small that this many are replayed in a second. So the letters
flow evenly."""

FORWARDED: Final = "forwarded"
DUPLICATE: Final = "duplicate"
DEAD_AGAIN: Final = "dead"
GONE: Final = "gone"
"""Somebody else has removed the letter meanwhile."""
WITHOUT_BODY: Final = "without body"
"""The body is not in the object store any more. The letter stays as it is."""
_WAYS: Final[dict[type, str]] = {Forwarded: FORWARDED, Duplicate: DUPLICATE, Dead: DEAD_AGAIN}
ORIGIN: Final = Origin({}, {})
"""An empty origin. The letter itself already says where its delivery came from."""


class Ended(msgspec.Struct, frozen=True):
    """How the replay of one letter ended.

    Attributes:
        number: The number of the letter.
        way: `FORWARDED`, `DUPLICATE`, `DEAD_AGAIN`, `GONE` or `WITHOUT_BODY`.
        end: The end of its delivery. None for `GONE` and `WITHOUT_BODY`.
        next_number: The number of the new letter, for `DEAD_AGAIN`. Otherwise it is 0.
    """

    number: int
    way: str
    end: End | None = None
    next_number: int = 0


class LetterStays(SinkUnavailable):
    """The result of a letter is stored, but it was not confirmed that the letter is removed.

    Args:
        number: The number of the letter.
        next_number: The number of its next letter. 0 if it became an event, or is known already.
        error: Why removing failed.
    """

    def __init__(self, number: int, next_number: int, error: SinkUnavailable) -> None:
        result = f"the next letter, {next_number}," if next_number else "the event"
        super().__init__(
            f"{result} is stored, but letter {number} could not be removed: {error}. If the "
            "letter is still there, do the same once more: what is stored is recognised as a copy, "
            "and the letter is removed",
            refused=error.refused,
        )


def letter_again(delivery: Delivery, rejected: Rejected, _: Origin, now_s: float) -> Letter:
    """Return the next letter of a letter that failed again. This function is a `LetterOf`."""
    stored = _stored(delivery)
    return stored.letter.again(rejected, from_epoch_s(now_s), stored.number)


class Replayer:
    """Runs the steps of the pipeline for letters.

    Args:
        reader: The reader of the letters, whose connection is open.
        decoder_of: A function that returns the decoder for the letters of a listener, by the name
            of the listener.
        steps: The pipeline's steps, made with `letter_again`. Their decoder is not used.
        clock: The clock, which gives the time of an attempt that fails.
        tell: Is called with the end of each letter, when the letter is removed.

    Attributes:
        ended: The number of letters that ended in each way: `FORWARDED`, `DUPLICATE`,
            `DEAD_AGAIN`, `GONE` or `WITHOUT_BODY`.
    """

    def __init__(
        self,
        reader: LetterReader,
        decoder_of: Callable[[str], Decoder],
        steps: Steps,
        clock: Clock,
        tell: Callable[[Ended], None] = lambda _: None,
    ) -> None:
        self._reader = reader
        self._decoder_of = decoder_of
        self._claimer = steps.claimer
        self._deliverer = steps.deliverer
        self._clock = clock
        self._tell = tell
        self.ended: Counter[str] = Counter()

    async def replay(self, letters: Sequence[StoredLetter]) -> None:
        """Replay some letters, given without their bodies.

        Returns once each letter has become an event, a known duplicate or a new letter, and is
        removed. A letter whose body is missing stays. Waits for the store and the sink as long as
        it takes.

        Raises:
            ExceptionGroup: It holds a `SinkUnavailable`: the stream of the letters is away. If the
                results were stored by then, it is a `LetterStays`.

        Cancelling: the results of some letters may be stored although the letters are not removed.
        The next replay recognises these results.
        """
        await self.replay_whole(await self._with_bodies(letters))

    async def replay_whole(self, letters: Sequence[StoredLetter]) -> None:
        """Replay letters with the bodies and message types that they hold here. See `replay`."""
        async for works in decoded(self._decoder_of, letters):
            batch = Batch(works, self._clock.now_s(), self._clock.monotonic_s())
            await self._claimer.claim(batch)
            numbers = await self._deliverer.deliver(batch, lambda _: ORIGIN)
            await self._claimer.mark_done(batch, self._clock.monotonic_s() - batch.since_s)
            # The letters are removed only now, when it is confirmed what became of each of them.
            dead = [_stored(delivery).number for delivery, _ in batch.dead()]
            await self._remove(works, dict(zip(dead, numbers, strict=True)))

    async def _with_bodies(self, letters: Sequence[StoredLetter]) -> list[StoredLetter]:
        async def fetch(stored: StoredLetter) -> StoredLetter | None:
            try:
                return await whole(self._reader, stored.number)
            except NoSuchLetterError:
                self._note(Ended(stored.number, GONE))
            except NoSuchBodyError:
                self._note(Ended(stored.number, WITHOUT_BODY))
            return None

        fetched = await several(fetch, letters)
        return [stored for stored in fetched if stored is not None]

    async def _remove(self, works: Sequence[Work], next_numbers: Mapping[int, int]) -> None:
        """Remove the letters of works. `next_numbers` has the new number of each dead letter."""

        async def remove(work: Work) -> None:
            number, end = _stored(work.delivery).number, work.delivery.end
            try:
                await self._reader.remove(number)
            except SinkUnavailable as error:
                raise LetterStays(number, next_numbers.get(number, 0), error) from error
            self._note(Ended(number, _WAYS[type(end)], end, next_numbers.get(number, 0)))

        await several(remove, works)

    def _note(self, ended: Ended) -> None:
        self.ended[ended.way] += 1
        self._tell(ended)

    @property
    def failed_count(self) -> int:
        """The number of letters that became dead letters again, or whose body is missing."""
        return self.ended[DEAD_AGAIN] + self.ended[WITHOUT_BODY]

    @property
    def said(self) -> str:
        """A line that says what became of the letters. Its numbers add up to the first number."""
        ended = self.ended
        return (
            f"replayed {ended.total()}: {ended[FORWARDED]} forwarded, "
            f"{ended[DUPLICATE]} duplicates, "
            f"{ended[DEAD_AGAIN]} dead letters again, {ended[GONE]} gone"
            + (f", {ended[WITHOUT_BODY]} without body" if ended[WITHOUT_BODY] else "")
        )


async def chunks(
    reader: LetterReader, query: Query, numbers: Sequence[int], last_number: int
) -> AsyncIterator[list[StoredLetter]]:
    """Yield lists of the letters that fit a query, the oldest first, without their bodies.

    Args:
        reader: The reader of the letters, whose connection is open.
        query: Which letters are wanted, and how many of them.
        numbers: The numbers of the letters that are wanted. An empty sequence means all letters.
        last_number: The highest number that is looked at. A letter that fails again gets a higher
            number, so it is not replayed twice.

    Raises:
        SinkUnavailable: There is no such stream, or no answer.
    """
    left_count, after_number = query.limit_count, 0
    if numbers:
        for number in sorted(set(numbers)):
            if not left_count:
                return
            # `following` reads a single letter too, because it applies the filters of the query.
            found = await reader.following(query, number - 1, min(number, last_number), 1)
            left_count -= len(found)
            yield found
        return
    while left_count > 0:
        # Each chunk is read with a new consumer, because the server would delete a consumer that
        # waits for a slow replay.
        count = min(CHUNK_COUNT, left_count)
        found = await reader.following(query, after_number, last_number, count)
        for chunk in by_size(found):
            yield chunk
        if len(found) < count:
            return
        left_count, after_number = left_count - count, found[-1].number


def by_size(letters: Sequence[StoredLetter]) -> list[list[StoredLetter]]:
    """Divide letters into lists, so that the bodies of each list have at most `CHUNK_BYTES`."""
    parts: list[list[StoredLetter]] = []
    room_bytes = 0
    for stored in letters:
        if not parts or stored.size_bytes > room_bytes:
            parts.append([])
            room_bytes = CHUNK_BYTES
        parts[-1].append(stored)
        room_bytes -= stored.size_bytes
    return parts


async def paced(
    given: AsyncIterator[list[StoredLetter]], rate_per_s: float | None, clock: Clock
) -> AsyncIterator[list[StoredLetter]]:
    """Yield the letters at `rate_per_s` letters a second at most. None means no limit."""
    size_count = CHUNK_COUNT if rate_per_s is None else max(1, round(rate_per_s / CHUNKS_PER_S))
    started_s, count = clock.monotonic_s(), 0
    async for letters in given:
        for start in range(0, len(letters), size_count):
            chunk = letters[start : start + size_count]
            if rate_per_s is not None:
                await asyncio.sleep(max(0.0, started_s + count / rate_per_s - clock.monotonic_s()))
            count += len(chunk)
            yield chunk


async def whole(reader: LetterReader, number: int) -> StoredLetter:
    """Return a letter with its body, from the stream or from the object store.

    Raises:
        NoSuchLetterError: There is no letter with this number.
        NoSuchBodyError: The body is not in the object store any more.
        SinkUnavailable: There is no answer.
    """
    return await with_body(reader, await reader.get(number))


async def with_body(reader: LetterReader, stored: StoredLetter) -> StoredLetter:
    """Return a letter with its body, if the body is in the object store.

    Raises:
        NoSuchBodyError: The body is not in the object store any more.
        SinkUnavailable: There is no answer.
    """
    if not stored.letter.body_object:
        return stored
    body = io.BytesIO()
    await reader.write_body(stored.letter, body)
    letter = msgspec.structs.replace(stored.letter, body=body.getvalue(), body_object="")
    return msgspec.structs.replace(stored, letter=letter)


async def decoded(
    decoder_of: Callable[[str], Decoder], letters: Sequence[StoredLetter]
) -> AsyncIterator[list[Work]]:
    """Decode letters as this version decodes deliveries. Each keeps the time when it arrived.

    Usually yields all letters at once. A few compressed bodies can make more events than may be
    held in memory. Then there are several lists, and the next list is decoded only when it is
    asked for. The connections have their turns between the letters.
    """
    works: list[Work] = []
    held_bytes, turn = 0, Turn()
    for stored in letters:
        letter = stored.letter
        work = Work(
            Delivery(
                body=letter.body,
                message_type=letter.message_type or None,
                token=stored,
                sender=letter.sender,
                content_encoding=letter.content_encoding or None,
                sequence=sequence_of(letter),
            )
        )
        batch = Batch([work], _arrived_s(stored), 0.0)
        decoder_of(letter.listener).decode(batch, _letter_number)
        works.append(work)
        held_bytes += len(work.event.body) if work.event is not None else 0
        if held_bytes > HELD_BYTES:
            yield works
            works, held_bytes = [], 0
        await turn.give_way()
    if works:
        yield works


async def several(do: Callable[[T], Coroutine[None, None, R]], items: Sequence[T]) -> list[R]:
    """Call a function for each item, and return the results in the order of the items.

    At most `AT_ONCE_COUNT` calls run at the same time.

    Raises:
        ExceptionGroup: It holds the errors of the calls.
    """
    results: list[R] = []
    for start in range(0, len(items), AT_ONCE_COUNT):
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(do(item), name="letter")
                for item in items[start : start + AT_ONCE_COUNT]
            ]
        results += [task.result() for task in tasks]
    return results


def _arrived_s(stored: StoredLetter) -> float:
    try:
        return timestamp.parse(stored.letter.arrived).epoch_s
    except ValueError:
        return stored.stored_s


def _letter_number(delivery: Delivery) -> str:
    """Name a letter by its number and its time, which never change: an `OccurrenceOf`."""
    stored = _stored(delivery)
    return f"letter {stored.number} {stored.stored_s}"


def _stored(delivery: Delivery) -> StoredLetter:
    stored: StoredLetter = delivery.token  # type: ignore[assignment]  # given in `decode`
    return stored


def sequence_of(letter: Letter) -> str:
    """Return the number of an event of the wallet. Empty for all other events."""
    return letter.coordinates.get("sequence", "") if letter.listener in OUTBOX_LISTENERS else ""
