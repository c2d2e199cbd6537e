"""One message as it arrived, and how it ends: one value, decided once.

A listener makes deliveries; the pipeline decides their fate. Settling, the books, dead letters,
shadow mode and replay read the fate and nothing else. It holds what a sender may be told, because a
sender that waits for an answer is told why.
"""

from __future__ import annotations

import msgspec

from consumer.deliveries.origin import Sender
from consumer.errors import Rejected
from consumer.events.normalise import Event


class ShadowMark(msgspec.Struct, frozen=True, gc=False):
    """What would have become of an event that shadow mode forwards all the same.

    Attributes:
        instead: `duplicate` or `conflict`: how the delivery would have ended outside shadow mode.
        token: Random text. It makes the message id unique, so that the sink stores the message
            although it may know the event already.
    """

    instead: str
    token: str


class Forwarded(msgspec.Struct, frozen=True, gc=False):
    """The sink stored the event because of this delivery.

    Attributes:
        event: The event that was stored; its id and subject may be told to the sender.
        shadow: Set where the event was only forwarded because of shadow mode.
    """

    event: Event
    shadow: ShadowMark | None = None


class Duplicate(msgspec.Struct, frozen=True, gc=False):
    """The event was stored already: the store or the sink recognised it.

    Attributes:
        event: The event; its id and subject may be told to the sender.
    """

    event: Event


class Dead(msgspec.Struct, frozen=True, gc=False):
    """The delivery can never become an event; a dead letter keeps it.

    Attributes:
        rejected: The reason, and the exact error: what the dead letter says, and what the sender
            may be told.
    """

    rejected: Rejected


class CopyOf(msgspec.Struct, frozen=True, gc=False):
    """The delivery repeats an earlier delivery of the same batch, and shares its end.

    Attributes:
        first: The earlier delivery. It ends before anything of the batch is settled.
    """

    first: Delivery


Fate = Forwarded | Duplicate | Dead | CopyOf
"""How a delivery ends."""

End = Forwarded | Duplicate | Dead
"""A fate that does not point at another delivery."""


class Delivery(msgspec.Struct, eq=False, gc=False):
    """One message as it arrived, and how it ended.

    Attributes:
        body: The bytes, untouched.
        message_type: The type as the sender wrote it. None: the message carries no type.
        token: What the listener needs to settle this delivery (a tag, an offset). Nobody else
            looks into it.
        sender: Who sent it.
        content_encoding: The encoding as the sender wrote it. None or empty: not encoded.
        redelivered: The source says that it may have delivered this message before.
        fate: How the delivery ended. None while nothing is decided: the source then delivers the
            message again to the next connection. Only `pipeline.batch.Work` sets it, once.
    """

    body: bytes
    message_type: str | None
    token: object
    sender: Sender
    content_encoding: str | None = None
    redelivered: bool = False
    fate: Fate | None = None

    @property
    def end(self) -> End | None:
        """How it ended. A copy of a dead delivery is dead too; any other copy is a duplicate.

        None: nothing is decided yet.
        """
        fate = self.fate
        if not isinstance(fate, CopyOf):
            return fate
        first = fate.first.end
        return first if first is None or isinstance(first, Dead) else Duplicate(first.event)
