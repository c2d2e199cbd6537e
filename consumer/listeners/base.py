"""The contract of a listener: everything a new broker has to provide, and no more.

A listener object lives for exactly one connection. `supervise.py` makes it, opens it, hands it
to the lane, and after any trouble closes it and makes another; so an acknowledgement can never
reach a connection other than the one its delivery came from, and a listener needs no reconnect
logic: it raises `ListenerUnavailable` and is thrown away.

Order of calls:

    open ─► receive* ─► close
            settle*, keep*, backlog*   between open and close, from other tasks at the same time

`receive` is called by one task at a time, and so are `settle`, `keep` and `backlog`, each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeVar

import msgspec

from consumer.options.values import Bytes, Count, Seconds, Token

if TYPE_CHECKING:
    from collections.abc import Sequence


class Outcome(Enum):
    """What a delivery's source is told. It travels with the delivery."""

    RETRY = "retry"
    """Nothing is stored: the source shall deliver it again."""
    ACK = "ack"
    """The event is stored, or was before."""
    REJECT = "reject"
    """A dead letter is stored: the source shall forget it, and a caller may be told why."""


class Delivery(msgspec.Struct, eq=False, gc=False):
    """One message as it arrived.

    Attributes:
        body: the bytes, untouched.
        message_type: as the sender wrote it; None where the source carries none.
        token: whatever its listener needs to settle it (a tag, an offset); opaque elsewhere.
        content_encoding: as the sender wrote it; None or empty: not encoded.
        redelivered: the source says it may have delivered this before.
        outcome: set by the pipeline; RETRY until something is stored, because giving a delivery
            back is the only safe answer of a pipeline that failed half-way.
    """

    body: bytes
    message_type: str | None
    token: object
    content_encoding: str | None = None
    redelivered: bool = False
    outcome: Outcome = Outcome.RETRY


class Origin(msgspec.Struct, frozen=True):
    """Where a delivery came from, in the source's own words, for its dead letter.

    Attributes:
        coordinates: e.g. `{"queue": "payments", "tag": "17"}` or topic, partition, offset.
        headers: the sender's headers; bytes that are no UTF-8 are shown escaped.
    """

    coordinates: Mapping[str, str]
    headers: Mapping[str, str]


class ListenerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options every kind of listener has.

    Attributes:
        kind: which listener.
        brand: who sends; the top-level `brand` where it is absent.
        validation: `lenient`, or `strict`: what the vendor's own schema refuses is a dead letter.
        max_batch_count: at most so many deliveries travel together.
        max_batch_bytes: a batch is closed when its bodies reach this; one larger body passes.
        max_buffered_bytes: the listener stops reading from its source while it holds more.
        max_decoded_bytes: of one body once its content encoding is undone.
        stall_after_s: messages wait at the source and none arrived for so long: reconnect.
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

    Class attributes:
        kind: the word in the configuration.
        settings_type: its options, a frozen `ListenerSettings` subclass.
        durable: False where the source forgets what it sent (core NATS): at most once.
        keep_every_s: how often `keep` wants to be called for what is held; None: never.
        max_hold_s: a delivery may stay unsettled so long before the source takes it away by
            force; the supervisor closes the connection in time. None: no such limit.
            An instance may set both from its settings.
    """

    kind: ClassVar[str]
    settings_type: ClassVar[type[ListenerSettings]]
    durable: bool = True
    keep_every_s: float | None = None
    max_hold_s: float | None = None

    def __init__(self, name: str, settings: S) -> None:
        """Keep name and settings. No I/O: that is `open`.

        Args:
            name: the listener's name in the configuration, for logs and the broker's tools.
            settings: already checked.
        """
        self.name = name
        self.settings = settings

    @abstractmethod
    async def open(self) -> None:
        """Connect and start the flow of deliveries.

        Raises:
            ListenerUnavailable: away (`reason="lost"`) or refusing us (`reason="refused"`: wrong
                password, missing queue, missing permission); the text says what to do.

        Cancelling: leaves something half open; `close` is called in any case.
        """

    @abstractmethod
    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """Return what has arrived, in the source's order, waiting only when there is nothing.

        The batch grows only from what is there already, so that a single event passes at once.

        Args:
            max_count: at most so many deliveries.
            max_bytes: stop before a body that would go beyond it; the first one always passes.
            timeout_s: how long to wait for the first one, in seconds; empty list afterwards.

        Raises:
            ListenerUnavailable: the connection is gone. What was returned before can no longer
                be settled; the source delivers it again.

        Cancelling: loses nothing, what has arrived is returned by the next call.
        """

    @abstractmethod
    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the source the outcome of each. Every delivery is settled at most once.

        They may come in another order than received, and one call may hold any number. Returns
        when the source has been told as firmly as its protocol allows without a wait per
        delivery: a lost acknowledgement costs one redelivery that the store then recognises.

        Raises:
            ListenerUnavailable: the connection is gone; the source delivers them again.
        """

    async def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the source that these are still being worked on, where it wants to hear that.

        Raises:
            ListenerUnavailable: the connection is gone.
        """

    @abstractmethod
    async def backlog(self) -> int | None:
        """Ask the source how many messages wait for us there, in this very moment.

        It is a question to the broker, never a counter of ours: the stall watchdog uses the
        answer to tell "nothing to do" from "connected but silent". Messages already handed to
        this process do not count. None: the source cannot tell.

        Raises:
            ListenerUnavailable: no answer within a deadline of the listener's own (5 s).
        """

    @abstractmethod
    def origin(self, delivery: Delivery) -> Origin:
        """Describe where a delivery came from. Only called for dead letters, so it may be slow.

        Works after the connection is gone. Never raises for hostile headers.
        """

    @abstractmethod
    async def close(self) -> None:
        """Give back what is not settled, as far as the protocol can, and free everything.

        Ends within 5 s whatever state the connection is in, also after a failed `open`, and
        raises nothing for a connection that is broken already. May be called twice.
        """
