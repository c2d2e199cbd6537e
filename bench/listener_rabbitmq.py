"""Measures what one message costs this process, from RabbitMQ's socket to its acknowledgement.

    python -m bench.listener_rabbitmq [amqp://guest:guest@127.0.0.1:5672/ [messages]]

Compare figures of the same run only, because the broker shares the machine.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

import aio_pika
import uvloop

from tests.brokers import running_brokers
from tests.support.fates import end_all
from tests.support.source_rabbitmq import RabbitmqSource

if TYPE_CHECKING:
    from aio_pika.abc import AbstractIncomingMessage

BODY = b"x" * 600
BATCH_COUNT = 500


async def fill(source: RabbitmqSource, count: int) -> None:
    """Publish many messages before the first of them is confirmed."""
    for _ in range(count // 1000):
        async with asyncio.TaskGroup() as group:
            for _ in range(1000):
                group.create_task(source.send(BODY))


async def ours(source: RabbitmqSource, count: int) -> None:
    """Receive and settle in batches, as a lane does."""
    listener = source.listener()
    await listener.open()
    while count:
        batch = await listener.receive(BATCH_COUNT, 1 << 22, 5)
        end_all(batch)
        await listener.settle(batch)
        count -= len(batch)
    await listener.close()


async def usual(source: RabbitmqSource, count: int) -> None:
    """Consume with aio-pika's callback, with an acknowledgement for each message."""
    async with await aio_pika.connect(source.url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        done = asyncio.Event()
        left = count

        async def take(message: AbstractIncomingMessage) -> None:
            nonlocal left
            await message.ack()
            left -= 1
            if not left:
                done.set()

        await channel.set_qos(prefetch_count=2000)
        queue = await channel.get_queue(source.queue)
        await queue.consume(take)
        await done.wait()


async def main(url: str, count: int) -> None:
    """Run both ways over equal messages, and print a line for each way."""
    for way in (ours, usual):
        source = RabbitmqSource(url)
        await source.open()
        await fill(source, count)
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        await way(source, count)
        cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
        print(f"{way.__name__:6} {count / wall_s:8,.0f}/s {cpu_s / count * 1e6:6.1f} us CPU each")
        await source.close()


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    uvloop.run(main(given.get(1) or running_brokers()["rabbitmq"], int(given.get(2, 100_000))))
