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
        listeners: If true, each listener's source is asked.
        opens: If true, each listener is opened and closed again.
    """

    config_file: Path | None
    listeners: bool
    opens: bool


_check: Final = LazyCall("consumer.cli.check.report:check", CheckOptions)


@click.command()
@config_option
@click.option(
    "--listeners/--no-listeners",
    default=True,
    show_default=True,
    help="Ask the source of each listener.",
)
@click.option(
    "--open",
    "opens",
    is_flag=True,
    help="Open each listener and close it again. The text above says what its broker then does.",
)
@takes(CheckOptions)
def check(options: CheckOptions) -> None:
    """Check the configuration, then ask every broker, and print a line for each answer.

    Nothing is created or changed, and no message is taken. The store is an exception: a key of its
    own, which ends after a minute, shows that it can be written. Whether the database of [wallet]
    can be written is found out from the rights of its user.

    With --open, each listener is opened and closed as the daemon does it, and its broker notices
    this. NATS: a missing durable consumer is created. Kafka: the group gets a member for a moment,
    and rebalances. RabbitMQ: a missing queue is created if declare = true; the queue hands over
    some messages and takes them back as redelivered, and a quorum queue counts redeliveries. Only
    --open tests the permission to read from RabbitMQ and Kafka.

    With a table [http], the public port is taken for a moment, unless the daemon runs and has it.

    Exit codes:
      0  all is ok
      1  something is not ok
      2  the configuration is wrong

    Examples:
      consumer check
      consumer check --open
      consumer check --config brand-a.toml --no-listeners
    """
    _check(options)
