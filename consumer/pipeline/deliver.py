"""Fourth step: publish, and wait until the sink has confirmed every single one.

A publish that failed is repeated until it succeeds, here, inside the process: giving it back to
the source would be a loop of redeliveries. Events keep the order of the source unless one of them
had to be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.dead_letters.record import Letter
from consumer.errors import Reason, Rejected
from consumer.events.timestamp import from_epoch_s
from consumer.pipeline.batch import Verdict
from consumer.pipeline.dedupe import conclude_copies
from consumer.pipeline.publish import publish_all
from consumer.pipeline.route import HEADER_BYTES
from consumer.pipeline.shadow import forward_all, marked_message
from consumer.sinks.base import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.dead_letters.stream import DeadLetters
    from consumer.listeners.base import Delivery, Origin
    from consumer.pipeline.batch import Batch, Work
    from consumer.pipeline.patience import Patience
    from consumer.pipeline.route import Router
    from consumer.sinks.base import Message, Sink


class Deliverer:
    """One lane's way to the sink and to the dead letters.

    Args:
        listener: the lane's name, for dead letters.
        brand: who sends, for dead letters.
    """

    def __init__(
        self,
        sink: Sink,
        dead_letters: DeadLetters,
        router: Router,
        patience: Patience,
        *,
        listener: str,
        brand: str,
    ) -> None:
        self._sink = sink
        self._dead_letters = dead_letters
        self._router = router
        self._patience = patience
        self._listener = listener
        self._brand = brand

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
            self._letter(work, work.rejected, origin(work.delivery), batch.arrived_s)
            for work in batch.works
            if work.rejected is not None
        ]
        if letters:
            await self._dead_letters.store(letters, self._patience)

    async def _forward(self, works: list[Work]) -> None:
        fitting: list[Work] = []
        messages: list[Message] = []
        for work in works:
            message = self._message(work)
            if message is not None:
                fitting.append(work)
                messages.append(message)
        receipts = await publish_all(self._sink, messages, self._patience, "publish")
        for work, (receipt, first_try) in zip(fitting, receipts, strict=True):
            # A marked one may differ from the first, whose fingerprint has to stay.
            work.confirmed = work.confirmed or work.mark is None
            twice = receipt is Receipt.DUPLICATE and first_try
            work.verdict = Verdict.DUPLICATE if twice else Verdict.FORWARDED

    def _message(self, work: Work) -> Message | None:
        """Address an event; one that the sink can never take becomes a dead letter."""
        if work.event is None:
            return None
        message = marked_message(self._router.message(work.event), work)
        size, limit = len(message.body) + HEADER_BYTES, self._sink.max_message_bytes
        if size <= limit:
            return message
        work.reject(
            Rejected(Reason.TOO_LARGE, f"event: expected at most {limit} bytes, got {size}")
        )
        return None

    def _letter(self, work: Work, rejected: Rejected, origin: Origin, arrived_s: float) -> Letter:
        return Letter(
            reason=rejected.reason,
            error=rejected.detail,
            listener=self._listener,
            brand=self._brand,
            message_type=work.delivery.message_type or "",
            content_encoding=work.delivery.content_encoding or "",
            coordinates=dict(origin.coordinates),
            headers=dict(origin.headers),
            arrived=from_epoch_s(arrived_s),
            body=work.delivery.body,
        )
