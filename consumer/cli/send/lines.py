"""Sends each line of a file as a message, without the line end: `consumer send --file FILE`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.cli.input.configuration import load_config
from consumer.cli.input.files import opened
from consumer.cli.send.deliver import deliver
from consumer.tools.sample.generate import Intent, Sample
from consumer.tools.sample.senders import make_sender

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from consumer.cli.send.command import SendOptions
    from consumer.tools.sample.generate import SentCounts


async def send_file(options: SendOptions) -> None:
    """Send each line of the file as a message of the type that the user gave. Skip empty lines.

    Raises:
        ConfigError: The configuration is wrong, or has no listener with the name of `--to`.
        ConsumerError: The file cannot be read.
        Unavailable: The broker cannot be reached, or did not confirm a batch.
    """
    (message_type,) = options.types
    sender = make_sender(load_config(options.config_file), options.listener)
    with opened(options.file or "") as stream:
        await deliver(
            sender,
            _samples(stream, message_type),
            total_count=None,
            rate_per_s=options.rate_per_s,
            summary=_summary,
        )


def _samples(lines: Iterable[bytes], message_type: str) -> Iterator[Sample]:
    for line in lines:
        body = line.rstrip(b"\r\n")
        if body:
            yield Sample(body, message_type, Intent.EVENT)


def _summary(sent: SentCounts) -> str:
    return f"sent {sent.by_intent.total()} lines"
