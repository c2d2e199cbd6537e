"""Declares `consumer top`: its options and its help text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from consumer.cli.declare import config_option, takes
from consumer.cli.input.parameters import DurationParameter
from consumer.cli.lazy import LazyCall
from consumer.cli.top.address import base_url


class TopOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer top`.

    Attributes:
        urls: The URLs of the operations ports of the processes. Empty means the operations port of
            the configuration.
        config_file: The configuration file. None means the first of the usual files that exists.
        every_s: The length of an interval, in seconds.
        count: The number of intervals after which the verb ends. None means that it does not end.
    """

    urls: tuple[str, ...]
    config_file: Path | None
    every_s: float
    count: int | None


_watch: Final = LazyCall("consumer.cli.top.watch:watch", TopOptions)
_watch_configured: Final = LazyCall("consumer.cli.top.configured:watch_configured", TopOptions)


def _urls(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    urls: dict[str, None] = {}
    for text in texts:
        try:
            urls[base_url(text)] = None
        except ValueError as error:
            raise click.BadParameter(f"{text!r}: expected host:port or http://host:port") from error
    return tuple(urls)


@click.command()
@click.argument("urls", metavar="[URL]...", nargs=-1, callback=_urls)
@config_option
@click.option(
    "--every",
    "every_s",
    type=DurationParameter(),
    default="2s",
    show_default=True,
    help="The length of an interval.",
)
@click.option("--count", type=click.IntRange(1), help="End after this number of intervals.")
@takes(TopOptions)
def top(options: TopOptions) -> None:
    """Show what every listener is doing now, until Ctrl-C.

    This verb reads /metrics and /readyz of each process whose URL is given. Without a URL, it asks
    the process at [operations] bind of the configuration. On a terminal, a table is kept up to
    date. In a pipe, a line of JSON is printed for each listener at the end of each interval. A
    process that does not answer is shown as away, and is asked again in each interval.

    Columns:
      recv/s  messages received a second
      fwd/s   events forwarded a second
      dup %   the share of duplicates among the received messages
      dead/s  dead letters a second
      dead    dead letters since the process started
      lag     messages that wait at the source
      flight  messages that were taken in and are not concluded yet
      oldest  the age of the oldest of these messages

    Examples:
      consumer top
      consumer top 10.0.0.1:9464 10.0.0.2:9464 --every 5s
      consumer top --count 1 | jq -c '[.listener, .lag]'
    """
    try:
        if options.urls:
            _watch(options)
        _watch_configured(options)
    except KeyboardInterrupt:
        sys.exit(0)  # Ctrl-C is the ordinary way to end this verb
