"""Runs one listener's lane: three stages that work at the same time, each on one batch, in order.

    take in ──► deliver ──► conclude
    receive     publish     mark done
    decode      dead        settle
    claim       letters

While a batch waits for the sink, the batch behind it is decoded and claimed, and the batch in front
of it is settled. Between two stages one batch may wait, so at most five batches are in memory. If a
stage stays stuck, the places before it fill up. Then the lane asks its source for nothing more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from consumer.errors import ListenerUnavailable
from consumer.pipeline.batch import Work
from consumer.pipeline.settle import settle

if TYPE_CHECKING:
    from consumer.clock import Clock
    from consumer.deliveries.delivery import Delivery
    from consumer.listeners.base import AnyListener
    from consumer.pipeline.batch import Batch
    from consumer.pipeline.steps import Steps

RECEIVE_TIMEOUT_S: Final = 0.2
"""How long an idle lane waits in `receive`. It may notice this much later that it has to end."""


class Lane:
    """What happens to the deliveries of one listener, over all its connections.

    Args:
        steps: The steps that each batch takes.
        clock: The clock for ages and durations.
    """

    def __init__(self, steps: Steps, clock: Clock) -> None:
        self._decoder = steps.decoder
        self._guard = steps.guard
        self._claimer = steps.claimer
        self._deliverer = steps.deliverer
        self._books = steps.books
        self._clock = clock
        self._in_flight: deque[Batch] = deque()
        self._undecoded: list[Work] = []
        """The works that were received with the newest batch and come after it. They are not
        decoded yet, because the decoded events of the batch reach the limit of memory."""
        self._waiting_since_s: float | None = None
        steps.books.watch_age(self.oldest_s)

    def oldest_s(self) -> float:
        """Return the age of the oldest delivery in flight, in seconds; 0 while there is none."""
        if not self._in_flight:
            return 0.0
        return self._clock.monotonic_s() - self._in_flight[0].since_s

    def idle_s(self) -> float:
        """Return for how long the listener has had nothing for the lane, in seconds.

        The answer is 0 while anything is in flight. A source that limits the number of unsettled
        deliveries may then be waiting for us.
        """
        if self._waiting_since_s is None or self._in_flight:
            return 0.0
        return self._clock.monotonic_s() - self._waiting_since_s

    def forget_flood(self) -> None:
        """Count broken deliveries anew. See `FloodGuard.forget`."""
        self._guard.forget()

    def held(self) -> list[Delivery]:
        """Return every delivery that was taken in and is not settled."""
        in_flight = [work.delivery for batch in self._in_flight for work in batch.works]
        return in_flight + [work.delivery for work in self._undecoded]

    async def run(self, listener: AnyListener, halt: asyncio.Event) -> None:
        """Move deliveries of one connection until told to halt; then finish what is in flight.

        Args:
            listener: The listener, open.
            halt: The event that tells the lane to take in nothing new.

        Raises:
            ListenerUnavailable: The connection was lost. What was in flight is stored and marked
                done, but its acknowledgement may be lost. Then the source delivers it again.
            ListenerFlooded: Too many deliveries are broken. What was in flight is finished; the
                last batch that was taken in goes back to its source.

        Cancelling: ends at once; what is in flight stays unsettled.
        """
        to_deliver: asyncio.Queue[Batch | None] = asyncio.Queue(1)
        to_conclude: asyncio.Queue[Batch | None] = asyncio.Queue(1)
        lost: list[ListenerUnavailable] = []
        self._in_flight.clear()
        self._undecoded = []
        self._waiting_since_s = None
        async with asyncio.TaskGroup() as stages:
            stages.create_task(self._deliver_all(listener, to_deliver, to_conclude), name="deliver")
            stages.create_task(self._conclude_all(listener, to_conclude, lost), name="conclude")
            try:
                while not halt.is_set() and not lost:
                    await self._take_in(listener, to_deliver)
            except ListenerUnavailable as error:
                lost.append(error)
            await to_deliver.put(None)
        if lost:
            raise lost[0]

    async def _take_in(
        self, listener: AnyListener, to_deliver: asyncio.Queue[Batch | None]
    ) -> None:
        settings = listener.settings
        if self._waiting_since_s is None or self._in_flight:
            self._waiting_since_s = self._clock.monotonic_s()
        deliveries = await listener.receive(
            settings.max_batch_count, settings.max_batch_bytes, RECEIVE_TIMEOUT_S
        )
        if not deliveries:
            return
        self._waiting_since_s = None
        works = self._undecoded = [Work(delivery) for delivery in deliveries]
        arrived_s, since_s = self._clock.now_s(), self._clock.monotonic_s()
        async for batch in self._decoder.batches(works, arrived_s, since_s, listener.occurrence):
            self._undecoded = self._undecoded[len(batch.works) :]
            self._took("decode", since_s)
            await self._admit(listener, batch)
            await to_deliver.put(batch)
            await asyncio.sleep(0)  # large bodies take long to decode, so other tasks run first

    async def _admit(self, listener: AnyListener, batch: Batch) -> None:
        """Book a decoded batch, and claim its identities."""
        if listener.source_keeps:
            # The guard looks before anything of the batch is booked, because a batch that it
            # refuses goes back to its source. A source that keeps nothing cannot take the batch
            # back, so its batches are never refused.
            self._guard.look(batch)
        self._in_flight.append(batch)
        self._books.took_in(batch)
        started_s = self._clock.monotonic_s()
        await self._claimer.claim(batch)
        self._guard.count_dead(batch)
        self._took("claim", started_s)

    async def _deliver_all(
        self,
        listener: AnyListener,
        to_deliver: asyncio.Queue[Batch | None],
        to_conclude: asyncio.Queue[Batch | None],
    ) -> None:
        while (batch := await to_deliver.get()) is not None:
            started_s = self._clock.monotonic_s()
            await self._deliverer.deliver(batch, listener.origin)
            self._guard.count_dead(batch)
            self._took("publish", started_s)
            await to_conclude.put(batch)
        await to_conclude.put(None)

    async def _conclude_all(
        self,
        listener: AnyListener,
        to_conclude: asyncio.Queue[Batch | None],
        lost: list[ListenerUnavailable],
    ) -> None:
        while (batch := await to_conclude.get()) is not None:
            started_s = self._clock.monotonic_s()
            await self._claimer.mark_done(batch, started_s - batch.since_s)
            marked_s = self._took("mark_done", started_s)
            try:
                await settle(batch, listener)
            except ListenerUnavailable as error:
                # The batch is stored all the same, so it is booked. The source delivers it again.
                lost.append(error)
            self._took("settle", marked_s)
            self._in_flight.popleft()
            self._books.concluded(batch, self._clock.now_s())

    def _took(self, stage: str, since_s: float) -> float:
        now_s = self._clock.monotonic_s()
        self._books.took(stage, now_s - since_s)
        return now_s
