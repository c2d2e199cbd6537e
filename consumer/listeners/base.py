"""States the contract of a listener: everything that the code for a new broker has to provide.

A listener object lives for exactly one connection. `lanes/supervise.py` makes it, opens it, and
hands it to the lane. After any trouble the supervisor closes the listener and makes another. So an
acknowledgement can only go to the connection from which its delivery came. A listener never
connects again: it raises `ListenerUnavailable` and is thrown away.

Order of calls:

    open ─► receive* ─► close
            settle*, keep*, backlog*   between open and close, from other tasks at the same time
    look ─► close                      for people who ask whether `open` would work

Each of `receive`, `settle`, `keep` and `backlog` is called by one task at a time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

import msgspec

from consumer.deliveries.origin import Sender
from consumer.operations.caveat import Caveat
from consumer.options.values import Bytes, Count, Seconds, Text, Token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Origin


class PassedOver:
    """The messages that a connection has not delivered, and never will.

    Attributes:
        lost_count: The number of messages that the source has lost before we could read them.
        empty_count: The number of messages that only delete an older one: Kafka's tombstones.
    """

    def __init__(self) -> None:
        self.lost_count = 0
        self.empty_count = 0

    def take(self) -> tuple[int, int]:
        """Return both numbers, and begin again at 0."""
        taken = self.lost_count, self.empty_count
        self.lost_count = self.empty_count = 0
        return taken


class ListenerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options that every kind of listener has.

    Attributes:
        kind: The kind of the listener.
        brand: The brand that sends to this listener. If absent, the top-level `brand` is used.
        validation: `lenient` or `strict`. With `strict`, every message that the vendor's own schema
            refuses becomes a dead letter.
        types: The message types that the listener takes. A message of another type becomes a dead
            letter. If absent, the listener takes every type.
        max_batch_count: The largest number of deliveries in a batch.
        max_batch_bytes: The largest size of all bodies of a batch together, in bytes. A larger body
            is a batch of its own.
        max_buffered_bytes: The size of the deliveries that the listener holds, in bytes. While they
            are larger, the listener stops reading from its source. A core NATS subscription drops
            messages instead.
        max_decoded_bytes: The largest size of a body after its content encoding is undone, in
            bytes. A larger body becomes a dead letter. If absent, it is twice the size of the
            largest message that the sink takes.
        unwrap: The field of a body that holds the event, as an object or as JSON in text. If
            absent, the body itself is the event.
        stall_after_s: The longest time in which no message arrives although messages wait at the
            source, in seconds. After this time the supervisor makes a new listener.
    """

    kind: str
    brand: Token | None = None
    validation: Literal["lenient", "strict"] = "lenient"
    types: tuple[Text, ...] | None = None
    max_batch_count: Count = 500
    max_batch_bytes: Bytes = 4 * 1024 * 1024
    max_buffered_bytes: Bytes = 16 * 1024 * 1024
    max_decoded_bytes: Bytes | None = None
    unwrap: Text | None = None
    stall_after_s: Seconds = 15.0


S = TypeVar("S", bound=ListenerSettings)


class Listener(ABC, Generic[S]):
    """Takes deliveries from one source, over one connection.

    Class attributes, which an instance may set from its settings:
        kind: The word for this kind of listener in the configuration.
        settings_type: The class of the options, a frozen subclass of `ListenerSettings`.
        source_keeps: If true, the source keeps every delivery that is not settled, and delivers it
            again. If false (core NATS, HTTP), a delivery that is not settled is lost, unless its
            sender sends it again.
        answer_within_s: The time for which a sender waits for the answer to its delivery, in
            seconds. A sender that waits can be refused, and is told why. None means that nobody
            waits for an answer.
        keep_every_s: The pause between two calls of `keep`, in seconds. None means that `keep` is
            not called.
        max_hold_s: The longest time for which a delivery may stay unsettled, in seconds. After this
            time the supervisor closes the connection, before the source takes the delivery away by
            force. None means that there is no limit.

    Attributes:
        sender: The sender of all deliveries, where the source does not tell senders apart.
        caveats: The things that `open` or `look` found and that work, but may surprise the
            operator.
        passed_over: What this connection has not delivered, and never will.
        complaint: What does not work although the connection does, as found by the last call of
            `backlog`, and what to do about it. Empty if everything works.
        withheld: Why the messages that `backlog` has counted may rightly stay where they are, as
            found by the last call. None if this connection should get them.
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
            settings: The checked options.
        """
        self.name = name
        self.settings = settings
        self.sender = Sender(settings.brand or "")
        self.caveats: list[Caveat] = []
        self.passed_over = PassedOver()
        self.complaint = ""
        self.withheld: str | None = None

    @abstractmethod
    async def open(self) -> None:
        """Connect and start the flow of deliveries.

        Raises:
            ListenerUnavailable: The source is away (`reason="lost"`), or refuses us
                (`reason="refused"`: wrong password, missing queue, missing permission). The text
                says what to do.

        Cancelling: the connection may stay half open. The supervisor calls `close` in any case.
        """

    async def look(self) -> str:
        """Ask the source whether `open` would work, and change nothing there.

        It is called in place of `open`, and `close` follows. Nothing is created, no group is
        joined, and no message is delivered, so it may be called beside a live system. By default
        nothing is asked, and a caveat says so: `open` is then the only way to know.

        Returns:
            What was found, in a few words. Empty if there is nothing to tell.

        Raises:
            ListenerUnavailable: `open` would not work. The text says what to do.

        Cancelling: the connection may stay half open. The caller calls `close` in any case.
        """
        why = {"why": f"a listener of kind {self.kind} can only be opened", "try": "--open"}
        self.caveats.append(Caveat("listener was not looked at", why))
        return ""

    @abstractmethod
    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """Return the deliveries that have arrived, in the source's order.

        The call only waits while no delivery is there, so that a single event passes at once. Where
        a sender waits for its answer, a delivery whose sender has given up is not returned: the
        sender will send the delivery again, and work for it would make the other senders wait.

        Args:
            max_count: The largest number of deliveries to return.
            max_bytes: The largest size of all their bodies together, in bytes. The first delivery
                is returned whatever its size.
            timeout_s: The time to wait for the first delivery, in seconds. If no delivery arrives
                in this time, the list is empty.

        Raises:
            ListenerUnavailable: The connection is gone. The deliveries of earlier calls can no
                longer be settled; the source delivers them again.

        Cancelling: no delivery is lost; the next call returns the deliveries that have arrived.
        """

    @abstractmethod
    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the source, or the sender that waits, how each delivery ended.

        Every delivery has its fate: its event or its dead letter is stored. Each delivery is
        settled at most once. Deliveries may be settled in another order than they were received,
        and one call may settle any number of them. The call tells the source as surely as the
        protocol allows without a wait for each delivery. A lost acknowledgement only causes one
        redelivery, which the store recognises.

        Raises:
            ListenerUnavailable: The connection is gone; the source delivers the deliveries again.
        """

    async def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the source that these deliveries are still in work. By default, nothing is done.

        Raises:
            ListenerUnavailable: The connection is gone.
        """

    @abstractmethod
    async def backlog(self) -> int | None:
        """Ask the source how many messages wait for us there at this moment.

        The answer comes from the broker, never from a counter of ours. With the answer the
        supervisor can tell a source without messages from a connection that only looks alive.

        Returns:
            The number of messages that were not sent to this process yet. None if the source cannot
            tell.

        Raises:
            ListenerUnavailable: The source did not answer within the listener's deadline of 5 s.
        """

    @abstractmethod
    def origin(self, delivery: Delivery) -> Origin:
        """Describe where a delivery came from.

        It is called for dead letters only, so it may be slow. It also works after the connection is
        gone, and it raises no error, whatever the headers hold.
        """

    def occurrence(self, delivery: Delivery) -> str:  # noqa: ARG002  # a source that cannot tell
        """Return a text that identifies the message of a delivery among all messages of the source.

        The text is the same whenever the source delivers this message again, also over another
        connection. It is asked for only if the content of an event does not identify the event
        (GAME without a time), so it may be slow. It raises no error, whatever the headers hold.

        Returns:
            The text. Empty, which is the default, if the source cannot tell its messages apart.
        """
        return ""

    @abstractmethod
    async def close(self) -> None:
        """Give back the deliveries that are not settled, if the protocol can, and free everything.

        The call ends within 5 s, whatever state the connection is in, also after an `open` that
        failed. It raises no error for a connection that is broken already. It may be called twice.
        """


AnyListener = Listener[Any]
"""A listener of any kind."""
ListenerClass = type[AnyListener]
"""The class of a kind of listener."""
