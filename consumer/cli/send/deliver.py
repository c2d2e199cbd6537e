"""Sends samples and shows a progress bar; says at the end how many the broker confirmed."""

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
    """Send all samples, then print a summary of those that the broker confirmed.

    The summary also appears when sending fails, but not when the sender cannot be opened.

    Args:
        sender: The sender, not open. This function opens and closes it.
        samples: The samples to send.
        total_count: The number of samples. None means that it is not known.
        rate_per_s: The number of samples a second. None means no limit: a batch
            is sent when the broker has confirmed the batch before it.
        summary: A function that returns the text of the summary.

    Raises:
        Unavailable: The broker cannot be reached, or did not confirm a batch.
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
