"""Declares `consumer validate`: its options and its help text."""

from __future__ import annotations

from typing import Final, Literal

import click
import msgspec

from consumer.cli.declare import form_option, takes
from consumer.cli.lazy import LazyCall


class ValidateOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer validate`.

    Attributes:
        files: The files. Empty means standard input, and so does a file that is called `-`.
        message_type: The message type of all events, as their messages have it. None means that
            the name of each file is the name of its type.
        content_encoding: The content encoding of all messages. None means that they have none.
        strict: If true, an event that the vendor's own schema refuses is refused.
        form: The form of the remarks.
        limit_count: The largest number of rows of a table.
    """

    files: tuple[str, ...]
    message_type: str | None
    content_encoding: str | None
    strict: bool
    form: Literal["table", "json"]
    limit_count: int


_validate: Final = LazyCall("consumer.cli.validate.files:validate", ValidateOptions)


@click.command()
@click.argument(
    "files",
    metavar="[FILE]...",
    nargs=-1,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
)
@click.option(
    "--type",
    "message_type",
    metavar="TYPE",
    help="The property `type` of all messages. [default: the file's name, as in casino.ndjson]",
)
@click.option(
    "--content-encoding",
    metavar="ENCODING",
    help="The property `content_encoding` of all messages. A FILE that is not plain JSON is then "
    "the body of one message, as it is sent. [default: none]",
)
@click.option(
    "--strict",
    is_flag=True,
    help='Refuse what the vendor\'s own schema refuses, as validation = "strict" does.',
)
@form_option(
    "table",
    default="table",
    help_text="Print a table for people, or a line of JSON for each remark and a line for the sum.",
)
@click.option(
    "--limit",
    "limit_count",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="The largest number of rows of a table. Further remarks are only counted.",
)
@takes(ValidateOptions)
def validate(options: ValidateOptions) -> None:
    """Check events against the catalogue, and tell everything that is wrong with each event.

    A FILE holds one JSON event on each line, or JSON events over several lines each, or a JSON
    array of events. A file that gzip has packed is unpacked. Without a FILE, or for `-`, standard
    input is read. An error has the same words as in a dead letter. This verb needs no broker and no
    configuration.

    --type and --content-encoding are the properties (or headers) of the messages, exactly as you
    set them. What a listener would say about them is said here.

    Exit codes:
      0  every event is good; warnings and repetitions do not count
      1  an event is wrong, or there is none

    Examples:
      consumer validate casino.ndjson
      consumer validate --type PAYMENT --strict deposits.json.gz
      my-exporter --last 1000 | consumer validate --type CASINO
      consumer validate --type CASINO --content-encoding gzip body.bin
      consumer validate casino.ndjson --format json | jq -r 'select(.severity=="error").field'
    """
    _validate(options)
