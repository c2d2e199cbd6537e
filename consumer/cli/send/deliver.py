"""Sends samples beside a progress bar, and says at the end what was confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from consumer.cli.terminal.progress import progress_bar
from consumer.tools.sample.generate import SentCounts
from consumer.tools.sample.pace import send_paced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from consumer.tools.sample.generate import Sample
    from consumer.tools.sample.sender import SampleSender


async def deliver(
    sender: SampleSender,
    samples: Iterable[Sample],
    *,
    total_count: int | None,
    rate_per_s: float | None,
    summary: Callable[[SentCounts], str],
) -> None:
    """Send everything, and print a summary of what was confirmed, also after an error.

    Args:
        sender: Not open yet; it is closed at the end.
        samples: What to send.
        total_count: The number of samples. None means that it is not known.
        rate_per_s: The number of samples a second. None means as fast as the broker confirms.
        summary: Writes the summary.

    Raises:
        Unavailable: The broker is away, or did not confirm a batch.
    """
    sent = SentCounts()
    try:
        await sender.open()
    except BaseException:
        await sender.close()
        raise
    try:
        with progress_bar("sending", total_count) as advance:
            async for batch in send_paced(sender, samples, rate_per_s):
                sent.add(batch)
                advance(len(batch))
    finally:
        await sender.close()
        click.echo(summary(sent))
