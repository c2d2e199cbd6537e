"""`consumer top`: what every listener is doing now."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from consumer.cli.main import config_option, load_config
from consumer.cli.terminal import Duration

if TYPE_CHECKING:
    from pathlib import Path


def _urls(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    from consumer.cli.top.read import base_url  # noqa: PLC0415  # `--help` is quick

    try:
        return tuple(dict.fromkeys(base_url(text) for text in texts))
    except ValueError as error:
        raise click.BadParameter(
            f"{str(error)!r}: expected host:port or http://host:port"
        ) from error


@click.command()
@click.argument("urls", metavar="[URL]...", nargs=-1, callback=_urls)
@config_option
@click.option(
    "--every", type=Duration(), default="2s", show_default=True, help="How often to look."
)
@click.option("--count", type=click.IntRange(1), help="End after so many intervals.")
def top(
    urls: tuple[str, ...], config_file: Path | None, *, every: float, count: int | None
) -> None:
    """Show what every listener is doing now, until Ctrl-C.

    Reads /metrics and /readyz of one process or several; by default of the one at [operations]
    bind of the configuration. On a terminal a table that is kept up to date, in a pipe a line of
    JSON for each listener and interval. A process that is away comes back by itself.

    recv/s, fwd/s, dead/s: received, forwarded, dead letters a second; dup %: duplicates among the
    received; dead: dead letters since the process started; lag: messages that wait at the source;
    flight: taken in and not concluded; oldest: the age of the oldest of those.

    \b
    Examples:
      consumer top
      consumer top 10.0.0.1:9464 10.0.0.2:9464 --every 5s
      consumer top --count 1 | jq -c '[.listener, .lag]'
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    from consumer.cli.top.read import reachable  # noqa: PLC0415  # `--help` is quick
    from consumer.cli.top.watch import watch  # noqa: PLC0415  # as above

    if not urls:
        urls = (reachable(load_config(config_file).operations.bind),)
    try:
        asyncio.run(watch(urls, every, count))
    except KeyboardInterrupt:
        sys.exit(0)  # the ordinary way out of a view that has no end
