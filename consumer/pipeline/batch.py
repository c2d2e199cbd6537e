"""What travels through a lane: deliveries that were taken in together, and what became of each."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from consumer.errors import Rejected
from consumer.events.normalise import Event
from consumer.listeners.base import Delivery

if TYPE_CHECKING:
    from consumer.events.identity import Identity


class Verdict(Enum):
    """How a delivery ended; each ends in exactly one, which is how the books balance."""

    FORWARDED = "forwarded"
    DUPLICATE = "duplicate"
    DEAD = "dead"


class Mark(msgspec.Struct, frozen=True):
    """What would have become of an event that shadow mode forwards all the same.

    Attributes:
        kind: `duplicate` or `conflict`.
        token: makes its message id one of its own.
    """

    kind: str
    token: str


class Work(msgspec.Struct, eq=False):
    """One delivery on its way.

    Attributes:
        delivery: as it arrived.
        event: what it was decoded to; None: it could not be.
        rejected: why it becomes a dead letter; None: it does not.
        verdict: None until sink or store has decided.
        confirmed: the sink has it, whoever published it; never for one that was marked by then.
        mark: shadow mode forwards it although it is no first one; None: it is.
        copy_of: an earlier delivery of this batch with the same identity and content.
    """

    delivery: Delivery
    event: Event | None = None
    rejected: Rejected | None = None
    verdict: Verdict | None = None
    copy_of: Work | None = None
    confirmed: bool = False
    repeated: bool = False
    mark: Mark | None = None

    @property
    def undecided(self) -> bool:
        """It is an event, and only the sink can tell what becomes of it."""
        return self.verdict is None and self.event is not None and self.copy_of is None

    def reject(self, rejected: Rejected) -> None:
        """Make it a dead letter."""
        self.rejected = rejected
        self.verdict = Verdict.DEAD


class Batch(msgspec.Struct, eq=False):
    """Deliveries in the source's order.

    Attributes:
        works: one for each delivery.
        arrived_s: when it was taken in, seconds since 1970.
        since_s: the same on the monotonic clock.
        dead_count: of its works, so many are counted as dead letters by the flood guard.
        shadow: nothing of it is dropped, what would have been is marked.
    """

    works: list[Work]
    arrived_s: float
    since_s: float
    dead_count: int = 0
    shadow: bool = False

    @property
    def confirmed(self) -> list[Identity]:
        """Identities that the sink has, and that the store does not know to be done yet."""
        return [
            work.event.identity for work in self.works if work.confirmed and work.event is not None
        ]
