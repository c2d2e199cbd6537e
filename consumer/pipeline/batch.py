"""Defines a batch: deliveries that were taken in together, and what is known of each of them.

Only the methods of `Work` decide the fate of a delivery. They refuse to decide it twice.
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
    """One delivery, and what the steps have found out about it.

    Attributes:
        delivery: The message as it arrived. The methods of this class decide its fate.
        event: The event that the delivery was decoded to. None means that the delivery is not
            decoded yet, or cannot be decoded.
        shadow: The mark with which shadow mode forwards an event that repeats or contradicts an
            earlier delivery. None means that the event has no mark.
        in_sink: If true, the sink has the event under the identity's own message id. This process
            or another process has published it. Copies that shadow mode forwards have other
            message ids, so they do not set this field.
        repeated: If true, the sink confirmed the event only after a publish was repeated. The
            publish that failed may have stored a first copy.
    """

    delivery: Delivery
    event: Event | None = None
    shadow: ShadowMark | None = None
    in_sink: bool = False
    repeated: bool = False

    @property
    def undecided_event(self) -> Event | None:
        """The event of a delivery that has no fate yet. None if there is no such event."""
        return self.event if self.delivery.fate is None else None

    def die(self, rejected: Rejected) -> None:
        """End as a dead letter."""
        # A raised exception holds the frames that it passed through, and these frames hold this
        # work. Such a circle would keep the delivery in memory for ever, because the garbage
        # collector does not look into deliveries.
        rejected.__traceback__ = rejected.__cause__ = rejected.__context__ = None
        self._decide(Dead(rejected))

    def repeat(self) -> None:
        """End as a duplicate: the event is stored already."""
        self._decide(Duplicate(self._decoded))

    def join(self, first: Work) -> None:
        """End as a copy of an earlier delivery of the same batch, and share its end."""
        self._decide(CopyOf(first.delivery))

    def mark(self, shadow: ShadowMark) -> None:
        """Mark the event, so that it is forwarded although it would be dropped otherwise."""
        self.shadow = shadow

    def confirm(self, *, new: bool, first_try: bool) -> None:
        """Note that the sink has one of the event's outputs.

        Args:
            new: If true, the sink stored the output now, so the delivery ends as forwarded. If
                false, the sink already had the output. The event is a duplicate only if the sink
                already had all of its outputs.
            first_try: If true, the sink confirmed the output at the first publish.
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
            raise TypeError("only an event can end in this way")  # a bug of ours
        return self.event

    def _decide(self, fate: Fate) -> None:
        if self.delivery.fate is not None:
            raise RuntimeError(f"decided twice: {self.delivery.fate}, then {fate}")  # a bug of ours
        self.delivery.fate = fate


class Batch(msgspec.Struct, eq=False):
    """Deliveries in the source's order.

    Attributes:
        works: The works, one for each delivery.
        arrived_s: The time at which the batch was taken in, in seconds since 1970.
        since_s: The same moment on the monotonic clock, in seconds.
        counted_dead_count: The number of its dead letters that the flood guard has counted.
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
        # This method is called several times for each batch. Most deliveries are undecided or
        # forwarded, and a look at the fate finds them more cheaply than `end`.
        return [
            (work.delivery, end.rejected)
            for work in self.works
            if (fate := work.delivery.fate) is not None
            and type(fate) is not Forwarded
            and isinstance(end := work.delivery.end, Dead)
        ]
