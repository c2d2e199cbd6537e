"""States the contract of a listener: everything a new broker has to provide, and no more.

A listener object lives for exactly one connection. `lanes/supervise.py` makes it, opens it, and
hands it to the lane. After any trouble it closes the listener and makes another. So an
acknowledgement can never reach another connection than the one from which its delivery came. And a
listener never connects again: it raises `ListenerUnavailable` and is thrown away.

Order of calls:

    open ─► receive* ─► close
            settle*, keep*, backlog*   between open and close, from other tasks at the same time

Each of `receive`, `settle`, `keep` and `backlog` is called by one task at a time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeVar

import msgspec

from consumer.deliveries.origin import Sender
from consumer.options.values import Bytes, Count, Seconds, Token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Origin
    from consumer.operations.caveat import Caveat


class ListenerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options that every kind of listener has.

    Attributes:
        kind: Which kind of listener it is.
        brand: Who sends to this listener. If absent, the top-level `brand`.
        validation: `lenient`, or `strict`, which makes a dead letter of everything that the
            vendor's own schema refuses.
        max_batch_count: The largest number of deliveries that travel together.
        max_batch_bytes: The largest number of bytes that their bodies have together. A single body
            that is larger travels alone.
        max_buffered_bytes: While the listener holds more bytes than this, it stops reading from
            its source.
        max_decoded_bytes: The largest size of a body after its content encoding is undone, in
            bytes. A larger body becomes a dead letter.
        stall_after_s: If messages wait at the source and none arrives for this time, in seconds,
            the listener is made anew.
    """

    kind: str
    brand: Token | None = None
    validation: Literal["lenient", "strict"] = "lenient"
    max_batch_count: Count = 500
    max_batch_bytes: Bytes = 4 * 1024 * 1024
    max_buffered_bytes: Bytes = 16 * 1024 * 1024
    max_decoded_bytes: Bytes = 16 * 1024 * 1024
    stall_after_s: Seconds = 15.0


S = TypeVar("S", bound=ListenerSettings)


class Listener(ABC, Generic[S]):
    """Takes deliveries from one source, over one connection.

    Class attributes, which an instance may set from its settings:
        kind: The word in the configuration.
        settings_type: The options, a frozen subclass of `ListenerSettings`.
        source_keeps: The source keeps what is not settled, and delivers it again. False (core
            NATS, HTTP): a delivery that is let go of is lost, unless its sender sends it again.
        answer_within_s: How long a sender waits for the answer to its delivery, in seconds. Such a
            sender can be refused, and is told why. None: nobody waits for an answer.
        keep_every_s: How often `keep` wants to be called for the deliveries that are held, in
            seconds. None: never.
        max_hold_s: How long a delivery may stay unsettled before the source takes it away by
            force, in seconds; the supervisor closes the connection in time. None: for ever.

    Attributes:
        sender: Who sends what arrives here, where the source does not tell senders apart.
        caveats: What `open` found that works and may still surprise.
    """

    kind: ClassVar[str]
    settings_type: ClassVar[type[ListenerSettings]]
    source_keeps: bool = True
    answer_within_s: float | None = None
    keep_every_s: float | None = None
    max_hold_s: float | None = None

    def __init__(self, name: str, settings: S) -> None:
        """Keep the name and the settings. Does no I/O; `open` does.

        Args:
            name: The listener's name in the configuration, for logs and the broker's tools.
            settings: The options, which were checked already.
        """
        self.name = name
        self.settings = settings
        self.sender = Sender(settings.brand or "")
        self.caveats: list[Caveat] = []

    @abstractmethod
    async def open(self) -> None:
        """Connect and start the flow of deliveries.

        Raises:
            ListenerUnavailable: The source is away (`reason="lost"`), or refuses us
                (`reason="refused"`: wrong password, missing queue, missing permission). The text
                says what to do.

        Cancelling: may leave something half open. `close` is called in any case.
        """

    @abstractmethod
    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """Return what has arrived, in the source's order; wait only while there is nothing.

        The batch is made of what is there already, so that a single event passes at once. Where a
        sender waits for its answer, a delivery whose sender has given up is not returned: the
        sender will send it again, and work for it would make the others wait.

        Args:
            max_count: The largest number of deliveries to return.
            max_bytes: The largest number of bytes that their bodies may have together. The first
                delivery is returned whatever its size.
            timeout_s: How long to wait for the first delivery, in seconds. The list is empty when
                none arrived.

        Raises:
            ListenerUnavailable: The connection is gone. What was returned before can no longer
                be settled; the source delivers it again.

        Cancelling: loses nothing; the next call returns what has arrived.
        """

    @abstractmethod
    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the source, or the sender that waits, how each delivery ended.

        Every delivery has its fate: its event or its dead letter is stored. Each is settled at
        most once. They may come in another order than they were received, and one call may hold
        any number of them. The call returns when the source has been told as firmly as its
        protocol allows without a wait for each delivery: a lost acknowledgement costs one
        redelivery, which the store then recognises.

        Raises:
            ListenerUnavailable: The connection is gone; the source delivers them again.
        """

    async def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the source that these deliveries are still worked on, if it wants to hear that.

        Raises:
            ListenerUnavailable: The connection is gone.
        """

    @abstractmethod
    async def backlog(self) -> int | None:
        """Ask the source how many messages wait for us there at this moment.

        The answer comes from the broker, never from a counter of ours: the supervisor tells by it
        whether there is nothing to do, or whether the connection only looks alive. Messages that
        were handed to this process already do not count. None: the source cannot tell.

        Raises:
            ListenerUnavailable: There was no answer within a deadline of the listener's own (5 s).
        """

    @abstractmethod
    def origin(self, delivery: Delivery) -> Origin:
        """Describe where a delivery came from. Called for dead letters only, so it may be slow.

        It works also after the connection is gone, and raises for no header, however hostile.
        """

    def occurrence(self, delivery: Delivery) -> str:  # noqa: ARG002  # a source that cannot tell
        """Tell the message of a delivery from every other message of the source.

        The text is the same whenever the source delivers this message again, also over another
        connection. Only asked for events whose content alone does not identify them (GAME without
        a time), so it may be slow. Never raises for hostile headers.

        Returns:
            The text. Empty, by default: the source cannot tell its messages apart.
        """
        return ""

    @abstractmethod
    async def close(self) -> None:
        """Give back what is not settled, as far as the protocol can, and free everything.

        Ends within 5 s, whatever state the connection is in, also after an `open` that failed.
        Raises nothing for a connection that is broken already. May be called twice.
        """
