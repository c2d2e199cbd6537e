"""Fourth step: publish events and dead letters, and wait until every message is confirmed.

A publish that failed is repeated here, inside the process, until it succeeds. Giving the delivery
back to its source would make a loop of redeliveries. Events keep the order of the source unless one
of them had to be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.pipeline.mode import marked_message
from consumer.pipeline.route import refuse, refuse_too_large
from consumer.sinks.publish import publish_all
from consumer.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.dead_letters.record import Letter, LetterOf
    from consumer.dead_letters.stream import DeadLetters
    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Origin
    from consumer.events.normalise import Event
    from consumer.parts.patience import Patience
    from consumer.pipeline.batch import Batch, Work
    from consumer.pipeline.mode import Mode
    from consumer.pipeline.route import Router
    from consumer.sinks.base import Message, Receipt, Sink


class Deliverer:
    """Stores one lane's events in the sink, and its dead letters.

    Args:
        sink: The sink that stores the events.
        dead_letters: The stream that stores the letters.
        router: Makes the messages of an event.
        mode: Decides about an event that only the sink recognised.
        patience: Waits while the sink or the dead letters are away.
        letter_of: Writes the letter of a delivery.
    """

    def __init__(  # everything that is needed to deliver a batch
        self,
        sink: Sink,
        dead_letters: DeadLetters,
        router: Router,
        mode: Mode,
        patience: Patience,
        letter_of: LetterOf,
    ) -> None:
        self._sink = sink
        self._dead_letters = dead_letters
        self._router = router
        self._mode = mode
        self._patience = patience
        self._letter_of = letter_of

    async def deliver(self, batch: Batch, origin: Callable[[Delivery], Origin]) -> list[int]:
        """Store every undecided event and every dead letter of a batch.

        Args:
            batch: The batch, claimed and judged.
            origin: Describes where a delivery came from.

        Returns only when all of them are confirmed. Then every delivery has its fate.
        Cancelling: some of them may be stored.

        Returns:
            The numbers of the dead letters in their stream, in the order of `Batch.dead`.
        """
        recognised = await self._publish(batch.works)
        for work in recognised:
            self._mode.repeated(work)
        # Shadow mode has marked them instead of dropping them: they are published once more.
        for work in await self._publish(recognised):
            self._mode.repeated(work)
        letters: list[Letter] = []
        turn = Turn()
        for delivery, rejected in batch.dead():
            letters.append(self._letter_of(delivery, rejected, origin(delivery), batch.arrived_s))
            await turn.give_way()
        return await self._dead_letters.store(letters, self._patience) if letters else []

    async def _publish(self, works: list[Work]) -> list[Work]:
        """Publish the undecided events. Return those of which the sink had every output before."""
        owners: list[Work] = []
        messages: list[Message] = []
        limit_bytes = self._sink.max_message_bytes
        for work in works:
            event = work.undecided_event
            if event is None:
                continue
            for message in self._addressed(work, event, limit_bytes):
                owners.append(work)
                messages.append(message)
        if not messages:
            return []
        outcomes = await publish_all(
            self._sink, messages, self._patience, "publish", limit_bytes=limit_bytes
        )
        # Nothing is decided before the sink has all outputs of every event. After a crash before
        # this point, the event comes again, and the sink recognises the outputs that it has.
        for work, (receipt, first_try) in self._without_larger(owners, messages, outcomes):
            new = not receipt.earlier_number or not first_try
            work.confirm(new=new, first_try=first_try)
        return [work for work in works if work.undecided_event is not None]

    def _without_larger(
        self,
        owners: list[Work],
        messages: list[Message],
        outcomes: list[tuple[Receipt, bool] | None],
    ) -> list[tuple[Work, tuple[Receipt, bool]]]:
        """End the events that have become too large, and return the receipts of the others."""
        ended: set[int] = set()
        for work, message, outcome in zip(owners, messages, outcomes, strict=True):
            if outcome is None and id(work) not in ended:
                refuse(work, message.size_bytes, self._sink.max_message_bytes)
                ended.add(id(work))
        pairs = zip(owners, outcomes, strict=True)
        return [
            (work, outcome)
            for work, outcome in pairs
            if outcome is not None and id(work) not in ended
        ]

    def _addressed(self, work: Work, event: Event, limit_bytes: int) -> list[Message]:
        """Make the messages of an event. An event that is too large becomes a dead letter."""
        # The size was compared before the claim, but the sink may have another limit since.
        if refuse_too_large(work, event, limit_bytes):
            return []
        return [marked_message(message, work) for message in self._router.messages(event)]
