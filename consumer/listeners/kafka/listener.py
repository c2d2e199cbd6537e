"""Listens to topics of Kafka as a member of a consumer group.

Responsible for turning records into deliveries and outcomes into offsets. The group and its
commits are in `group.py`, what may be committed in `offsets.py`, options and errors of
the connection in `connection.py`.

aiokafka connects again by itself for ever, and a short interruption harms nothing here: a commit
belongs to the group's generation, not to a connection. The connection is gone when the brokers do
not answer within a deadline, when they refuse us, or when the group cannot agree for too long.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar, Final

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

    from consumer.deliveries.origin import Sender
    from consumer.listeners.kafka.offsets import PartitionBook

ANSWER_DEADLINE_S: Final = 5.0
KEEPS_PER_INTERVAL: Final = 4
MOVING_DEADLINE_S: Final = 60.0
"""On top of the group's own deadlines: partitions on the move for longer are stuck, as in
https://github.com/aio-libs/aiokafka/issues/1154."""
OVERTIME_S: Final = 0.5
NOTHING: Final = TopicPartition("", -1)
"""A partition that is never ours: asking for its records is a sign of life and takes none."""


class KafkaListener(Listener[KafkaSettings]):
    """One member of a consumer group and what arrives for it.

    Order is kept within a partition. The message type is the header `type` (any case; the first
    of several), the content encoding the header `content-encoding`. A tombstone is an empty body.
    """

    kind: ClassVar[str] = "kafka"
    settings_type: ClassVar[type[ListenerSettings]] = KafkaSettings

    def __init__(self, name: str, settings: KafkaSettings) -> None:
        super().__init__(name, settings)
        self.keep_every_s = settings.max_poll_interval_s / KEEPS_PER_INTERVAL
        self._consumer: Any = None
        self._group: Group | None = None
        self._buffer: deque[Delivery] = deque()
        self._failure = FirstFailure()

    async def open(self) -> None:
        """See `Listener.open`. A group that takes longer to agree is joined in the background."""
        await probe(self.settings)
        self._consumer = consumer = self.make_consumer()
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
            # Others may be finishing what they have in hand. To leave and come again would only
            # make all of them begin anew.
            return

    def make_consumer(self) -> Any:  # noqa: ANN401  # aiokafka has no types
        """Make the client; tests lead it through a proxy."""
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
            buffer.popleft()  # of partitions that moved: whoever has them now reads it again
        if not buffer:
            await self._fetch(group, max_count, timeout_s)
        return self._take(group, max_count, max_bytes)

    async def _fetch(self, group: Group, max_count: int, timeout_s: float) -> None:
        consumer = self._consumer
        try:
            # aiokafka's own deadline does not count while partitions move. Being cancelled takes
            # nothing: records are handed out in one step without a pause. It only makes aiokafka
            # count us as busy from then on, so that `max_poll_interval_s` rests.
            async with asyncio.timeout(timeout_s + OVERTIME_S):
                fetched = await consumer.getmany(
                    timeout_ms=round(timeout_s * 1000), max_records=max_count
                )
        except TimeoutError:
            return
        except READ_ERRORS as error:
            # Never read on after this: of a batch that broke half-way, aiokafka forgets what it
            # had read and goes on behind it.
            raise self._failure.remember(unavailable(error)) from error
        for partition, records in fetched.items():
            book = group.books.get(partition)
            if book is None:
                # aiokafka may hand out records of a new assignment before it tells us of it.
                consumer.seek(partition, records[0].offset)
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
        """See `Listener.settle`. Waits for one commit a call, and for none where nothing moved."""
        group = self._joined()
        for delivery in deliveries:
            book, record = _token(delivery)
            book.settle(record.offset)
        group.progress()
        await group.commit()

    async def keep(self, deliveries: Sequence[Delivery]) -> None:  # noqa: ARG002  # it is all or none
        """See `Listener.keep`. The coordinator expels a member that asks for nothing for long."""
        if not self._joined().assigned.is_set():
            return  # aiokafka would not answer now, and the heartbeats go on without
        try:
            await self._consumer.getmany(NOTHING)
        except READ_ERRORS as error:
            raise unavailable(error) from error

    async def backlog(self) -> int | None:
        """See `Listener.backlog`. None while partitions move."""
        group, consumer = self._joined(), self._consumer
        partitions = list(group.books)
        try:
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                # Without partitions it is a question all the same: a dead broker must show.
                ends = await consumer.end_offsets(partitions or self._all_partitions())
                waiting = 0
                for partition in partitions:
                    at: int = await consumer.position(partition)
                    waiting += max(0, ends[partition] - at)
        except IllegalStateError:
            return None  # the partitions moved in the meantime
        except (KafkaError, OSError, TimeoutError) as error:
            raise unavailable(error) from error
        limit_s = MOVING_DEADLINE_S + self.settings.rebalance_timeout_s
        if group.moving_s() > limit_s + self.settings.session_timeout_s:
            raise ListenerUnavailable("the group does not agree on partitions", reason="stalled")
        return waiting if group.assigned.is_set() else None

    def _all_partitions(self) -> list[TopicPartition]:
        return [
            TopicPartition(topic, partition)
            for topic in self.settings.topics
            for partition in self._consumer.partitions_for_topic(topic) or ()
        ]

    def origin(self, delivery: Delivery) -> Origin:
        """See `Listener.origin`. Of several headers with one name, the first."""
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

    async def close(self) -> None:
        """See `Listener.close`. Leaving the group makes the partitions move at once."""
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        self._failure.remember(ListenerUnavailable("closed"))
        if self._group is not None:
            self._group.release()
        await stop(consumer)

    def moving_s(self) -> float:
        """Return for how long the partitions have been on the move, in seconds; 0: they are not."""
        return self._joined().moving_s()

    def _joined(self) -> Group:
        self._failure.check()
        if self._group is None:
            raise ListenerUnavailable("not open")
        return self._group


def _delivery(book: PartitionBook, record: Any, sender: Sender) -> Delivery:  # noqa: ANN401  # aiokafka has no types
    message_type = encoding = None
    for name, value in record.headers:
        known = name.lower()
        if known == "type" and message_type is None:
            message_type = _text(value)
        elif known == "content-encoding" and encoding is None:
            encoding = _text(value)
    return Delivery(record.value or b"", message_type, (book, record), sender, encoding)


def _text(value: bytes | None) -> str | None:
    """Read a header; what is no UTF-8 shows as U+FFFD and so is no known type."""
    return None if value is None else value.decode(errors="replace")


def _token(delivery: Delivery) -> tuple[PartitionBook, Any]:
    """Return the book of the assignment it came in, and aiokafka's record."""
    token: tuple[PartitionBook, Any] = delivery.token  # type: ignore[assignment]  # all here have one
    return token
