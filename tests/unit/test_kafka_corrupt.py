"""What becomes of a batch that is corrupt, where no broker can be made to behave like this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError
from hypothesis import given, strategies as st

from consumer.listeners.base import PassedOver
from consumer.listeners.kafka import corrupt
from consumer.listeners.kafka.corrupt import CorruptBatches
from consumer.listeners.kafka.internals import CorruptBatch
from consumer.listeners.kafka.settings import KafkaSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

PARTITION: Final = TopicPartition("topic", 0)
OFFSETS: Final = st.integers(-(2**63), 2**63 - 1)


class OnePartition:
    """The part of aiokafka's consumer that corrupt batches need, with one partition."""

    def __init__(self, end_offset: int) -> None:
        self.end_offset = end_offset
        self.stable_offset: int | None = None
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

    def last_stable_offset(self, partition: TopicPartition) -> int | None:
        """Return where the first open transaction begins."""
        assert partition in self.ours
        return self.stable_offset

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
    batches.hold({PARTITION: CorruptBatch(2, 3, 4)})
    consumer.ours = set()
    batches.look({PARTITION: 2})
    batches.hold({PARTITION: CorruptBatch(2, 3, 4)})
    batches.look({})
    assert not batches.complaint


async def test_partition_that_is_elsewhere_now_is_read() -> None:
    """It would stay paused for ever, and nothing would say so."""
    consumer = OnePartition(5)
    batches = made(consumer)
    batches.hold({PARTITION: CorruptBatch(2, 3, 4)})
    batches.look({PARTITION: 2})
    assert consumer.paused == {PARTITION}
    batches.look({PARTITION: 0})
    assert not consumer.paused
    assert not batches.complaint


async def test_skip_that_was_too_short_is_told() -> None:
    """The batch comes again behind it, and would come again behind each next skip."""
    consumer = OnePartition(9)
    batches = made(consumer, "topic/0/2-2")
    batches.hold({PARTITION: CorruptBatch(2, 2, None)})
    assert consumer.position == 3
    batches.hold({PARTITION: CorruptBatch(3, 2, None)})
    assert "topic/0/3-8 (skip_corrupt ends just before it; where it ends is" in batches.complaint


async def test_open_transaction_behind_a_batch_is_not_skipped() -> None:
    """Behind its first record, the topic would seem to be made anew."""
    consumer = OnePartition(20)
    consumer.stable_offset = 10
    batches = made(consumer, "topic/0/5-19")
    batches.hold({PARTITION: CorruptBatch(5, None, None)})
    assert consumer.position is None
    assert "topic/0/5-9 (skip_corrupt names it up to 19, and the partition ends at 10" in (
        batches.complaint
    )


@pytest.mark.parametrize("skips", [("topic/0/2-99", "topic/0/2-3"), ("topic/0/0-3",)])
async def test_range_that_can_be_skipped_is_found(skips: tuple[str, ...]) -> None:
    """A wrong range that is still there does no harm."""
    consumer = OnePartition(5)
    batches = made(consumer, *skips)
    batches.hold({PARTITION: CorruptBatch(2, 3, None)})
    assert consumer.position == 4
    assert not batches.complaint


@given(
    st.integers(0, 100),
    st.integers(1, 100),
    OFFSETS | st.none(),
    OFFSETS | st.integers(0, 300) | st.none(),
)
async def test_advice_stays_inside_the_partition(
    offset: int, count: int, said: int | None, following: int | None
) -> None:
    """Whatever the corrupt bytes say. Who copies the advice goes on inside the partition."""
    consumer = OnePartition(offset + count)
    batches = made(consumer)
    batches.hold({PARTITION: CorruptBatch(offset, said, following)})
    advice = batches.complaint.split("offsets ", 1)[1].split(":")[0].split(" ")[0]
    skipping = made(consumer, advice)
    skipping.hold({PARTITION: CorruptBatch(offset, said, following)})
    assert consumer.position is not None
    assert offset < consumer.position <= consumer.end_offset
