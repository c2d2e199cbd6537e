"""Hostile messages drawn at random: how long each holds the event loop, and whether memory grows.

    python -m bench.fuzz_costs [--seconds 600] [--seed 1] [--number 17]

Bodies go through the decoder, and what it refuses is written as a dead letter. Frames of RabbitMQ
with random tables of headers are cut and described, and record batches of Kafka are read. A task
that wakes up every millisecond measures how long the loop was held. The machine may be busy: so
only the time counts in which this process computes, and a message that held the loop for too long
is tried again alone, and its shortest hold counts. With `--number`, only one message is tried.

Ends with 1, and the messages, if any of them holds the loop for more than 50 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import uvloop
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException

from consumer.dead_letters.record import first_letters, to_message
from consumer.dead_letters.stream import HASHED_HERE_BYTES
from consumer.deliveries.origin import Origin
from consumer.listeners.kafka.batches import Records
from consumer.listeners.kafka.internals import HEADER_OBJECTS_BYTES
from consumer.listeners.rabbitmq.frames import FrameCutter, token_of
from consumer.listeners.rabbitmq.origin import describe
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from consumer.turn import Turn
from tests.support.fates import REJECTED, SENDER, sent
from tests.support.hostile import batch, frames, message

if TYPE_CHECKING:
    from consumer.deliveries.delivery import Delivery
    from consumer.errors import Rejected

HOLD_MAX_S: Final = 0.05
TICK_S: Final = 0.001
AGAIN_COUNT: Final = 5
MINUTE_S: Final = 60.0
SOCKET_BYTES: Final = 256 * 1024
"""As much as uvloop reads from a socket at once."""
HANDED_OUT_COUNT: Final = 500
HANDED_OUT_BYTES: Final = 4 * 1024 * 1024
"""The usual limits of a batch. The listener asks aiokafka for no more."""
KINDS: Final = (*("body",) * 8, "frames", "batch")
COUNTS: Final = (1, 1, 1, 2, 20)
PARTITION: Final = TopicPartition("fuzz", 0)
letter_of = first_letters("fuzz")


class Drawn(msgspec.Struct):
    """Something hostile: what it is, its bytes, and what the process does with it."""

    name: str
    body: bytes
    take: Callable[[], Awaitable[None]]

    @property
    def text(self) -> str:
        """What it is, in a line."""
        return f"{self.name}, {len(self.body):,} bytes: {self.body[:60]!r}"


class Ticker:
    """Notes the longest time for which the loop was held."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def run(self) -> None:
        """Tick until it is cancelled."""
        last_s, last_cpu_s = time.perf_counter(), time.process_time()
        while True:
            await asyncio.sleep(TICK_S)
            now_s, now_cpu_s = time.perf_counter(), time.process_time()
            # Other processes may hold the processor, but not the loop.
            held_s = min(now_s - last_s - TICK_S, now_cpu_s - last_cpu_s)
            self.longest_s = max(self.longest_s, held_s)
            last_s, last_cpu_s = now_s, now_cpu_s

    async def hold_s(self, drawn: Drawn) -> float:
        """Return for how long something held the loop."""
        await asyncio.sleep(2 * TICK_S)
        self.longest_s = 0.0
        await drawn.take()
        await asyncio.sleep(2 * TICK_S)
        return self.longest_s


async def decode(decoder: Decoder, works: list[Work]) -> None:
    """Decode a batch and write its letters, as a lane does."""
    async for decoded in decoder.batches(works, 0.0, 0.0):
        await asyncio.sleep(0)
        turn = Turn()
        for delivery, rejected in Batch.dead(decoded):
            await write_letter(delivery, rejected, Origin({}, {}), turn)
        await asyncio.sleep(0)


async def write_letter(delivery: Delivery, rejected: Rejected, origin: Origin, turn: Turn) -> None:
    """Write a letter, and give others their turns."""
    letter = letter_of(delivery, rejected, origin, 0.0)
    # `DeadLetters` hashes large bodies in a thread.
    is_large = len(letter.body) > HASHED_HERE_BYTES
    message_id = await asyncio.to_thread(lambda: letter.message_id) if is_large else "small"
    to_message(letter, "dead", message_id)
    if turn.is_over():
        await asyncio.sleep(0)


async def take_frames(data: bytes) -> None:
    """Cut the deliveries out of what a socket gives, and describe each for a letter."""
    cutter = FrameCutter(lambda _: None, SENDER)
    turn = Turn()
    for at in range(0, len(data), SOCKET_BYTES):
        cutter.feed(data[at : at + SOCKET_BYTES])
        await asyncio.sleep(0)
    for delivery in cutter.deliveries:
        origin = describe("queue", token_of(delivery))
        await write_letter(delivery, REJECTED.rejected, origin, turn)


async def read_batch(data: bytes) -> None:
    """Read a record batch, as many records at once as `FetchedRecords` hands out."""
    reader = PartitionRecords(PARTITION, Records(data), [], 0, None, None, False, READ_COMMITTED)
    with suppress(CorruptRecordException):
        count, taken_bytes = 0, 0
        for record in reader:
            count += 1
            taken_bytes += len(record.value) + HEADER_OBJECTS_BYTES * len(record.headers)
            if count == HANDED_OUT_COUNT or taken_bytes >= HANDED_OUT_BYTES:
                count, taken_bytes = 0, 0
                await asyncio.sleep(0)


def draw(source: random.Random, decoders: list[Decoder]) -> Drawn:
    """Draw the next."""
    kind = source.choice(KINDS)
    if kind == "frames":
        data = b"".join(frames(source, message(source).body) for _ in range(source.randint(1, 20)))
        return Drawn("frames of RabbitMQ", data, lambda: take_frames(data))
    if kind == "batch":
        records = batch(source)
        return Drawn("record batch of Kafka", records, lambda: read_batch(records))
    count, bomb, decoder = source.choice(COUNTS), message(source), source.choice(decoders)
    encoding = bomb.encoding or None

    def take() -> Awaitable[None]:
        deliveries = [
            sent(bomb.body, bomb.message_type, content_encoding=encoding) for _ in range(count)
        ]
        return decode(decoder, [Work(delivery) for delivery in deliveries])

    return Drawn(f"{count} x {bomb.name}, label {bomb.encoding!r}", bomb.body, take)


def memory() -> str:
    """Say how much memory this process has, and how many blocks of it Python's objects take.

    The allocator keeps some memory that is free. Only what grows without an end is a leak.
    """
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    kb = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return f"memory {kb // 1024} MB, {sys.getallocatedblocks():,} blocks"


async def shortest_s(ticker: Ticker, drawn: Drawn) -> float:
    """Return for how long something holds the loop at least."""
    return min([await ticker.hold_s(drawn) for _ in range(AGAIN_COUNT)])


async def fuzz(ticker: Ticker, source: random.Random, seconds: float) -> list[str]:
    """Try what is drawn until the time is over; return what held the loop for too long."""
    decoders = [Decoder(), Decoder(strict=True), Decoder(unwrap="data")]
    worst_s, worst, count, found = 0.0, "", 0, []
    began_s = shown_s = time.perf_counter()
    while time.perf_counter() - began_s < seconds:
        drawn = draw(source, decoders)
        count += 1
        hold_s = await ticker.hold_s(drawn)
        if hold_s > min(worst_s, HOLD_MAX_S):
            hold_s = min(hold_s, await shortest_s(ticker, drawn))
        if hold_s > worst_s:
            worst_s, worst = hold_s, f"number {count}, {drawn.text}"
        if hold_s > HOLD_MAX_S:
            found.append(f"{1000 * hold_s:.1f} ms by number {count}, {drawn.text}")
        if time.perf_counter() - shown_s > MINUTE_S:
            shown_s += MINUTE_S
            print(f"  {count:,} drawn, {memory()}", flush=True)
    print(f"{count:,} drawn, longest hold {1000 * worst_s:.1f} ms by {worst}")
    return found


async def try_one(ticker: Ticker, source: random.Random, number: int) -> list[str]:
    """Try the message with a number alone; return its hold."""
    decoders = [Decoder(), Decoder(strict=True), Decoder(unwrap="data")]
    *_, drawn = (draw(source, decoders) for _ in range(number))
    return [f"{1000 * await shortest_s(ticker, drawn):.1f} ms by number {number}, {drawn.text}"]


async def main(seconds: float, seed: int, number: int) -> int:
    """Try one, or as many as there is time for; return the exit code."""
    source, ticker = random.Random(seed), Ticker()
    print(f"fuzz of costs: seed {seed}, {memory()}", flush=True)
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(ticker.run(), name="ticker")
        if number:
            found = await try_one(ticker, source, number)
        else:
            found = await fuzz(ticker, source, seconds)
        ticking.cancel()
    print(f"  at the end: {memory()}")
    for text in found:
        print(f"  {text}")
    return 1 if found else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="for so long, by default 5")
    parser.add_argument("--seed", type=int, default=1, help="draws the same messages again")
    parser.add_argument("--number", type=int, default=0, help="only the message with this number")
    options = parser.parse_args()
    sys.exit(uvloop.run(main(options.seconds, options.seed, options.number)))
