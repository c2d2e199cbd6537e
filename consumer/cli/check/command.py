"""Declares `consumer check`: its options and its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from consumer.cli.declare import config_option, takes
from consumer.cli.lazy import LazyCall


class CheckOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What `check` shall look at.

    Attributes:
        config_file: The configuration file. None means the first of the usual files.
        listeners: Each listener is opened for a moment.
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
    help="Open each listener for a moment. The text above says what that does at its broker.",
)
@takes(CheckOptions)
def check(options: CheckOptions) -> None:
    """Check the configuration, then ask every broker in turn: a line each, ok or what to do.

    Streams are looked at, never created or changed. A listener is opened and closed as the daemon
    does it, which its broker notices. NATS: a durable that is missing is created. Kafka: the group
    gets a member for a moment, and rebalances. RabbitMQ: the queue hands over some messages and
    gets them back as redelivered, which a quorum queue counts. Use --no-listeners where that
    disturbs.

    Exit codes:
      0  all is ok
      1  something is not ok
      2  the configuration is wrong

    Examples:
      consumer check
      consumer check --config brand-a.toml --no-listeners
    """
    _check(options)
