"""Second step, the call: one claim for a whole batch, and what its answers mean for each event.

Responsible for the order: group, claim, judge. The rules themselves are in `dedupe.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.pipeline.dedupe import group, judge
from consumer.pipeline.shadow import forward_all

if TYPE_CHECKING:
    from consumer.pipeline.batch import Batch
    from consumer.pipeline.books import LaneBooks
    from consumer.pipeline.dedupe import Ledger


class Claimer:
    """One lane's claims and done-marks.

    Args:
        ledger: the lane's way to the store.
        books: the lane's metrics.
        old_after_s: a P older than this is outside the sink's own memory, in seconds.
        shadow: forward what would be dropped, marked.
    """

    def __init__(
        self, ledger: Ledger, books: LaneBooks, *, old_after_s: float, shadow: bool = False
    ) -> None:
        self._ledger = ledger
        self._books = books
        self._old_after_s = old_after_s
        self._shadow = shadow

    async def claim(self, batch: Batch) -> None:
        """Find out which events of a decoded batch were seen before.

        Waits for the store as long as it takes. Cancelling: some may have been claimed.
        """
        groups = group(batch)
        if not groups:
            return
        known = await self._ledger.claim([same_key[0][1] for same_key in groups])
        for same_key, memory in zip(groups, known, strict=True):
            if judge(same_key, memory, self._old_after_s):
                self._books.old_claim()
        if self._shadow:
            batch.shadow = True
            forward_all(batch)

    async def mark_done(self, batch: Batch, held_s: float) -> None:
        """Mark what the sink has confirmed of a batch.

        Args:
            batch: delivered.
            held_s: since it was taken in. What was published again after the sink had forgotten
                its id may be there twice, and is counted.

        Waits for the store as long as it takes. Cancelling: some may have been marked.
        """
        if held_s > self._old_after_s:
            for work in batch.works:
                if work.repeated:
                    self._books.old_claim()
        await self._ledger.mark_done(batch.confirmed)
