"""`consumer run`: the daemon."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import uvloop

from consumer.cli.main import config_option, load_config


@click.command()
@config_option
@click.option("--embedded", is_flag=True, help="Start NATS and Valkey, and stop them at the end.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".consumer"),
    show_default=True,
    help="With --embedded: the folder of the servers' data.",
)
@click.option(
    "--sample",
    is_flag=True,
    help="With --embedded: a sample brand sends a slow mix, and its events are shown.",
)
def run(config_file: Path | None, *, embedded: bool, data: Path, sample: bool) -> None:
    """Forward events until SIGTERM or SIGINT, then drain.

    A second signal ends it at once with exit code 1; what was in flight then comes again from its
    source at the next start.

    \b
    Examples:
      consumer run
      consumer run --config brand-a.toml
      consumer run --embedded             # no broker, no configuration needed
      consumer run --embedded --sample    # and events to look at
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    if sample and not embedded:
        raise click.UsageError("--sample needs --embedded: it sends to a server of our own")
    if embedded:
        from consumer.cli.run.embedded import run_embedded  # noqa: PLC0415  # an optional extra

        sys.exit(uvloop.run(run_embedded(config_file, data, sample=sample)))
    config = load_config(config_file)
    from consumer.cli.run.serve import serve  # noqa: PLC0415  # `--help` shall not wait for it
    from consumer.operations.log import configure  # noqa: PLC0415  # as above

    configure(config.log)
    sys.exit(uvloop.run(serve(config)))
