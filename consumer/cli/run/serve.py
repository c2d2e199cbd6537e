"""Runs the daemon until a signal: `consumer run`, with and without `--embedded`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

from consumer.app import App
from consumer.cli.input.configuration import load_config
from consumer.listeners.registry import kinds
from consumer.operations.log import configure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.cli.run.command import RunOptions
    from consumer.config.load import Config


async def run(options: RunOptions) -> int:
    """Run the daemon as it is configured; returns the exit code.

    Raises:
        ConfigError: The configuration is wrong.
    """
    config = load_config(options.config_file)
    configure(config.log)
    return await serve(config)


async def serve(config: Config) -> int:
    """Run the daemon with its signal handlers; returns the exit code.

    If this is cancelled, the daemon ends without a drain, and exit code 1 is returned.
    """
    app = App(config, kinds())
    with stopped_by_signals(app):
        try:
            return 0 if await app.run() else 1
        except asyncio.CancelledError:
            return 1


@contextlib.contextmanager
def stopped_by_signals(app: App) -> Iterator[None]:
    """Drain at the first SIGTERM or SIGINT; cancel the current task at the second."""
    loop = asyncio.get_running_loop()
    running = asyncio.current_task()
    asked = False

    def asked_to_stop() -> None:
        nonlocal asked
        if asked and running is not None:
            running.cancel()
        asked = True
        app.stop()

    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, asked_to_stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
