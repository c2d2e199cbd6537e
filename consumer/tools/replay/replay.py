"""Sends dead letters through the pipeline once more, and removes those that became events.

Responsible for the order that keeps the promise: a letter is removed only after its event, or its
next letter, is confirmed. So a replay may be stopped or killed at any point and started again:
what it has stored already is recognised like any other resend. `read.py` chooses the letters.

    chunk of letters ─ decode ─ dedupe ─ route ─ sink ─ mark done ─ remove
                                   └── fails again: a new letter, with its history
"""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from consumer.deliveries.delivery import Dead, Delivery, Duplicate, Forwarded
from consumer.deliveries.origin import Origin
from consumer.events import timestamp
from consumer.events.timestamp import from_epoch_s
from consumer.pipeline.batch import Batch, Work
from consumer.tools.replay.read import NoSuchBodyError, NoSuchLetterError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

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
"""How many bytes the bodies of a chunk may have together. A larger body is a chunk by itself."""
AT_ONCE_COUNT: Final = 50
"""How many bodies are asked for, or letters removed, at the same time."""
CHUNKS_PER_S: Final = 5.0
"""With a rate, chunks are so small that this many follow each other in a second: an even flow."""

FORWARDED: Final = "forwarded"
DUPLICATE: Final = "duplicate"
DEAD_AGAIN: Final = "dead"
GONE: Final = "gone"
"""Somebody else has removed the letter meanwhile."""
WITHOUT_BODY: Final = "without body"
"""The object store has forgotten the body; the letter stays as it is."""
_WAYS: Final[dict[type, str]] = {Forwarded: FORWARDED, Duplicate: DUPLICATE, Dead: DEAD_AGAIN}
ORIGIN: Final = Origin({}, {})
"""An empty origin. A letter knows already where its delivery came from."""


def letter_again(delivery: Delivery, rejected: Rejected, _: Origin, now_s: float) -> Letter:
    """Write the letter of a letter that failed once more: a `LetterOf`."""
    return _stored(delivery).letter.again(rejected, from_epoch_s(now_s))


class Replayer:
    """The steps of the pipeline, for letters.

    Args:
        reader: Reads the letters, over an open connection.
        decoder_of: Returns the decoder for what a listener took in, by the listener's name.
        steps: The pipeline's steps, made with `letter_again`; their decoder is not used.
        clock: For the times of what fails again.

    Attributes:
        ended: How many letters ended in each way: `FORWARDED`, `DUPLICATE`, `DEAD_AGAIN`, `GONE`
            or `WITHOUT_BODY`.
    """

    def __init__(
        self,
        reader: LetterReader,
        decoder_of: Callable[[str], Decoder],
        steps: Steps,
        clock: Clock,
    ) -> None:
        self._reader = reader
        self._decoder_of = decoder_of
        self._claimer = steps.claimer
        self._deliverer = steps.deliverer
        self._clock = clock
        self.ended: Counter[str] = Counter()

    async def replay(self, letters: Sequence[StoredLetter]) -> None:
        """Replay some letters, given without their bodies.

        Returns once each letter has become an event, a known duplicate or a new letter, and is
        removed. Waits for store and sink as long as it takes.

        Raises:
            SinkUnavailable: The letters' stream is away.

        Cancelling: some may be stored and not removed; the next replay recognises them.
        """
        works = decode(self._decoder_of, await self._with_bodies(letters))
        batch = Batch(works, self._clock.now_s(), self._clock.monotonic_s())
        await self._claimer.claim(batch)
        await self._deliverer.deliver(batch, lambda _: ORIGIN)
        await self._claimer.mark_done(batch, self._clock.monotonic_s() - batch.since_s)
        # Removed only now: what became of each letter is confirmed.
        await self._remove(batch.works)

    async def _with_bodies(self, letters: Sequence[StoredLetter]) -> list[StoredLetter]:
        async def fetch(stored: StoredLetter) -> StoredLetter | None:
            try:
                return await whole(self._reader, stored.number)
            except NoSuchLetterError:
                self.ended[GONE] += 1
            except NoSuchBodyError:
                self.ended[WITHOUT_BODY] += 1
            return None

        fetched = await several(fetch, letters)
        return [stored for stored in fetched if stored is not None]

    async def _remove(self, works: Sequence[Work]) -> None:
        async def remove(work: Work) -> None:
            await self._reader.remove(_stored(work.delivery).number)
            self.ended[_WAYS[type(work.delivery.end)]] += 1

        await several(remove, works)

    @property
    def failed_count(self) -> int:
        """How many letters became letters again, or could not be tried."""
        return self.ended[DEAD_AGAIN] + self.ended[WITHOUT_BODY]

    @property
    def said(self) -> str:
        """Say what became of the letters, in one line whose numbers add up."""
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
    """Give the letters of a query, the oldest first, in chunks, without their bodies.

    Args:
        reader: Reads the letters, over an open connection.
        query: Which letters; its `limit_count` bounds how many.
        numbers: Give only letters with these numbers. Empty: give all.
        last_number: The highest number to look at. A letter that fails again gets a higher one.

    Raises:
        SinkUnavailable: There is no such stream, or no answer.
    """
    if numbers:
        for number in sorted(set(numbers)):
            # Asked for in the same way as many letters are, so that the filters hold here too.
            yield await reader.following(query, number - 1, min(number, last_number), 1)
        return
    left_count, after_number = query.limit_count, 0
    while left_count > 0:
        # Each chunk has a short-lived consumer at the server: the server would forget a consumer
        # that waits for a slow replay.
        count = min(CHUNK_COUNT, left_count)
        found = await reader.following(query, after_number, last_number, count)
        for chunk in _by_size(found):
            yield chunk
        if len(found) < count:
            return
        left_count, after_number = left_count - count, found[-1].number


def _by_size(letters: list[StoredLetter]) -> list[list[StoredLetter]]:
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
    """Give letters at a rate at most. None: as fast as they are taken."""
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
        NoSuchLetterError: There is no letter of that number.
        SinkUnavailable: There is no answer, or the body is gone.
    """
    stored = await reader.get(number)
    if not stored.letter.body_object:
        return stored
    body = io.BytesIO()
    await reader.write_body(stored.letter, body)
    letter = msgspec.structs.replace(stored.letter, body=body.getvalue(), body_object="")
    return msgspec.structs.replace(stored, letter=letter)


def decode(decoder_of: Callable[[str], Decoder], letters: Sequence[StoredLetter]) -> list[Work]:
    """Decode letters as the current version does, each with the time of its first arrival."""
    works = []
    for stored in letters:
        letter = stored.letter
        work = Work(
            Delivery(
                body=letter.body,
                message_type=letter.message_type or None,
                token=stored,
                sender=letter.sender,
                content_encoding=letter.content_encoding or None,
            )
        )
        batch = Batch([work], _arrived_s(stored), 0.0)
        decoder_of(letter.listener).decode(batch, _letter_number)
        works.append(work)
    return works


async def several(do: Callable[[T], Coroutine[None, None, R]], items: Sequence[T]) -> list[R]:
    """Do something with each item, some at the same time, and return the results in order."""
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
    """Name the message of a letter by its number, which it keeps: an `OccurrenceOf`."""
    stored = _stored(delivery)
    return f"letter {stored.number} {stored.stored_s}"


def _stored(delivery: Delivery) -> StoredLetter:
    stored: StoredLetter = delivery.token  # type: ignore[assignment]  # given in `decode`
    return stored
