"""What becomes of a batch that is corrupt, where no broker can be made to behave like this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from consumer.listeners.base import PassedOver
from consumer.listeners.kafka import corrupt
from consumer.listeners.kafka.corrupt import CorruptBatches
from consumer.listeners.kafka.internals import CorruptBatch
from consumer.listeners.kafka.settings import KafkaSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

PARTITION: Final = TopicPartition("topic", 0)


class OnePartition:
    """The part of aiokafka's consumer that corrupt batches need, with one partition."""

    def __init__(self, end_offset: int) -> None:
        self.end_offset = end_offset
        self.ours = {PARTITION}
        self.paused: set[TopicPartition] = set()
        self.position: int | None = None

    def assignment(self) -> set[TopicPartition]:
        """Return our partitions."""
        return self.ours

    def highwater(self, partition: TopicPartition) -> int:
        """Return the end of the partition."""
        assert partition in self.ours
        return self.end_offset

    def pause(self, *partitions: TopicPartition) -> None:
        """Pause partitions of ours."""
        self._check(partitions)
        self.paused.update(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        """Resume partitions of ours."""
        self._check(partitions)
        self.paused.difference_update(partitions)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go to an offset."""
        self._check([partition])
        self.position = offset

    def _check(self, partitions: Iterable[TopicPartition]) -> None:
        if not self.ours.issuperset(partitions):
            raise IllegalStateError


def made(consumer: OnePartition, *skips: str) -> CorruptBatches:
    """Return what looks after the corrupt batches of this consumer."""
    settings = KafkaSettings(
        bootstrap_servers=["127.0.0.1:1"], topics=["topic"], skip_corrupt=skips
    )
    return CorruptBatches("name", settings, consumer, PassedOver())


async def test_partition_that_has_moved_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the moment the batch was found, or positions were asked for, and now."""
    monkeypatch.setattr(corrupt, "TRY_EVERY_S", -1.0)
    consumer = OnePartition(5)
    batches = made(consumer)
    batches.hold({PARTITION: CorruptBatch(2, 3)})
    consumer.ours = set()
    batches.look({PARTITION: 2})
    batches.hold({PARTITION: CorruptBatch(2, 3)})
    batches.look({})
    assert not batches.complaint


async def test_partition_that_is_elsewhere_now_is_read() -> None:
    """It would stay paused for ever, and nothing would say so."""
    consumer = OnePartition(5)
    batches = made(consumer)
    batches.hold({PARTITION: CorruptBatch(2, 3)})
    batches.look({PARTITION: 2})
    assert consumer.paused == {PARTITION}
    batches.look({PARTITION: 0})
    assert not consumer.paused
    assert not batches.complaint
