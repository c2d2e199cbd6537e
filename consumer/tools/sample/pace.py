"""Sends samples in batches, as fast as the broker confirms them or at a given rate."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

    from consumer.tools.sample.generate import Sample
    from consumer.tools.sample.sender import SampleSender

BATCH_COUNT: Final = 500
BATCH_BYTES: Final = 4 * 1024 * 1024
BATCHES_PER_S: Final = 10
"""The number of batches a second for which the size of a batch is chosen, if a rate is given. So
the messages flow evenly. A batch has at least 1 sample and at most `BATCH_COUNT` samples."""


async def send_paced(
    sender: SampleSender, samples: Iterable[Sample], rate_per_s: float | None
) -> AsyncIterator[Sequence[Sample]]:
    """Send the samples in batches; yields each batch once the broker has confirmed it.

    Args:
        sender: The sender, which is open.
        samples: The samples.
        rate_per_s: The number of samples a second. None means as fast as the broker confirms.

    Raises:
        Unavailable: The broker did not confirm a batch.
    """
    loop = asyncio.get_running_loop()
    started_s, sent_count = loop.time(), 0
    max_count = BATCH_COUNT
    if rate_per_s is not None:
        max_count = max(1, min(BATCH_COUNT, round(rate_per_s / BATCHES_PER_S)))
    source = iter(samples)
    while batch := take_batch(source, max_count):
        await sender.send(batch)
        sent_count += len(batch)
        yield batch
        if rate_per_s is not None:
            await asyncio.sleep(max(0.0, started_s + sent_count / rate_per_s - loop.time()))


def take_batch(source: Iterator[Sample], max_count: int) -> list[Sample]:
    """Take the next samples: at most `max_count`, and fewer if they are large."""
    taken: list[Sample] = []
    total_bytes = 0
    for sample in islice(source, max_count):
        taken.append(sample)
        total_bytes += len(sample.body)
        if total_bytes >= BATCH_BYTES:
            break
    return taken
