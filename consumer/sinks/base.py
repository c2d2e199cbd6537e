"""States the contract of a sink, which stores events and dead letters.

A sink object lives as long as the process, while its connection may come and go.
`parts/keep_open.py` opens it again whenever `wait_lost` returns. Meanwhile `publish` answers
`SinkUnavailable`, and the lanes hold what they have.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import msgspec

from consumer.nats.connection import NatsSettings
from consumer.options.values import Bytes, Count, OptionalToken, Seconds, Token
from consumer.parts.base import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.errors import SinkUnavailable


class SinkSettings(NatsSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[sink]`. It also has the options of a NATS connection.

    Attributes:
        kind: `jetstream`, or `core`, which delivers an event at most once, for subscribers that
            want the newest event or none.
        stream: The name of the stream. `core` has no stream.
        create_stream: If true, the stream is created if it is missing, and subjects that it lacks
            are added. If false, the stream is only checked.
        max_age_s: The age at which a stream that we create deletes an event, in seconds.
        max_bytes: The size at which a stream that we create deletes its oldest events, in bytes. If
            it is absent, there is no limit.
        replicas: The number of servers that keep a stream that we create.
        duplicate_window_s: How long the server recognises a message id, in seconds. Each event in
            this time takes about 215 bytes of the server's memory.
        subject_prefix: The first token of all subjects. If it is empty, there is no prefix.
        publish_timeout_s: How long a confirmation may take, in seconds.
    """

    kind: Literal["jetstream", "core"] = "jetstream"
    stream: Token = "EVENTS"
    create_stream: bool = True
    max_age_s: Seconds = 604_800.0
    max_bytes: Bytes | None = None
    replicas: Count = 1
    duplicate_window_s: Seconds = 600.0
    subject_prefix: OptionalToken = ""
    publish_timeout_s: Seconds = 5.0


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """The sink's confirmation that it has a message.

    Attributes:
        earlier_number: The number of the message that the sink stored earlier under the same id.
            This counts as stored, although somebody may have deleted that message since. 0 means
            that the sink stored the message now.
        number: The number of the message that the sink stored now. 0 means that the sink did not
            store it now, or does not tell the number: only the sink of the dead letters does.
    """

    STORED: ClassVar[Receipt]
    """The receipt of every message that is stored now. So an ordinary message makes no object."""

    earlier_number: int = 0
    number: int = 0


Receipt.STORED = Receipt()


_OTHER_HEADER_BYTES: Final = 32
"""The bytes of the first and the last line of the headers, and of the name `Nats-Msg-Id`."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message for the sink. Its subject, id and headers are known to be ASCII.

    Attributes:
        subject: The whole subject, with its prefix.
        body: The bytes. With the headers, they are at most the sink's `max_message_bytes`.
        message_id: The id by which the sink itself recognises a copy.
        headers: All headers except `Nats-Msg-Id`, which is made from `message_id`.
    """

    subject: str
    body: bytes
    message_id: str
    headers: Mapping[str, str]

    @property
    def size_bytes(self) -> int:
        """An upper bound for the size of body and headers together, as the server counts them."""
        headers = sum(len(name) + len(text) + 4 for name, text in self.headers.items())
        return len(self.body) + headers + len(self.message_id) + _OTHER_HEADER_BYTES


class Sink(Part):
    """Stores messages, and confirms that it has stored them."""

    deduplicates: bool = True
    """If true, the sink recognises a copy. If false, it passes a copy on again, and stores nothing
    (core NATS: at most once)."""

    @property
    @abstractmethod
    def max_message_bytes(self) -> int:
        """The largest size of body and headers together, in bytes. 0 before the first `open`."""

    @abstractmethod
    async def wait_lost(self) -> str:
        """Return the reason once the connection is gone, or at once if there is no connection."""

    @abstractmethod
    async def publish(self, messages: Sequence[Message]) -> list[Receipt | SinkUnavailable]:
        """Send all messages in order, then wait for all confirmations, with a deadline.

        Several lanes may call it at the same time. It never raises because of a message: each
        message has an answer of its own, in order. `SinkUnavailable` leaves open whether the
        message is stored; the caller sends it again under the same id.

        Cancelling: what was sent may be stored.
        """

    @abstractmethod
    async def keeps(self, number: int, message_id: str) -> bool:
        """Tell whether a message that was stored is still there.

        Args:
            number: The number of the message, as `Receipt.earlier_number` has it.
            message_id: The id under which it was stored. Another message with this number does not
                count.

        Raises:
            SinkUnavailable: There was no answer.
        """
