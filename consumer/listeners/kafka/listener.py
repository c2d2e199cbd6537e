"""Listens to topics of Kafka as a member of a consumer group.

Responsible for turning records into deliveries, and settled deliveries into offsets. The modules
beside it do the parts: `group.py` the group and its commits, `offsets.py` what may be committed,
`connection.py` the connection and its errors, `internals.py` what aiokafka keeps private.

aiokafka connects again by itself, for ever. A short interruption does no harm, because a commit
belongs to the group's generation and not to a connection. For us the connection is gone when the
brokers do not answer within a deadline, when they refuse us, or when the group cannot agree on
partitions for too long.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from consumer.deliveries.delivery import Delivery
from consumer.deliveries.origin import Origin
from consumer.errors import ListenerUnavailable
from consumer.listeners.base import Listener, ListenerSettings
from consumer.listeners.failure import FirstFailure
from consumer.listeners.kafka.connection import READ_ERRORS, make_consumer, probe, stop, unavailable
from consumer.listeners.kafka.group import Group
from consumer.listeners.kafka.settings import KafkaSettings
from consumer.listeners.take import take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiokafka import AIOKafkaConsumer, ConsumerRecord

    from consumer.deliveries.origin import Sender
    from consumer.listeners.kafka.offsets import PartitionBook

ANSWER_DEADLINE_S: Final = 5.0
KEEPS_PER_POLL_INTERVAL_COUNT: Final = 4
"""How often `keep` is called in `max_poll_interval_s`: three calls may be late."""
MOVING_DEADLINE_S: Final = 60.0
"""Partitions that are on the move for this time longer than the group's own deadlines are stuck,
as in https://github.com/aio-libs/aiokafka/issues/1154."""
OVERTIME_S: Final = 0.5
"""What aiokafka may take longer than its own time-out before we stop waiting for it."""
NOTHING: Final = TopicPartition("", -1)
"""A partition that is never ours. To ask for its records is a sign of life, and takes no record."""


class KafkaListener(Listener[KafkaSettings]):
    """One member of a consumer group, and what arrives for it.

    Order is kept within a partition. The message type is the header `type` (in any case; the first
    of several), the content encoding is the header `content-encoding`. A tombstone has an empty
    body.
    """

    kind: ClassVar[str] = "kafka"
    settings_type: ClassVar[type[ListenerSettings]] = KafkaSettings

    def __init__(self, name: str, settings: KafkaSettings) -> None:
        super().__init__(name, settings)
        self.keep_every_s = settings.max_poll_interval_s / KEEPS_PER_POLL_INTERVAL_COUNT
        self._group: Group | None = None
        self._buffer: deque[Delivery] = deque()
        self._failure = FirstFailure()

    async def open(self) -> None:
        """See `Listener.open`. If the group needs longer to agree, we join it in the background."""
        await probe(self.settings)
        consumer = self.make_consumer()
        self._group = Group(self.name, self.settings, consumer)
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await consumer.start()
                self._check_topics(await consumer.topics())
        except (KafkaError, OSError, TimeoutError) as error:
            raise unavailable(error) from error
        consumer.subscribe(self.settings.topics, listener=self._group)
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await consumer.getmany(NOTHING)  # returns when we are a member, or may never be
                await self._group.assigned.wait()
        except KafkaError as error:
            raise unavailable(error) from error
        except TimeoutError:
            # Other members may still be settling what they have in hand. If we left and came
            # again, all of them would only have to begin anew.
            return

    def make_consumer(self) -> AIOKafkaConsumer:
        """Make aiokafka's consumer. Tests override this, to lead it through a proxy."""
        return make_consumer(self.settings, self.name)

    def _check_topics(self, found: set[str]) -> None:
        # aiokafka would wait for a missing topic, or make the broker create it.
        missing = [topic for topic in self.settings.topics if topic not in found]
        if missing:
            raise ListenerUnavailable(
                f"topic {', '.join(missing)} not found: create it, check its name in `topics`, or "
                "allow Describe and Read on it",
                reason="refused",
            )

    async def receive(self, max_count: int, max_bytes: int, timeout_s: float) -> list[Delivery]:
        """See `Listener.receive`."""
        group = self._joined()
        if not group.assigned.is_set():
            try:
                async with asyncio.timeout(timeout_s):
                    await group.assigned.wait()
            except TimeoutError:
                return []
            self._joined()
        buffer = self._buffer
        while buffer and not _token(buffer[0])[0].open:
            buffer.popleft()  # its partition moved; the member that has it now reads it again
        if not buffer:
            await self._fetch(group, max_count, timeout_s)
        return self._take(group, max_count, max_bytes)

    async def _fetch(self, group: Group, max_count: int, timeout_s: float) -> None:
        try:
            # aiokafka's own time-out does not count while partitions move. To cancel it loses
            # nothing, because aiokafka hands out records in one step without an await. But it
            # takes us for busy from then on, so that `max_poll_interval_s` does not run.
            async with asyncio.timeout(timeout_s + OVERTIME_S):
                fetched = await group.consumer.getmany(
                    timeout_ms=round(timeout_s * 1000), max_records=max_count
                )
        except TimeoutError:
            return
        except READ_ERRORS as error:
            # We must not read on after this. If a batch broke half-way, aiokafka forgets the
            # records that it had read of it, and goes on behind the batch: they would be lost.
            raise self._failure.remember(unavailable(error)) from error
        for partition, records in fetched.items():
            book = group.books.get(partition)
            if book is None:
                # aiokafka may hand out records of a new assignment before it tells us of the
                # assignment. They are read again when it has.
                group.consumer.seek(partition, records[0].offset)
            else:
                self._buffer.extend([_delivery(book, record, self.sender) for record in records])

    def _take(self, group: Group, max_count: int, max_bytes: int) -> list[Delivery]:
        if not group.assigned.is_set():
            return []
        taken = take(self._buffer, max_count, max_bytes)
        for delivery in taken:
            book, record = _token(delivery)
            book.hand_out(record.offset)
        return taken

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """See `Listener.settle`. A call waits for one commit, or for none if no prefix moved."""
        group = self._joined()
        for delivery in deliveries:
            book, record = _token(delivery)
            book.settle(record.offset)
        group.progress()
        await group.commit()

    async def keep(self, deliveries: Sequence[Delivery]) -> None:  # noqa: ARG002  # it concerns all or none
        """See `Listener.keep`. A member that asks for nothing for too long leaves the group."""
        group = self._joined()
        if not group.assigned.is_set():
            return  # aiokafka would not answer now, and its heartbeats go on without us
        try:
            await group.consumer.getmany(NOTHING)
        except READ_ERRORS as error:
            raise unavailable(error) from error

    async def backlog(self) -> int | None:
        """See `Listener.backlog`. None while partitions move."""
        group = self._joined()
        partitions = list(group.books)
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                # If we have no partitions, we ask about all: a dead broker has to show.
                ends = await group.consumer.end_offsets(partitions or self._all_partitions(group))
                waiting_count = 0
                for partition in partitions:
                    position: int = await group.consumer.position(partition)
                    waiting_count += max(0, ends[partition] - position)
        except IllegalStateError:
            return None  # the partitions moved meanwhile
        except (KafkaError, OSError, TimeoutError) as error:
            raise unavailable(error) from error
        limit_s = MOVING_DEADLINE_S + self.settings.rebalance_timeout_s
        if group.moving_s() > limit_s + self.settings.session_timeout_s:
            raise ListenerUnavailable("the group does not agree on partitions", reason="stalled")
        return waiting_count if group.assigned.is_set() else None

    def _all_partitions(self, group: Group) -> list[TopicPartition]:
        return [
            TopicPartition(topic, partition)
            for topic in self.settings.topics
            for partition in group.consumer.partitions_for_topic(topic) or ()
        ]

    def origin(self, delivery: Delivery) -> Origin:
        """See `Listener.origin`. If several headers have one name, the first one counts."""
        _, record = _token(delivery)
        coordinates = {
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
        }
        headers = {
            name: (value or b"").decode(errors="backslashreplace")
            for name, value in reversed(record.headers)
        }
        return Origin(coordinates, headers)

    def occurrence(self, delivery: Delivery) -> str:
        """See `Listener.occurrence`. A topic that was made anew counts its offsets from 0 again.

        So the time of the record is part of the text.
        """
        _, record = _token(delivery)
        place = (self.name, record.topic, record.partition, record.offset, record.timestamp)
        return " ".join(map(str, place))

    async def close(self) -> None:
        """See `Listener.close`. We leave the group, so that the partitions move at once."""
        group, self._group = self._group, None
        if group is None:
            return
        self._failure.remember(ListenerUnavailable("closed"))
        group.release()
        await stop(group.consumer)

    def moving_s(self) -> float:
        """Return for how long the partitions have been on the move, in seconds. 0: they are not."""
        return self._joined().moving_s()

    def _joined(self) -> Group:
        self._failure.check()
        if self._group is None:
            raise ListenerUnavailable("not open")
        return self._group


def _delivery(book: PartitionBook, record: ConsumerRecord, sender: Sender) -> Delivery:
    message_type = encoding = None
    for name, value in record.headers:
        known = name.lower()
        if known == "type" and message_type is None:
            message_type = _text(value)
        elif known == "content-encoding" and encoding is None:
            encoding = _text(value)
    return Delivery(record.value or b"", message_type, (book, record), sender, encoding)


def _text(value: bytes | None) -> str | None:
    """Read a header. Bytes that are not UTF-8 become U+FFFD, which is part of no known type."""
    return None if value is None else value.decode(errors="replace")


def _token(delivery: Delivery) -> tuple[PartitionBook, ConsumerRecord]:
    """Return the book of the assignment in which a delivery came, and aiokafka's record."""
    token: tuple[PartitionBook, ConsumerRecord] = delivery.token  # type: ignore[assignment]  # all here have one
    return token
