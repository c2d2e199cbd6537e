"""Keeps a partition whose next batch is corrupt from stopping the other partitions.

The broker stores a checksum with each batch. If the bytes do not fit it, nobody can say what the
producer sent. Only an operator may decide to go on behind such a batch. Where the batch ends is
under the checksum too, so the advice for the operator comes from outside the batch if possible.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aiokafka import AIOKafkaConsumer, TopicPartition

    from consumer.listeners.base import PassedOver
    from consumer.listeners.kafka.internals import CorruptBatch
    from consumer.listeners.kafka.settings import CorruptRange, KafkaSettings

TRY_EVERY_S: Final = 60.0
"""How often a corrupt batch is read again. Meanwhile somebody may have restored it."""

log = structlog.get_logger()


class _HeldPartition(NamedTuple):
    """A partition that waits: the offset at which it goes on, and the words for the operator."""

    offset: int
    words: str


class CorruptBatches:
    """The partitions of one connection that wait at a corrupt batch.

    Args:
        name: The listener's name, for the log.
        settings: The listener's options, with the batches that the operator lets us skip.
        consumer: aiokafka's consumer.
        passed: Where skipped records are counted as lost.
    """

    def __init__(
        self, name: str, settings: KafkaSettings, consumer: AIOKafkaConsumer, passed: PassedOver
    ) -> None:
        self._settings = settings
        self._consumer = consumer
        self._passed = passed
        self._log = log.bind(listener=name)
        self._ranges = settings.corrupt_ranges()
        self._held: dict[TopicPartition, _HeldPartition] = {}
        self._tried_s = asyncio.get_running_loop().time()

    def hold(self, found: Mapping[TopicPartition, CorruptBatch]) -> None:
        """Leave the partitions at their batches, or go on behind those that may be skipped."""
        # A partition may have moved while `getmany` waited for others.
        for partition in found.keys() & self._consumer.assignment():
            self._hold(partition, found[partition], self._end_offset(partition))

    def _end_offset(self, partition: TopicPartition) -> int:
        """Return the end of a partition for us: with `read_committed`, before open transactions."""
        end_offset: int = self._consumer.highwater(partition) or 0
        if self._settings.isolation_level == "read_committed":
            stable_offset: int | None = self._consumer.last_stable_offset(partition)
            if stable_offset is not None and stable_offset >= 0:
                return min(end_offset, stable_offset)
        return end_offset

    def _hold(self, partition: TopicPartition, batch: CorruptBatch, end_offset: int) -> None:
        last_offset, is_certain = _last_offset(batch, end_offset)
        skip = self._range_at(partition, batch.offset)
        # Behind the end of the partition, the listener would take the topic for a new one.
        if skip is not None and skip.last_offset < end_offset:
            self._skip(partition, batch.offset, last_offset if is_certain else skip.last_offset)
            return
        doubts = "; ".join(self._doubts(partition, batch, end_offset))
        place = f"{partition.topic}/{partition.partition}/{batch.offset}-{last_offset}"
        self._consumer.pause(partition)
        self._held[partition] = _HeldPartition(
            batch.offset, f"{place} ({doubts})" if doubts else place
        )

    def _ranges_of(self, partition: TopicPartition) -> list[CorruptRange]:
        return [each for each in self._ranges if each.topic_partition == partition]

    def _range_at(self, partition: TopicPartition, offset: int) -> CorruptRange | None:
        """Return the range that has an offset. Of several, it is the range that ends first."""
        fit = [
            each
            for each in self._ranges_of(partition)
            if each.first_offset <= offset <= each.last_offset
        ]
        return min(fit, key=lambda each: each.last_offset, default=None)

    def _doubts(
        self, partition: TopicPartition, batch: CorruptBatch, end_offset: int
    ) -> Iterator[str]:
        """Give what the operator has to know before the place is copied into `skip_corrupt`."""
        skip = self._range_at(partition, batch.offset)
        if skip is not None:
            yield (
                f"skip_corrupt names it up to {skip.last_offset}, and the partition ends at "
                f"{end_offset}"
            )
        elif any(each.last_offset + 1 == batch.offset for each in self._ranges_of(partition)):
            yield "skip_corrupt ends just before it"
        if not _last_offset(batch, end_offset)[1]:
            yield "where it ends is not certain: compare kafka-dump-log.sh"

    def _skip(self, partition: TopicPartition, offset: int, last_offset: int) -> None:
        self._consumer.seek(partition, last_offset + 1)
        lost_count = last_offset + 1 - offset
        self._passed.lost_count += lost_count
        self._log.error(
            "messages lost at the source",
            why="a batch is corrupt, and skip_corrupt names it",
            topic=partition.topic,
            partition=partition.partition,
            offsets_count=lost_count,
        )

    def look(self, positions: Mapping[TopicPartition, int]) -> None:
        """Forget the batches that are behind us, and read the others again from time to time.

        Args:
            positions: The next offset of each of our partitions.
        """
        stays = {
            partition: held
            for partition, held in self._held.items()
            if positions.get(partition) == held.offset
        }
        # These go on too: a topic that was made anew is read from its beginning.
        resumed = self._held.keys() - stays.keys()
        self._held = stays
        now_s = asyncio.get_running_loop().time()
        if stays and now_s - self._tried_s > TRY_EVERY_S:
            self._tried_s = now_s
            resumed |= stays.keys()
        # Partitions may have moved since the positions were asked for.
        self._consumer.resume(*(resumed & self._consumer.assignment()))

    def holds(self, partition: TopicPartition) -> bool:
        """Tell whether a partition waits at a corrupt batch."""
        return partition in self._held

    @property
    def complaint(self) -> str:
        """Say which partitions wait, and what to do. Empty if there are none."""
        if not self._held:
            return ""
        places = ", ".join(held.words for held in self._held.values())
        return (
            f"corrupt batch at topic/partition/offsets {places}: restore it at the "
            "broker, or name it in skip_corrupt to go on without it. Other partitions go on"
        )


def _last_offset(batch: CorruptBatch, end_offset: int) -> tuple[int, bool]:
    """Return the last offset of a batch, and whether anything outside the batch says so.

    Args:
        batch: The batch.
        end_offset: The end of its partition.
    """
    following_offset, said_offset = batch.following_offset, batch.said_last_offset
    if following_offset is not None and batch.offset < following_offset < end_offset:
        return following_offset - 1, True
    last_offset = max(batch.offset, end_offset - 1)
    if said_offset is None or not batch.offset <= said_offset <= last_offset:
        return last_offset, False
    return said_offset, said_offset == last_offset
