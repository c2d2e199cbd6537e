"""`consumer run`: the daemon."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import click
import uvloop

from consumer.app import App
from consumer.cli.main import config_option, load_config
from consumer.listeners.registry import kinds
from consumer.log import configure

if TYPE_CHECKING:
    from pathlib import Path

    from consumer.config import Config


@click.command()
@config_option
@click.option("--embedded", is_flag=True, help="Start NATS and Valkey, and stop them at the end.")
@click.option(
    "--data",
    type=click.Path(file_okay=False),
    default=".consumer",
    show_default=True,
    help="With --embedded: the folder of the servers' data.",
)
def run(config_file: Path | None, *, embedded: bool, data: str) -> None:
    """Forward events until SIGTERM or SIGINT, then drain.

    A second signal ends it at once with exit code 1; what was in flight then comes again from its
    source at the next start.
    """
    if embedded:
        from consumer.cli.embedded import run_embedded  # noqa: PLC0415  # an optional extra

        sys.exit(uvloop.run(run_embedded(config_file, data)))
    config = load_config(config_file)
    configure(config.log)
    sys.exit(uvloop.run(serve(config)))


async def serve(config: Config) -> int:
    """Run the daemon with its signal handlers; returns the exit code."""
    app = App(config, kinds())
    loop = asyncio.get_running_loop()
    running = asyncio.current_task()
    asked = False

    def asked_to_stop() -> None:
        nonlocal asked
        if asked and running is not None:
            running.cancel()
        asked = True
        app.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop)
    try:
        return 0 if await app.run() else 1
    except asyncio.CancelledError:
        return 1
