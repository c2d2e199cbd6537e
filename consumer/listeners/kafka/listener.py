"""Listens to topics of Kafka as a member of a consumer group.

Responsible for turning records into deliveries, and settled deliveries into offsets. It uses the
modules in its folder: `group.py` keeps the membership and commits, `start.py` finds where
partitions begin and what was lost before that, `corrupt.py` holds a partition whose next batch is
corrupt, `offsets.py` knows what may be committed,
`connection.py` connects and explains errors, and `internals.py` knows aiokafka's private parts.

aiokafka connects again by itself, for ever. A short interruption does no harm, because a commit
belongs to the group's generation and not to a connection. This listener reports a lost connection
when the brokers do not answer within a deadline, when they refuse us, or when the group does not
agree on partitions in time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final

from aiokafka import TopicPartition
from aiokafka.errors import (
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from consumer.deliveries.delivery import Delivery
from consumer.deliveries.origin import Origin
from consumer.errors import ListenerUnavailable
from consumer.listeners.base import Listener, ListenerSettings
from consumer.listeners.failure import FirstFailure
from consumer.listeners.kafka.batches import UnreadBatch
from consumer.listeners.kafka.connection import READ_ERRORS, make_consumer, probe, stop, unavailable
from consumer.listeners.kafka.corrupt import CorruptBatches
from consumer.listeners.kafka.group import Group
from consumer.listeners.kafka.internals import check_membership, hand_out_at_most
from consumer.listeners.kafka.settings import KafkaSettings
from consumer.listeners.kafka.start import Starts, foresee
from consumer.listeners.take import take

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiokafka import AIOKafkaConsumer, ConsumerRecord

    from consumer.deliveries.origin import Sender
    from consumer.listeners.kafka.offsets import PartitionBook

ANSWER_DEADLINE_S: Final = 5.0
KEEPS_PER_POLL_INTERVAL_COUNT: Final = 4
"""The number of calls of `keep` in each `max_poll_interval_s`, so that three calls may fail."""
MOVING_DEADLINE_S: Final = 60.0
"""The time for which partitions may move after the group's own deadlines, in seconds. Partitions
that move for longer are stuck, as in https://github.com/aio-libs/aiokafka/issues/1154."""
OVERTIME_S: Final = 0.5
"""The time for which we wait for aiokafka after its own time-out, in seconds."""
NOTHING: Final = TopicPartition("", -1)
"""A partition that is never ours. To ask for its records is a sign of life, and takes no record."""


class KafkaListener(Listener[KafkaSettings]):
    """One member of a consumer group, and what arrives for it.

    The order is kept within a partition. The message type is the header `type`, and the content
    encoding is the header `content-encoding`. Upper and lower case are equal in these names, and of
    several headers with one name the last counts. A record without a value (a tombstone) only
    deletes an older record, and is skipped.
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
        """See `Listener.open`. If the group does not agree in time, we join in the background."""
        await probe(self.settings)
        consumer = self.make_consumer()
        starts = Starts(self.name, self.settings, consumer, self.passed_over)
        corrupt = CorruptBatches(self.name, self.settings, consumer, self.passed_over)
        self._group = Group(self.settings, consumer, starts, corrupt, self._failure, name=self.name)
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await consumer.start()
                self._check_topics(await consumer.topics())
        except (KafkaError, OSError, TimeoutError) as error:
            raise unavailable(error) from error
        consumer.subscribe(self.settings.topics, listener=self._group)
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await consumer.getmany(NOTHING)  # returns when we are a member, raises if refused
                await self._group.assigned.wait()
        except KafkaError as error:
            raise unavailable(error) from error
        except TimeoutError:
            # Other members may still be settling their deliveries. If we left and joined again, the
            # group would have to begin its rebalance again.
            return

    async def look(self) -> str:
        """See `Listener.look`. The group is asked for its offsets, and not joined."""
        await probe(self.settings)
        consumer = self.make_consumer()
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await consumer.start()
                self._check_topics(await consumer.topics())
                return await foresee(self.settings, consumer)
        except (KafkaError, OSError, TimeoutError) as error:
            raise unavailable(error) from error
        finally:
            await stop(consumer)

    def make_consumer(self) -> AIOKafkaConsumer:
        """Make aiokafka's consumer. Tests override this method, to connect through a proxy."""
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
            buffer.popleft()  # its partition moved, and the next owner reads the record again
        if not buffer:
            await self._fetch(group, max_count, max_bytes, timeout_s)
        return self._take(group, max_count, max_bytes)

    async def _fetch(self, group: Group, max_count: int, max_bytes: int, timeout_s: float) -> None:
        room = hand_out_at_most(max_bytes)
        try:
            # aiokafka's own time-out does not run while partitions move. The call can be cancelled
            # without a loss, because aiokafka hands out records in one step without an await. But
            # aiokafka then counts the call as one that never ends, so `max_poll_interval_s` does
            # not run any more.
            async with asyncio.timeout(timeout_s + OVERTIME_S):
                fetched = await group.consumer.getmany(
                    timeout_ms=round(timeout_s * 1000), max_records=max_count
                )
        except TimeoutError:
            return
        except NoOffsetForPartitionError:
            return  # aiokafka looked before `start.py` had found the place
        except OffsetOutOfRangeError as error:
            await group.find_again(error.args[0], out_of_range=True)
            return
        except READ_ERRORS as error:
            # We must not read on after this error. If a batch failed in the middle, aiokafka drops
            # the records that it had read of the batch, and goes on behind the batch: these records
            # would be lost.
            raise self._failure.remember(unavailable(error)) from error
        if room.corrupt:
            group.corrupt.hold(room.corrupt)
        for partition, records in fetched.items():
            book = group.books.get(partition)
            if book is None:
                # aiokafka may hand out records of a new assignment before it reports the
                # assignment. These records are read again later.
                group.consumer.seek(partition, records[0].offset)
            else:
                full = [record for record in records if record.value is not None]
                self.passed_over.empty_count += len(records) - len(full)
                self._buffer.extend([_delivery(book, record, self.sender) for record in full])

    def _take(self, group: Group, max_count: int, max_bytes: int) -> list[Delivery]:
        if not group.assigned.is_set():
            return []
        taken = take(self._buffer, max_count, max_bytes)
        for delivery in taken:
            book, record = _token(delivery)
            book.hand_out(record.offset)
        return taken

    async def settle(self, deliveries: Sequence[Delivery]) -> None:
        """See `Listener.settle`. A call makes one commit, or none if there are no new offsets."""
        group = self._joined()
        for delivery in deliveries:
            book, record = _token(delivery)
            book.settle(record.offset)
        group.progress()
        await group.commit()

    async def keep(self, deliveries: Sequence[Delivery]) -> None:  # noqa: ARG002  # it concerns all or none
        """See `Listener.keep`. A member that asks for no records for too long leaves the group."""
        group = self._joined()
        if not group.assigned.is_set():
            return  # aiokafka would not answer now, and it sends heartbeats by itself
        try:
            await group.consumer.getmany(NOTHING)
        except READ_ERRORS as error:
            raise unavailable(error) from error

    async def backlog(self) -> int | None:
        """See `Listener.backlog`. The number is None while partitions move."""
        group = self._joined()
        partitions_of = group.consumer.partitions_for_topic
        # A topic may be deleted while we read it.
        self._check_topics({topic for topic in self.settings.topics if partitions_of(topic)})
        books, corrupt = group.books, group.corrupt
        try:
            check_membership(group.consumer)
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                # If we have no partitions, we ask about all partitions, to notice a dead broker.
                ends = await group.consumer.end_offsets(
                    list(books) or group.starts.all_partitions()
                )
                positions = {each: await group.consumer.position(each) for each in books}
        except IllegalStateError:
            return None  # the partitions moved meanwhile
        except TimeoutError as error:
            # The address and TLS are right: the broker has answered on this connection before.
            raise ListenerUnavailable(
                f"no answer within {ANSWER_DEADLINE_S:g} s: is Kafka frozen, or is a quota "
                "(consumer_byte_rate) used up?"
            ) from error
        except (KafkaError, OSError) as error:
            raise unavailable(error) from error
        limit_s = MOVING_DEADLINE_S + self.settings.rebalance_timeout_s
        if group.moving_s() > limit_s + self.settings.session_timeout_s:
            raise ListenerUnavailable("the group does not agree on partitions", reason="stalled")
        if not group.assigned.is_set() or group.books is not books:
            return None
        # With `read_committed`, an end lies before the first open transaction.
        latest = {each: group.consumer.highwater(each) or 0 for each in books}
        # While the lane is held, nobody calls `receive`, and only we can notice a topic that was
        # made anew. Records that came after the ends were asked for may have been read, so the ends
        # are asked for again.
        if beyond := {each: at for each, at in positions.items() if at > ends[each]}:
            await group.find_again(beyond)
            if group.books is not books:
                return None
        await self._step_over(group, positions)
        corrupt.look(positions)
        self.complaint = group.complaint or corrupt.complaint
        held = {each for each in positions if corrupt.holds(each)}
        due_count = sum(
            max(0, ends[each] - at) for each, at in positions.items() if each not in held
        )
        what = "a corrupt batch" if held else "an open transaction"
        self.withheld = None if due_count else f"{what} is before them"
        waiting_count: int = sum(
            max(0, ends[each] - at, latest[each] - at) for each, at in positions.items()
        )
        return waiting_count

    async def _step_over(self, group: Group, positions: Mapping[TopicPartition, int]) -> None:
        """Commit the offsets that are never delivered: markers, aborted records, tombstones.

        Without this, the group would seem to have lost something when retention removes them.
        """
        waiting = {id(_token(delivery)[0]) for delivery in self._buffer}
        for partition, book in group.books.items():
            if id(book) not in waiting:
                book.step(positions[partition])
        await group.commit()

    def origin(self, delivery: Delivery) -> Origin:
        """See `Listener.origin`. If several headers have one name, the last of them counts."""
        _, record = _token(delivery)
        coordinates = {
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
        }
        headers = {
            name: (value or b"").decode(errors="backslashreplace") for name, value in record.headers
        }
        return Origin(coordinates, headers)

    def occurrence(self, delivery: Delivery) -> str:
        """See `Listener.occurrence`. The text contains the place and the time of the record.

        The place alone is not enough: if a topic is deleted and created again, its offsets start
        at 0 again.
        """
        _, record = _token(delivery)
        place = (self.name, record.topic, record.partition, record.offset, record.timestamp)
        return " ".join(map(str, place))

    async def close(self) -> None:
        """See `Listener.close`. We leave the group, so that our partitions move at once."""
        group, self._group = self._group, None
        if group is None:
            return
        self._failure.remember(ListenerUnavailable("closed"))
        group.release()
        await stop(group.consumer)

    def moving_s(self) -> float:
        """Return for how long partitions have been moving, in seconds, or 0 if they do not move."""
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
        if known == "type":
            message_type = _text(value)
        elif known == "content-encoding":
            encoding = _text(value)
    delivery = Delivery(record.value or b"", message_type, (book, record), sender, encoding)
    if message_type is None and isinstance(record.value, UnreadBatch):
        delivery.unread = record.value.why
    return delivery


def _text(value: bytes | None) -> str | None:
    """Read a header. Bytes that are not UTF-8 become U+FFFD, which no known type contains."""
    return None if value is None else value.decode(errors="replace")


def _token(delivery: Delivery) -> tuple[PartitionBook, ConsumerRecord]:
    """Return the book of a delivery's partition and assignment, and aiokafka's record."""
    token: tuple[PartitionBook, ConsumerRecord] = delivery.token  # type: ignore[assignment]  # all here have one
    return token
