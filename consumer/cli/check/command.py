"""Declares `consumer check`: its options and its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from consumer.cli.declare import config_option, takes
from consumer.cli.lazy import LazyCall


class CheckOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer check`.

    Attributes:
        config_file: The configuration file. None means the first of the usual files that exists.
        listeners: If true, each listener is opened and closed again.
    """

    config_file: Path | None
    listeners: bool


_check: Final = LazyCall("consumer.cli.check.report:check", CheckOptions)


@click.command()
@config_option
@click.option(
    "--listeners/--no-listeners",
    default=True,
    show_default=True,
    help="Open each listener and close it again. The text above says what its broker then does.",
)
@takes(CheckOptions)
def check(options: CheckOptions) -> None:
    """Check the configuration, then ask every broker, and print a line for each answer.

    Streams are never created or changed. But each listener is opened and closed as the daemon does
    it, and its broker notices this. NATS: a durable consumer is created if it is missing. Kafka:
    the group gets a member for a moment, and rebalances. RabbitMQ: the queue hands over some
    messages and takes them back as redelivered, and a quorum queue counts redeliveries. No
    listener is opened with --no-listeners. With a table [http], the public port is taken for a
    moment, unless the daemon runs and has it.

    Exit codes:
      0  all is ok
      1  something is not ok
      2  the configuration is wrong

    Examples:
      consumer check
      consumer check --config brand-a.toml --no-listeners
    """
    _check(options)
