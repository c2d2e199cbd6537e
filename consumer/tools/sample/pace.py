"""Sends samples in batches, as fast as the broker confirms or at a given rate."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

    from consumer.tools.sample.generate import Sample
    from consumer.tools.sample.sender import Sender

BATCH_COUNT: Final = 500
BATCH_BYTES: Final = 4 * 1024 * 1024
BATCHES_PER_S: Final = 10
"""With a rate: batches so small that the stream looks even."""


async def send_paced(
    sender: Sender, samples: Iterable[Sample], rate: float | None
) -> AsyncIterator[Sequence[Sample]]:
    """Send in batches at so many a second; yields each batch once it is confirmed.

    Raises:
        Unavailable: not confirmed.
    """
    loop = asyncio.get_running_loop()
    started_s, sent_count = loop.time(), 0
    size = BATCH_COUNT if rate is None else max(1, min(BATCH_COUNT, round(rate / BATCHES_PER_S)))
    source = iter(samples)
    while together := batch(source, size):
        await sender.send(together)
        sent_count += len(together)
        yield together
        if rate is not None:
            await asyncio.sleep(max(0.0, started_s + sent_count / rate - loop.time()))


def batch(source: Iterator[Sample], size: int) -> list[Sample]:
    """Take so many; fewer where they are large."""
    taken: list[Sample] = []
    total_bytes = 0
    for sample in islice(source, size):
        taken.append(sample)
        total_bytes += len(sample.body)
        if total_bytes >= BATCH_BYTES:
            break
    return taken
