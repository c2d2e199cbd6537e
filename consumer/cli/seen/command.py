"""Declares `consumer seen`: its options and its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import click
import msgspec

from consumer.cli.declare import config_option, form_option, takes
from consumer.cli.input.parameters import TimeParameter
from consumer.cli.lazy import LazyCall


class SeenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer seen`.

    Attributes:
        message_type: The message type of the event.
        event_id: The CloudEvents id of the event.
        config_file: The configuration file. None means the first of the usual files that exists.
        brand: The brand of the event. None means every brand of the configuration.
        since_s: The time from which on the sink is searched, in seconds since 1970. None means
            around the time that the store tells, or the last hour if the store tells none.
        form: The form of the answer. None means text on a terminal and JSON in a pipe.
    """

    message_type: str
    event_id: str
    config_file: Path | None = None
    brand: str | None = None
    since_s: float | None = None
    form: Literal["text", "json"] | None = None


_tell: Final = LazyCall("consumer.cli.seen.tell:tell", SeenOptions)


@click.command()
@click.argument("message_type", metavar="TYPE")
@click.argument("event_id", metavar="ID")
@config_option
@click.option(
    "--brand",
    metavar="NAME",
    help="The brand of the event. [default: every brand of the configuration]",
)
@click.option(
    "--since",
    "since_s",
    type=TimeParameter(),
    help="Search what the sink has stored since TIME. TIME is RFC 3339, or how long ago it was: "
    "30m, 1h, 2d. [default: around the time that the store tells, or else the last hour]",
)
@form_option(
    "text",
    help_text="Print text for people, or a line of JSON. [default: text on a terminal, JSON in "
    "a pipe]",
)
@takes(SeenOptions)
def seen(options: SeenOptions) -> None:
    """Tell what the store remembers of an event, and where the event is in the sink.

    ID is the CloudEvents id of the event. The id of a CASINO event is its activity_id, followed by
    `:rollback` for a rollback. The id of a PAYMENT event is its payment_id, type and status, with
    colons between them.

    This verb changes nothing. In the sink, it reads only headers. It finds an event by the message
    id that the daemon gives to the event under the current routes.

    Exit codes:
      0  the event was found in the store or in the sink
      1  it was found in neither

    Examples:
      consumer seen CASINO 6f9619ff-8b86
      consumer seen CASINO 6f9619ff-8b86:rollback --since 2d
      consumer seen PAYMENT 23541:Credit:Approved --brand brand-a --format json
    """
    _tell(options)
