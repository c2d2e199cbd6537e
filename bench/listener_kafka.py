"""What one record costs this process from Kafka's socket to its committed offset.

    python -m bench.listener_kafka [127.0.0.1:9092 [records]]

Compare figures of one run only: the broker shares the machine.
"""

from __future__ import annotations

import sys
import time

import uvloop
from aiokafka import AIOKafkaConsumer

from tests.brokers import running_brokers
from tests.support.fates import end_all
from tests.support.source_kafka import KafkaSource

BODY = b"x" * 600
BATCH_COUNT = 500


async def fill(source: KafkaSource, count: int) -> None:
    """Send with many confirms outstanding."""
    for _ in range(count // 1000):
        await source.send_many([BODY] * 1000)


async def ours(source: KafkaSource, count: int) -> None:
    """Receive and settle in batches, as a lane does."""
    listener = source.listener()
    await listener.open()
    while count:
        batch = await listener.receive(BATCH_COUNT, 1 << 22, 5)
        end_all(batch)
        await listener.settle(batch)
        count -= len(batch)
    await listener.close()


async def usual(source: KafkaSource, count: int) -> None:
    """Iterate over aiokafka's consumer, which commits by the clock."""
    consumer = AIOKafkaConsumer(
        source.topic,
        bootstrap_servers=source.address,
        group_id=source.group,
        auto_offset_reset="earliest",
    )
    async with consumer:
        async for _ in consumer:
            count -= 1
            if not count:
                break


async def main(address: str, count: int) -> None:
    """Run both over the same records and print a line each."""
    for way in (ours, usual):
        source = KafkaSource(address)
        await source.open()
        await fill(source, count)
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        await way(source, count)
        cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
        print(f"{way.__name__:6} {count / wall_s:8,.0f}/s {cpu_s / count * 1e6:6.1f} us CPU each")
        await source.close()


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    uvloop.run(main(given.get(1) or running_brokers()["kafka"], int(given.get(2, 100_000))))
