"""What travels through a lane: deliveries that were taken in together, each on its way to its fate.

`Work` is the only place that decides a fate, and it refuses to decide twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from consumer.deliveries.delivery import (
    CopyOf,
    Dead,
    Delivery,
    Duplicate,
    Fate,
    Forwarded,
    ShadowMark,
)
from consumer.events.normalise import Event

if TYPE_CHECKING:
    from consumer.errors import Rejected
    from consumer.events.identity import Identity


class Work(msgspec.Struct, eq=False):
    """One delivery on its way to its fate.

    Attributes:
        delivery: The message as it arrived. Its fate is decided by the methods of this class.
        event: What the delivery was decoded to. None: it is not decoded yet, or cannot be.
        shadow: Set where shadow mode forwards the event although it repeats or contradicts an
            earlier delivery.
        in_sink: The sink has stored this event under the identity's own message id, published by
            us or by another process. Copies that shadow mode forwards have another message id, so
            for them this stays False.
        repeated: The sink confirmed only after a publish was repeated. A first copy may have been
            stored by the publish that failed.
    """

    delivery: Delivery
    event: Event | None = None
    shadow: ShadowMark | None = None
    in_sink: bool = False
    repeated: bool = False

    @property
    def undecided_event(self) -> Event | None:
        """The event, if the delivery is an event and only the sink can tell what becomes of it."""
        return self.event if self.delivery.fate is None else None

    def die(self, rejected: Rejected) -> None:
        """End as a dead letter."""
        # A raised exception holds the frames that it passed through, and those hold this work.
        # Such a circle would keep the delivery in memory for ever: the garbage collector does not
        # look into deliveries.
        rejected.__traceback__ = rejected.__cause__ = rejected.__context__ = None
        self._decide(Dead(rejected))

    def repeat(self) -> None:
        """End as a duplicate: the event is stored already."""
        self._decide(Duplicate(self._decoded))

    def join(self, first: Work) -> None:
        """End as a copy of an earlier delivery of the same batch, whatever becomes of that."""
        self._decide(CopyOf(first.delivery))

    def mark(self, shadow: ShadowMark) -> None:
        """Forward the event in spite of what would become of it outside shadow mode."""
        self.shadow = shadow

    def confirm(self, *, new: bool, first_try: bool) -> None:
        """Note that the sink has one of the event's outputs.

        Args:
            new: The sink stored it now, so the delivery ends as forwarded. False: the sink
                recognised it; whether the event is a duplicate shows when all outputs are known.
            first_try: The sink confirmed it at the first publish.
        """
        if self.shadow is None:
            self.in_sink = True
        if not first_try:
            self.repeated = True
        if new and self.delivery.fate is None:
            self._decide(Forwarded(self._decoded, self.shadow))

    @property
    def _decoded(self) -> Event:
        if self.event is None:
            raise TypeError("only an event can end so")  # a bug of ours
        return self.event

    def _decide(self, fate: Fate) -> None:
        if self.delivery.fate is not None:
            raise RuntimeError(f"decided twice: {self.delivery.fate}, then {fate}")  # a bug of ours
        self.delivery.fate = fate


class Batch(msgspec.Struct, eq=False):
    """Deliveries in the source's order.

    Attributes:
        works: One for each delivery.
        arrived_s: When the batch was taken in, in seconds since 1970.
        since_s: The same moment on the monotonic clock, in seconds.
        counted_dead_count: How many of its dead letters the flood guard has counted so far.
    """

    works: list[Work]
    arrived_s: float
    since_s: float
    counted_dead_count: int = 0

    @property
    def in_sink(self) -> list[Identity]:
        """The identities that the sink has, and that the store must now mark as done."""
        return [
            work.event.identity for work in self.works if work.in_sink and work.event is not None
        ]

    def dead(self) -> list[tuple[Delivery, Rejected]]:
        """Return the deliveries that ended as dead letters so far, each with the reason."""
        # Asked for several times for each batch. Most deliveries are open or forwarded, and the
        # first look at the fate tells that more cheaply than `end`.
        return [
            (work.delivery, end.rejected)
            for work in self.works
            if (fate := work.delivery.fate) is not None
            and type(fate) is not Forwarded
            and isinstance(end := work.delivery.end, Dead)
        ]
