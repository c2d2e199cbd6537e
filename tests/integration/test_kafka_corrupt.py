"""A batch that the disk of the broker has changed: its partition waits, and the others go on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from consumer.listeners.kafka import corrupt
from tests.brokers.kafka import LIBRARIES, Kafka
from tests.integration.test_kafka_changes import make_anew
from tests.support.eventually import eventually
from tests.support.source_kafka import KafkaSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from consumer.listeners.kafka.listener import KafkaListener

LAST_OFFSET_AT = 23
"""A batch says in 4 bytes how far its last offset is behind its first offset."""
MEGABYTE = 1024 * 1024
WITHIN_S = 30.0


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """Start a broker whose files the test may change."""
    if not LIBRARIES.exists():
        pytest.skip("Kafka is not installed natively")
    with Kafka(tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


@pytest.fixture
async def source(kafka: Kafka) -> AsyncIterator[KafkaSource]:
    """Return a topic with two partitions."""
    source = KafkaSource(kafka.address, partitions_count=2)
    await source.open()
    yield source
    await source.close()


def _segment(kafka: Kafka, source: KafkaSource) -> Path:
    return kafka.folder / "data" / f"{source.topic}-0" / f"{0:020}.log"


def _flip(kafka: Kafka, source: KafkaSource, marked: bytes) -> None:
    """Change one byte of a record's value, as a broken disk does."""
    path = _segment(kafka, source)
    data = bytearray(path.read_bytes())
    data[data.index(marked)] ^= 0x20
    path.write_bytes(data)


def _flip_last_offset(kafka: Kafka, source: KafkaSource, batch_index: int, mask: int) -> None:
    """Change what a batch says of its last offset, which the checksum covers too."""
    path = _segment(kafka, source)
    data = bytearray(path.read_bytes())
    at = 0
    for _ in range(batch_index):
        at += 12 + int.from_bytes(data[at + 8 : at + 12], "big")
    at += LAST_OFFSET_AT
    flipped = int.from_bytes(data[at : at + 4], "big") ^ mask
    data[at : at + 4] = flipped.to_bytes(4, "big")
    path.write_bytes(data)


async def _bodies(listener: KafkaListener, count: int) -> list[bytes]:
    found: list[bytes] = []
    async with asyncio.timeout(WITHIN_S):
        while len(found) < count:
            some = await listener.receive(count - len(found), MEGABYTE, 0.2)
            await listener.settle(some)
            found += [delivery.body for delivery in some]
    return found


async def _send(source: KafkaSource, partition: int, *bodies: bytes) -> None:
    """Store one batch."""
    batch = source.producer.create_batch()
    for body in bodies:
        batch.append(key=None, value=body, timestamp=None)
    batch.close()
    await (await source.producer.send_batch(batch, source.topic, partition=partition))


async def _fill(source: KafkaSource, kafka: Kafka) -> None:
    """Store three batches in partition 0, the middle one corrupt, and one batch in partition 1."""
    await _send(source, 0, b"before 1", b"before 2")
    await _send(source, 0, b"broken 3", b"broken 4")
    await _send(source, 0, b"after 5")
    await _send(source, 1, b"other 1", b"other 2")
    _flip(kafka, source, b"broken 3")


async def test_other_partitions_go_on(kafka: Kafka, source: KafkaSource) -> None:
    """As do the records before it in its own partition. It is told once, with its place."""
    await _fill(source, kafka)
    listener = source.listener()
    await listener.open()
    found = await _bodies(listener, 4)
    await _send(source, 1, b"other 3")
    found += await _bodies(listener, 1)
    assert sorted(found) == [b"before 1", b"before 2", b"other 1", b"other 2", b"other 3"]
    for _ in range(3):
        await listener.receive(1, MEGABYTE, 0.2)
        assert await listener.backlog() == 3
        assert listener.withheld is not None
        assert f"{source.topic}/0/2-3: restore" in listener.complaint
    await listener.close()


async def test_nothing_behind_it_is_committed(kafka: Kafka, source: KafkaSource) -> None:
    """The next process begins at the same place, and gets everything once the batch is mended."""
    await _fill(source, kafka)
    listener = source.listener()
    await listener.open()
    await _bodies(listener, 4)
    await listener.backlog()
    await listener.close()
    _flip(kafka, source, b"\x42roken 3")
    listener = source.listener()
    await listener.open()
    assert await _bodies(listener, 3) == [b"broken 3", b"broken 4", b"after 5"]
    await listener.close()


async def test_mended_batch_is_read_without_a_restart(
    kafka: Kafka, source: KafkaSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again from time to time."""
    monkeypatch.setattr(corrupt, "TRY_EVERY_S", 0.0)
    await _fill(source, kafka)
    listener = source.listener()
    await listener.open()
    await _bodies(listener, 4)

    async def complains() -> bool:
        await listener.receive(1, MEGABYTE, 0.1)
        await listener.backlog()
        return bool(listener.complaint)

    await eventually(complains, what="a complaint")
    _flip(kafka, source, b"\x42roken 3")
    await listener.backlog()
    assert await _bodies(listener, 3) == [b"broken 3", b"broken 4", b"after 5"]
    await listener.backlog()
    assert not listener.complaint
    await listener.close()


async def test_named_batch_is_skipped_and_counted(kafka: Kafka, source: KafkaSource) -> None:
    """Only the batch that the operator names."""
    await _fill(source, kafka)
    listener = source.listener(skip_corrupt=(f"{source.topic}/0/2-3",))
    with capture_logs() as logs:
        await listener.open()
        found = await _bodies(listener, 5)
    await listener.backlog()
    assert sorted(found) == [b"after 5", b"before 1", b"before 2", b"other 1", b"other 2"]
    assert listener.passed_over.lost_count == 2
    assert not listener.complaint
    await listener.close()
    (told,) = [each for each in logs if each["log_level"] == "error"]
    assert told["offsets_count"] == 2


async def _complaint(listener: KafkaListener) -> str:
    """Receive and look as the lane and the supervisor do, until the listener complains."""

    async def complains() -> bool:
        await listener.settle(await listener.receive(10, MEGABYTE, 0.1))
        await listener.backlog()
        return bool(listener.complaint)

    await eventually(complains, what="a complaint")
    return listener.complaint


async def _fill_one(source: KafkaSource) -> None:
    """Store three batches in partition 0: of offsets 0 and 1, 2 and 3, 4."""
    await _send(source, 0, b"before 1", b"before 2")
    await _send(source, 0, b"broken 3", b"broken 4")
    await _send(source, 0, b"after 5")


TOO_LARGE, TOO_SMALL = 1 << 30, 1


@pytest.mark.parametrize("mask", [TOO_LARGE, TOO_SMALL], ids=["too large", "too small"])
async def test_advice_does_not_come_from_the_corrupt_bytes(
    kafka: Kafka, source: KafkaSource, mask: int
) -> None:
    """The batch behind it says where it ends."""
    await _fill_one(source)
    _flip_last_offset(kafka, source, 1, mask)
    listener = source.listener()
    await listener.open()
    assert f"{source.topic}/0/2-3: restore" in await _complaint(listener)
    await listener.close()


@pytest.mark.parametrize("mask", [TOO_LARGE, TOO_SMALL], ids=["too large", "too small"])
async def test_batch_with_a_wrong_last_offset_is_skipped_once(
    kafka: Kafka, source: KafkaSource, mask: int
) -> None:
    """Nothing else is skipped, and all of it is counted."""
    await _fill_one(source)
    _flip_last_offset(kafka, source, 1, mask)
    listener = source.listener(skip_corrupt=(f"{source.topic}/0/2-3",))
    await listener.open()
    assert await _bodies(listener, 3) == [b"before 1", b"before 2", b"after 5"]
    await _send(source, 0, b"after 6", b"after 7")
    assert await _bodies(listener, 2) == [b"after 6", b"after 7"]
    await listener.close()
    assert listener.passed_over.take() == (2, 0)
    listener = source.listener()
    await listener.open()
    await _send(source, 0, b"after 8")
    assert await _bodies(listener, 1) == [b"after 8"]
    await listener.close()


async def test_skip_behind_the_end_of_the_partition_is_refused(
    kafka: Kafka, source: KafkaSource
) -> None:
    """The listener would take the topic for a new one, and read it from its beginning."""
    await _fill_one(source)
    _flip(kafka, source, b"broken 3")
    listener = source.listener(skip_corrupt=(f"{source.topic}/0/2-1073741827",))
    await listener.open()
    told = await _complaint(listener)
    assert f"{source.topic}/0/2-3 (skip_corrupt names it up to 1073741827, and the pa" in told
    assert listener.passed_over.take() == (0, 0)
    await listener.close()


@pytest.mark.parametrize("named", ["2-2", "0-4"])
async def test_only_the_whole_batch_is_skipped(
    kafka: Kafka, source: KafkaSource, named: str
) -> None:
    """Whatever the operator has named around its first offset."""
    await _fill_one(source)
    _flip(kafka, source, b"broken 3")
    listener = source.listener(skip_corrupt=(f"{source.topic}/0/{named}",))
    await listener.open()
    assert await _bodies(listener, 3) == [b"before 1", b"before 2", b"after 5"]
    assert listener.passed_over.take() == (2, 0)
    await listener.close()


@pytest.mark.parametrize(("mask", "last"), [(TOO_LARGE, 4), (TOO_SMALL, 3)])
async def test_doubtful_end_is_told_and_is_before_the_end_of_the_partition(
    kafka: Kafka, source: KafkaSource, mask: int, last: int
) -> None:
    """Nothing is behind the batch, so only the batch itself says where it ends."""
    await _send(source, 0, b"before 1", b"before 2", b"before 3")
    await _send(source, 0, b"broken 4", b"broken 5")
    _flip_last_offset(kafka, source, 1, mask)
    listener = source.listener()
    await listener.open()
    told = await _complaint(listener)
    assert f"{source.topic}/0/3-{last} (where it ends is not certain" in told
    await listener.close()


async def test_held_partition_of_a_topic_made_anew_is_read(kafka: Kafka) -> None:
    """The batch is gone with the old topic, and nothing is held any more."""
    source = KafkaSource(kafka.address, partitions_count=1)
    await source.open()
    await _fill_one(source)
    _flip(kafka, source, b"broken 3")
    listener = source.listener()
    await listener.open()
    await _complaint(listener)
    await make_anew(source)
    await _send(source, 0, b"new 1")
    assert await listener.backlog() is None
    await listener.backlog()
    assert not listener.complaint
    assert await _bodies(listener, 1) == [b"new 1"]
    await listener.close()
    await source.close()
