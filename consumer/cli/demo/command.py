"""Declares `consumer demo`: its options and its help text."""

from __future__ import annotations

from typing import Final

import click
import msgspec

from consumer.cli.declare import takes
from consumer.cli.input.mix import mix_options
from consumer.cli.lazy import ON_UVLOOP, LazyCall


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer demo`.

    Attributes:
        count: The number of messages.
        seed: The seed of the events.
        duplicates_ratio: The share of duplicates among the messages.
        broken_ratio: The share of broken events among the messages.
    """

    count: int
    seed: int
    duplicates_ratio: float
    broken_ratio: float


_demonstrate: Final = LazyCall(
    "consumer.cli.demo.demonstrate:demonstrate", DemoOptions, loop=ON_UVLOOP
)


@click.command()
@mix_options(count=1000, duplicates="10%", broken="2%")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed makes the same events."
)
@takes(DemoOptions)
def demo(options: DemoOptions) -> None:
    """Run the daemon on servers of its own, send sample messages, and check the result.

    A sample brand sends events, duplicates and broken events: most over NATS, and the last ones
    over HTTP, with an access key. The events are shown as they pass: lines on a terminal, NDJSON in
    a pipe. Then the streams are read to the last event. The books balance if each distinct event is
    in the stream exactly once, and each broken event is a dead letter.

    Exit codes:
      0  the books balance
      1  the books do not balance, or something failed

    Examples:
      consumer demo
      consumer demo --count 20000 --duplicates 30% --seed 7
      consumer demo | jq -c '[.type, .data.amount]'
    """
    if options.duplicates_ratio + options.broken_ratio >= 1:
        raise click.UsageError("--duplicates and --broken leave no event: expected less than 100%")
    _demonstrate(options)
