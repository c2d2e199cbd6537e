"""Finds where our partitions begin, and tells what the source has lost before that place.

A partition may have no committed offset, or the record at our offset may be gone. In both cases,
aiokafka would go to one end of the partition by itself, without a word. So we make it raise an
error, and this module chooses the place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import structlog
from aiokafka import TopicPartition

from consumer.listeners.kafka.internals import commit_for_all, committed_offsets, know_topics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiokafka import AIOKafkaConsumer

    from consumer.listeners.base import PassedOver
    from consumer.listeners.kafka.settings import KafkaSettings

ONLY_OPEN: Final = "only --open tests the permission to read"
"""The requests of `foresee` need only the right Describe. To read records and to join the group, a
user needs the right Read."""

log = structlog.get_logger()


class Starts:
    """The places at which partitions begin.

    Args:
        name: The listener's name, for the log.
        settings: The listener's options.
        consumer: aiokafka's consumer.
        passed: Where lost records are counted. Those of aborted transactions count too, because
            nobody can tell them apart any more.
    """

    _begun: ClassVar[set[tuple[str, str]]] = set()
    """The groups that this process has seen begin, each with its listener. The class keeps them,
    because a listener lives for one connection only. Kafka cannot tell: it forgets the offsets of
    a topic that is deleted."""

    def __init__(
        self, name: str, settings: KafkaSettings, consumer: AIOKafkaConsumer, passed: PassedOver
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._key = (name, settings.group_id)
        self._log = log.bind(listener=name, group=settings.group_id)
        self._passed = passed

    async def find(self, partitions: list[TopicPartition]) -> None:
        """Give every partition without a committed offset its place.

        With `start_at = "latest"`, a group without any committed offset begins at the ends of all
        partitions, also of those that belong to other members. A partition that comes later is read
        from its beginning: what it has was written after the group began. A group whose offsets
        Kafka has deleted looks like a new group to a new process.

        Raises:
            KafkaError: The broker refuses us. If the broker is away, the call may wait for ever, so
                the caller needs a deadline.
        """
        committed = await committed_offsets(self._consumer, partitions)
        new = [partition for partition in partitions if partition not in committed]
        if new:
            if self._settings.start_at == "latest" and not await self._has_begun(
                has_offsets=bool(committed)
            ):
                places = await self._consumer.end_offsets(self.all_partitions())
                # The offsets are committed at once. Otherwise we would begin at the end again after
                # a restart before the first message, and skip the messages that came in between.
                await commit_for_all(self._consumer, places)
            else:
                places = await self._consumer.beginning_offsets(new)
            for partition in new:
                self._consumer.seek(partition, places[partition])
        if partitions:
            self._begun.add(self._key)

    async def _has_begun(self, *, has_offsets: bool) -> bool:
        if has_offsets or self._key in self._begun:
            return True
        return bool(await committed_offsets(self._consumer, self.all_partitions()))

    def all_partitions(self) -> list[TopicPartition]:
        """Return the partitions of our topics, as far as they are known."""
        return [
            TopicPartition(topic, partition)
            for topic in self._settings.topics
            for partition in self._consumer.partitions_for_topic(topic) or ()
        ]

    async def find_again(
        self, wanted: dict[TopicPartition, int], *, out_of_range: bool
    ) -> set[TopicPartition]:
        """Go on with partitions that may not have the offsets that come next.

        Args:
            wanted: The next offset of each of these partitions.
            out_of_range: True if the broker has refused to read from these offsets. Then a
                partition that has the offset now did not have it a moment ago: what it has there is
                new. If false, such a partition is left as it is.

        Returns:
            The partitions that go back to their beginning, so that older offsets come again.

        Raises:
            KafkaError: The broker refuses us, or is away.
        """
        firsts = await self._consumer.beginning_offsets(list(wanted))
        ends = await self._consumer.end_offsets(list(wanted))
        went_back: set[TopicPartition] = set()
        for partition, offset in wanted.items():
            first, end = firsts[partition], ends[partition]
            # aiokafka may report one error twice. The first report has moved the partition.
            if await self._consumer.position(partition) != offset:
                continue
            if offset < first:
                self._consumer.seek(partition, first)
                why = "retention removed them before they were read"
                self._tell(partition, first - offset, why)
            elif out_of_range or offset > end:
                self._consumer.seek(partition, first)
                why = (
                    f"the partition ended before {offset}, which was next, and ends at {end} now: "
                    "the topic was made anew, or a broker has lost records. It is read from its "
                    "beginning"
                )
                # At least the record before the offset is lost. How many records the partition had
                # when it was refused is not known any more.
                self._tell(partition, max(1, offset - end), why)
                went_back.add(partition)
        return went_back

    def _tell(self, partition: TopicPartition, count: int, why: str) -> None:
        self._passed.lost_count += count
        self._log.error(
            "messages lost at the source",
            why=why,
            topic=partition.topic,
            partition=partition.partition,
            offsets_count=count,
        )


async def foresee(settings: KafkaSettings, consumer: AIOKafkaConsumer) -> str:
    """Say how many records wait for the group, or where it will begin. The group is not joined.

    Args:
        settings: The listener's options.
        consumer: aiokafka's consumer, started, without a subscription.

    Raises:
        KafkaError: The broker refuses us, or is away.
    """
    await know_topics(consumer, settings.topics)
    partitions = [
        TopicPartition(topic, partition)
        for topic in settings.topics
        for partition in consumer.partitions_for_topic(topic) or ()
    ]
    committed = await committed_offsets(consumer, partitions)
    ends = await consumer.end_offsets(partitions)
    firsts = await consumer.beginning_offsets(partitions)
    if not committed:
        begins = f"group {settings.group_id} will begin at the {settings.start_at} offset"
        if settings.start_at == "latest":
            return f"{begins}; {ONLY_OPEN}"
        return f"{begins}, {_count(ends, firsts)} records wait; {ONLY_OPEN}"
    return f"{_count(ends, {**firsts, **committed})} records wait; {ONLY_OPEN}"


def _count(ends: Mapping[TopicPartition, int], places: Mapping[TopicPartition, int]) -> int:
    return sum(max(0, end - places[partition]) for partition, end in ends.items())
