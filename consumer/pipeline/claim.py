"""Second step, the call: claims a whole batch at once, and applies the rules to the answers.

Responsible for the order: group, claim, judge. The rules themselves are in `dedupe.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.pipeline.dedupe import contradicts, group, judge
from consumer.pipeline.route import refuse_too_large
from consumer.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from consumer.pipeline.batch import Batch
    from consumer.pipeline.books import LaneBooks
    from consumer.pipeline.dedupe import SameKey, StoreQueue
    from consumer.pipeline.mode import Mode
    from consumer.stores.base import Memory


class Claimer:
    """Claims identities before a batch is published, and marks them done afterwards.

    Args:
        store_queue: The lane's calls to the store.
        books: The lane's metrics.
        mode: Decides what becomes of repetitions and contradictions.
        limit_bytes: Returns the size of the largest message that the sink takes.
        old_after_s: The age of a pending identity from which the sink may have forgotten its
            message id, in seconds.
    """

    def __init__(
        self,
        store_queue: StoreQueue,
        books: LaneBooks,
        mode: Mode,
        limit_bytes: Callable[[], int],
        *,
        old_after_s: float,
    ) -> None:
        self._store_queue = store_queue
        self._books = books
        self._mode = mode
        self._limit_bytes = limit_bytes
        self._old_after_s = old_after_s

    async def claim(self, batch: Batch) -> None:
        """Find out which events of a decoded batch were seen before.

        Waits for the store as long as it takes. Cancelling: some events may have been claimed.
        """
        # An event that can never be stored must not keep its identity: a shorter event, sent again
        # with the same identity, would be held against it.
        limit_bytes = self._limit_bytes()
        for work in batch.works:
            if work.event is not None:
                refuse_too_large(work, work.event, limit_bytes)
        groups = group(batch)
        if not groups:
            return
        known = await self._store_queue.claim([same_key[0][1] for same_key in groups])
        await self._judge(zip(groups, known, strict=True))

    async def _judge(self, claimed: Iterable[tuple[SameKey, Memory | None]]) -> None:
        contradicted: list[tuple[SameKey, Memory]] = []
        turn = Turn()
        for same_key, memory in claimed:
            # The error of a conflict takes time, and every event of a batch may be a conflict.
            if memory is not None:
                await turn.give_way()
            asks = memory is not None and memory.done and self._mode.wants_ages
            if memory is not None and asks and contradicts(same_key, memory):
                contradicted.append((same_key, memory))
                continue
            age_s = None if memory is None else memory.age_s
            published = judge(same_key, memory, self._mode, age_s)
            if published and age_s is not None and age_s > self._old_after_s:
                self._books.old_claim()
        if contradicted:
            await self._judge_with_age(contradicted)

    async def _judge_with_age(self, contradicted: list[tuple[SameKey, Memory]]) -> None:
        # A D does not hold its age, so the store is asked once more. Conflicts are rare.
        ages_s = await self._store_queue.ages_s([same_key[0][1] for same_key, _ in contradicted])
        turn = Turn()
        for (same_key, memory), age_s in zip(contradicted, ages_s, strict=True):
            await turn.give_way()
            judge(same_key, memory, self._mode, age_s)

    async def mark_done(self, batch: Batch, held_s: float) -> None:
        """Mark the events of a batch that the sink has as done.

        If the batch was held for longer than `old_after_s`, the sink may have forgotten a message
        id before the publish was repeated. The sink may then have two copies of the event, so each
        event whose publish was repeated is counted.

        Args:
            batch: The batch, delivered.
            held_s: The time since the batch was taken in, in seconds.

        Waits for the store as long as it takes. Cancelling: some events may have been marked.
        """
        if held_s > self._old_after_s:
            for work in batch.works:
                if work.repeated:
                    self._books.old_claim()
        await self._store_queue.mark_done(batch.in_sink)
