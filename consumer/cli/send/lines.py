"""Sends each event of a file as a message, as it is: `consumer send --file FILE`.

The file is read as `consumer validate` reads it: lines, JSON over several lines, or a JSON array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from consumer.cli.input.configuration import load_config
from consumer.cli.input.files import opened
from consumer.cli.send.deliver import deliver
from consumer.cli.send.source import asked_sender
from consumer.errors import ConsumerError
from consumer.events.registry import find
from consumer.pipeline.decode import suggestion
from consumer.tools.sample.generate import Intent, Sample
from consumer.tools.validation.cut import EVENT_MAX_BYTES, EventFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.cli.send.command import SendOptions
    from consumer.tools.sample.generate import SentCounts


async def send_file(options: SendOptions) -> None:
    """Send each event of the file as a message of the type that the user gave.

    Raises:
        ConfigError: The configuration is wrong, or has no listener with the name of `--to`.
        ConsumerError: The file cannot be read, or an event in it is too large.
        Unavailable: The broker cannot be reached, or did not confirm a batch.
    """
    (message_type,) = options.types
    if find(message_type) is None:
        meant = suggestion(message_type)
        click.echo(f"consumer: no message type is called {message_type!r}{meant}", err=True)
    sender = asked_sender(load_config(options.config_file), options)
    with opened(options.file or "") as stream:
        await deliver(
            sender,
            _samples(EventFile(stream), message_type),
            total_count=None,
            rate_per_s=options.rate_per_s,
            summary=_summary,
        )


def _samples(events: EventFile, message_type: str) -> Iterator[Sample]:
    for record in events:
        if record.size_bytes > EVENT_MAX_BYTES:
            raise ConsumerError(
                f"line {record.line}: expected at most {EVENT_MAX_BYTES} bytes, "
                f"got {record.size_bytes}"
            )
        yield Sample(record.body, message_type, Intent.EVENT)


def _summary(sent: SentCounts) -> str:
    return f"sent {sent.by_intent.total()} events"
