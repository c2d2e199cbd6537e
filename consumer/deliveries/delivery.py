"""Defines a delivery: one message as it arrived, and its fate, which is decided once.

A listener makes deliveries, and the pipeline decides their fate. Settling, the books, dead letters,
shadow mode and replay read only the fate to learn how a delivery ended. The fate holds everything
that a sender may be told, because some senders wait for an answer.
"""

from __future__ import annotations

import msgspec

from consumer.deliveries.origin import Sender
from consumer.errors import Rejected
from consumer.events.normalise import Event


class ShadowMark(msgspec.Struct, frozen=True, gc=False):
    """The mark of an event that is forwarded only because of shadow mode.

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
        shadow: The mark, if the event was forwarded only because of shadow mode; otherwise None.
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
        rejected: The reason and the exact error. The dead letter holds them, and the sender may
            be told them.
    """

    rejected: Rejected


class CopyOf(msgspec.Struct, frozen=True, gc=False):
    """The delivery repeats an earlier delivery of the same batch, and ends as a copy of it.

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
        message_type: The type as the sender wrote it. None means that the message has no type.
        token: What the listener needs to settle this delivery (a tag, an offset). No other code
            looks into it.
        sender: The sender of the message.
        content_encoding: The encoding as the sender wrote it. None or an empty text means that the
            body is not encoded.
        redelivered: If true, the source says that it may have delivered this message before.
        unread: Why the listener cannot read the message. The body is then what the source sent.
            None for nearly all deliveries.
        fate: How the delivery ended. None means that nothing is decided yet. If the connection
            ends before that, the source delivers the message again. Only `pipeline.batch.Work`
            sets the fate, once.
        sequence: The number that the event has among all events of its player: the attribute
            `sequence` of CloudEvents. Empty, as for nearly all deliveries, if it has none.
    """

    body: bytes
    message_type: str | None
    token: object
    sender: Sender
    content_encoding: str | None = None
    redelivered: bool = False
    unread: Rejected | None = None
    fate: Fate | None = None
    sequence: str = ""

    @property
    def end(self) -> End | None:
        """How it ended. A copy of a dead delivery is dead too; any other copy is a duplicate.

        None means that nothing is decided yet.
        """
        fate = self.fate
        if not isinstance(fate, CopyOf):
            return fate
        first = fate.first.end
        return first if first is None or isinstance(first, Dead) else Duplicate(first.event)
