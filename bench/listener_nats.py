"""What one message costs this process from the socket of NATS to its acknowledgement.

    python -m bench.listener_nats [nats://127.0.0.1:4222 [messages]]

Compare figures of one run only: the server shares the machine.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import nats
import uvloop

from tests.brokers import running_brokers
from tests.support.fates import end_all
from tests.support.source_nats import NatsSource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BODY = b"x" * 600
HEADERS = {"type": "CASINO", "Content-Type": "application/json"}
BATCH_COUNT = 500


async def fill(source: NatsSource, url: str, count: int) -> None:
    """Publish with many acknowledgements outstanding."""
    client = await nats.connect(url)
    jetstream = client.jetstream(publish_async_max_pending=1000)
    for _ in range(count):
        await jetstream.publish_async(source.subject, BODY, headers=HEADERS)
    await jetstream.publish_async_completed()
    await client.close()


async def ours(source: NatsSource, _url: str, count: int) -> None:
    """Receive and settle in batches, as a lane does."""
    listener = source.listener(ack_wait_s=60)
    await listener.open()
    while count:
        batch = await listener.receive(BATCH_COUNT, 1 << 22, 5)
        end_all(batch)
        await listener.settle(batch)
        count -= len(batch)
    await listener.close()


async def usual(source: NatsSource, url: str, count: int) -> None:
    """Fetch batches with nats-py's pull subscription, one acknowledgement each."""
    client = await nats.connect(url)
    pull = await client.jetstream().pull_subscribe(source.subject, "usual", stream=source.stream)
    while count:
        batch = await pull.fetch(BATCH_COUNT)
        for message in batch:
            await message.ack()
        count -= len(batch)
    await client.close()


async def main(url: str, count: int) -> None:
    """Run both over the same messages and print a line each."""
    ways: list[Callable[[NatsSource, str, int], Awaitable[None]]] = [ours, usual]
    for way in ways:
        source = NatsSource(url)
        await source.open()
        await fill(source, url, count)
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        await way(source, url, count)
        cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
        name = getattr(way, "__name__", "")
        print(f"{name:6} {count / wall_s:8,.0f}/s {cpu_s / count * 1e6:6.1f} us CPU each")
        await source.close()


if __name__ == "__main__":
    given = dict(enumerate(sys.argv))
    uvloop.run(main(given.get(1) or running_brokers()["nats"], int(given.get(2, 100_000))))
