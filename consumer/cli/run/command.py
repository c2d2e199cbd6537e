"""Declares `consumer run`: its options and its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from consumer.cli.declare import config_option, takes
from consumer.cli.lazy import ON_UVLOOP, LazyCall


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of `consumer run`.

    Attributes:
        config_file: The configuration file. None means the first of the usual files that exists,
            or, if `embedded` is true, a configuration for a sample brand.
        embedded: If true, NATS and Valkey are started with the daemon.
        data: The folder of the servers' data. It is used only if `embedded` is true.
        sample: If true, a sample brand sends events, and they are shown. It needs `embedded`, and
            no `config_file`.
    """

    config_file: Path | None
    embedded: bool
    data: Path
    sample: bool


_run: Final = LazyCall("consumer.cli.run.serve:run", RunOptions, loop=ON_UVLOOP)
_run_embedded: Final = LazyCall(
    "consumer.cli.run.embedded:run_embedded", RunOptions, loop=ON_UVLOOP
)


@click.command()
@config_option
@click.option(
    "--embedded", is_flag=True, help="Start NATS and Valkey first, and stop them at the end."
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".consumer"),
    show_default=True,
    help="With --embedded: the folder where the servers keep their data.",
)
@click.option(
    "--sample",
    is_flag=True,
    help="With --embedded, without --config: a sample brand sends a few events a second, and they "
    "are shown.",
)
@takes(RunOptions)
def run(options: RunOptions) -> None:
    """Forward events until SIGTERM or SIGINT, then conclude what is in flight, and end.

    A second signal ends the process within 5 s, with exit code 1. The source then delivers again
    what was in flight.

    With --embedded and without --config, no configuration file is read. The daemon then has a
    listener for a sample brand on its own NATS, and a public port with a sandbox. An access key for
    live events and one for tests are kept in the folder of --data, and a curl line is printed for
    each.

    With --embedded and --config, the listeners are those of the file. They take messages away from
    their real sources. Only the sink and the store are servers of our own.

    Examples:
      consumer run
      consumer run --config brand-a.toml
      consumer run --embedded             # needs no broker and no configuration
      consumer run --embedded --sample    # the same, with events to look at
      consumer run --embedded --config test.toml    # the listeners of the file, our own sink
    """
    if options.sample and not options.embedded:
        raise click.UsageError("--sample needs --embedded: it sends to a server of our own")
    if options.sample and options.config_file is not None:
        # Subscribers could get an event that never happened, through any process on this source.
        raise click.UsageError(
            "--sample does not go with --config: it would send made-up events to the real sources"
        )
    if options.embedded:
        _run_embedded(options)
    _run(options)
