"""Knows how far a durable consumer has come, and what its stream lost before it was read.

The server deletes the oldest messages at the limits of a stream, whether they were read or not, and
says nothing. Consumers may be deleted, and streams made anew. A look every few seconds shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from consumer.nats.subjects import covers

if TYPE_CHECKING:
    from datetime import datetime

    from nats.js.api import ConsumerInfo, StreamInfo


class Look(NamedTuple):
    """Two answers of the server: first about a stream, and shortly after about its consumer.

    Attributes:
        stream_made: When the stream was made.
        first_sequence: The sequence of the stream's first message. If the stream is empty, the
            sequence of its next message.
        last_sequence: The sequence of its last message.
        consumer_made: When the consumer was made.
        delivered_sequence: The sequence of the last message that was delivered for the first time.
        deliveries_count: The number of all deliveries, repeated ones included.
        settled_sequence: The sequence up to which all messages are settled.
        pending_count: The number of messages that were not delivered yet.
        unsettled_count: The number of messages that were not settled, delivered or not.
        whole: If true, the listener's subject covers everything that the stream stores.
    """

    stream_made: datetime | None
    first_sequence: int
    last_sequence: int
    consumer_made: datetime
    delivered_sequence: int
    deliveries_count: int
    settled_sequence: int
    pending_count: int
    unsettled_count: int
    whole: bool

    @classmethod
    def at(cls, stream: StreamInfo, consumer: ConsumerInfo, subject: str) -> Self:
        """Make a look of the server's answers."""
        copies = stream.config.mirror is not None or bool(stream.config.sources)
        # A stream that copies other streams has messages with subjects of theirs.
        subjects = (not copies and stream.config.subjects) or [">"]
        delivered, floor = consumer.delivered, consumer.ack_floor
        return cls(
            stream_made=stream.created,
            first_sequence=stream.state.first_seq,
            last_sequence=stream.state.last_seq,
            consumer_made=consumer.created,
            delivered_sequence=delivered.stream_seq if delivered else 0,
            deliveries_count=delivered.consumer_seq if delivered else 0,
            settled_sequence=floor.stream_seq if floor else 0,
            pending_count=consumer.num_pending or 0,
            unsettled_count=(consumer.num_pending or 0) + (consumer.num_ack_pending or 0),
            whole=all(covers(subject, each) for each in subjects),
        )

    @property
    def passed_sequence(self) -> int:
        """The sequence up to which no message can be delivered for the first time any more."""
        return max(self.delivered_sequence, self.first_sequence - 1)


class _Waiting(NamedTuple):
    """The messages that waited at a look.

    Attributes:
        messages_count: Their number.
        deliveries_count: The number of deliveries at the look.
        last_sequence: The stream's last sequence at the look after it. 0 before that look.
    """

    messages_count: int
    deliveries_count: int
    last_sequence: int = 0


class DurableProgress:
    """The progress of one durable consumer, as the looks of this process have shown it.

    Attributes:
        seen: The last look. None if there was none.
        jumped_count: If the last look found a consumer that somebody had made anew further on, the
            number of messages between. Nobody knows how many of them were delivered before.
    """

    _known: ClassVar[dict[tuple[str, ...], DurableProgress]] = {}

    def __init__(self) -> None:
        self.seen: Look | None = None
        self.jumped_count = 0
        self._waiting: _Waiting | None = None

    @classmethod
    def of(cls, *names: str) -> DurableProgress:
        """Return what is known of one durable consumer.

        The class keeps it, because a listener lives for one connection only.

        Args:
            names: What tells the durable consumer from all others.
        """
        return cls._known.setdefault(names, cls())

    def note(self, now: Look) -> int:
        """Take a new look, and return how many messages were lost since the last one.

        The number is a lower limit: repeated deliveries hide lost messages, and where the consumer
        takes only some subjects, nobody knows of which subject a deleted message was. At the first
        look, the number also has what was lost before this process began. If the stream was made
        anew, it is the number of messages that were not settled, delivered or not.
        """
        before, self.seen, self.jumped_count = self.seen, now, 0
        if before is None:
            missed = now.first_sequence - 1 - now.delivered_sequence
            return max(0, missed) if now.whole and now.delivered_sequence else 0
        if before.stream_made != now.stream_made:
            self._waiting = None
            return before.unsettled_count
        if before.consumer_made != now.consumer_made:
            self._waiting = None
            self.jumped_count = max(
                0, now.passed_sequence - before.passed_sequence - now.deliveries_count
            )
            return 0
        if now.whole:
            deliveries_count = now.deliveries_count - before.deliveries_count
            return max(0, now.passed_sequence - before.passed_sequence - deliveries_count)
        return self._lost_of_some(now)

    def _lost_of_some(self, now: Look) -> int:
        """Follow the messages that waited at a look until all of them are delivered or deleted."""
        waiting = self._waiting
        if waiting is None:
            self._waiting = _Waiting(now.pending_count, now.deliveries_count)
            return 0
        deliveries_count = now.deliveries_count - waiting.deliveries_count
        undelivered_count = waiting.messages_count - deliveries_count
        if undelivered_count <= 0:
            self._waiting = None
        elif waiting.last_sequence and now.first_sequence > waiting.last_sequence:
            self._waiting = None
            return undelivered_count
        else:
            self._waiting = waiting._replace(
                last_sequence=waiting.last_sequence or now.last_sequence
            )
        return 0
