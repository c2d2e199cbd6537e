"""Keeps a partition whose next batch is corrupt from stopping the other partitions.

The broker stores a checksum with each batch. If the bytes do not fit it, nobody can say what the
producer sent. Only an operator may decide to go on behind such a batch.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog
from aiokafka import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiokafka import AIOKafkaConsumer

    from consumer.listeners.base import PassedOver
    from consumer.listeners.kafka.internals import CorruptBatch
    from consumer.listeners.kafka.settings import KafkaSettings

TRY_EVERY_S: Final = 60.0
"""The broker may have a good copy, and it may be mended."""

log = structlog.get_logger()


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
        self._consumer = consumer
        self._passed = passed
        self._log = log.bind(listener=name)
        self._skips = dict(map(_read_skip, settings.skip_corrupt))
        self._held: dict[TopicPartition, CorruptBatch] = {}
        self._tried_s = asyncio.get_running_loop().time()

    def hold(self, found: Mapping[TopicPartition, CorruptBatch]) -> None:
        """Leave the partitions at their batches, or go on behind those that may be skipped."""
        # A partition may have moved while `getmany` waited for others.
        for partition in found.keys() & self._consumer.assignment():
            batch = found[partition]
            facts = {"topic": partition.topic, "partition": partition.partition}
            last = self._skips.get((partition, batch.offset))
            if last is not None:
                self._consumer.seek(partition, last + 1)
                lost_count = last + 1 - batch.offset
                self._passed.lost_count += lost_count
                why = "a batch is corrupt, and skip_corrupt names it"
                self._log.error(
                    "messages lost at the source", why=why, offsets_count=lost_count, **facts
                )
                continue
            self._consumer.pause(partition)
            self._held[partition] = batch

    def look(self, positions: Mapping[TopicPartition, int]) -> None:
        """Forget the batches that are behind us, and read the others again from time to time.

        Args:
            positions: The next offset of each of our partitions.
        """
        stays = {
            partition: batch
            for partition, batch in self._held.items()
            if positions.get(partition) == batch.offset
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
        places = [
            f"{each.topic}/{each.partition}/{batch.offset}-{batch.last_offset}"
            for each, batch in self._held.items()
        ]
        return (
            f"corrupt batch at topic/partition/offsets {', '.join(places)}: restore it at the "
            "broker, or name it in skip_corrupt to go on without it. Other partitions go on"
        )


def _read_skip(text: str) -> tuple[tuple[TopicPartition, int], int]:
    topic, partition, offsets = text.split("/")
    first, _, last = offsets.partition("-")
    return (TopicPartition(topic, int(partition)), int(first)), int(last)
