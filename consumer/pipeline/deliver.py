"""Fourth step: publish, and wait until the sink has confirmed every single one.

A publish that failed is repeated until it succeeds, here, inside the process: giving it back to
the source would be a loop of redeliveries. Events keep the order of the source unless one of them
had to be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.errors import Reason, Rejected
from consumer.pipeline.batch import Verdict
from consumer.pipeline.dedupe import conclude_copies
from consumer.pipeline.route import HEADER_BYTES
from consumer.pipeline.shadow import forward_all, marked_message
from consumer.sinks.base import Receipt
from consumer.sinks.publish import publish_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.dead_letters.record import LetterOf
    from consumer.dead_letters.stream import DeadLetters
    from consumer.listeners.base import Delivery, Origin
    from consumer.parts.patience import Patience
    from consumer.pipeline.batch import Batch, Work
    from consumer.pipeline.route import Router
    from consumer.sinks.base import Message, Sink


class Deliverer:
    """One lane's way to the sink and to the dead letters.

    Args:
        sink: of events.
        dead_letters: where letters are stored.
        router: addresses events.
        patience: how to wait when one of them is away.
        letter_of: writes the letter of a rejected work.
    """

    def __init__(
        self,
        sink: Sink,
        dead_letters: DeadLetters,
        router: Router,
        patience: Patience,
        letter_of: LetterOf,
    ) -> None:
        self._sink = sink
        self._dead_letters = dead_letters
        self._router = router
        self._patience = patience
        self._letter_of = letter_of

    async def deliver(self, batch: Batch, origin: Callable[[Delivery], Origin]) -> None:
        """Store every undecided event and every dead letter of a batch.

        Args:
            batch: claimed and judged.
            origin: describes where a delivery came from.

        Returns only when all of it is confirmed. Cancelling: some of it may be stored.
        """
        await self._forward([work for work in batch.works if work.undecided])
        if batch.shadow:  # and what only the sink has recognised, once more
            await self._forward(forward_all(batch))
        conclude_copies(batch)
        letters = [
            self._letter_of(work, work.rejected, origin(work.delivery), batch.arrived_s)
            for work in batch.works
            if work.rejected is not None
        ]
        if letters:
            await self._dead_letters.store(letters, self._patience)

    async def _forward(self, works: list[Work]) -> None:
        owners: list[Work] = []
        messages: list[Message] = []
        limit_bytes = self._sink.max_message_bytes
        for work in works:
            for message in self._messages(work, limit_bytes):
                owners.append(work)
                messages.append(message)
        receipts = await publish_all(self._sink, messages, self._patience, "publish")
        # Only now, with all outputs of every event stored: after a crash in between it comes
        # again, and the sink recognises those that it has.
        for work, (receipt, first_try) in zip(owners, receipts, strict=True):
            # A marked one may differ from the first, whose fingerprint has to stay.
            work.confirmed = work.confirmed or work.mark is None
            work.repeated = work.repeated or not first_try
            if receipt is Receipt.STORED or not first_try:
                work.verdict = Verdict.FORWARDED
            elif work.verdict is None:
                work.verdict = Verdict.DUPLICATE

    def _messages(self, work: Work, limit_bytes: int) -> list[Message]:
        """Address an event; one that the sink can never take becomes a dead letter."""
        event = work.event
        if event is None:
            return []
        size = len(event.body) + HEADER_BYTES
        if size <= limit_bytes:
            return [marked_message(one, work) for one in self._router.messages(event)]
        work.reject(
            Rejected(Reason.TOO_LARGE, f"event: expected at most {limit_bytes} bytes, got {size}")
        )
        return []
