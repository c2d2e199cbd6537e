"""Runs the daemon until a signal: `consumer run`, with and without `--embedded`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from typing import TYPE_CHECKING, Final

from consumer.app import App
from consumer.cancel import end_tasks
from consumer.cli.input.configuration import load_config
from consumer.cli.run.reread import Rereading
from consumer.listeners.registry import kinds
from consumer.operations.log import configure, never_waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.cli.run.command import RunOptions
    from consumer.config.load import Config


COLLECT_AFTER_COUNT: Final = 20_000
"""So many more objects have to be there before the youngest ones are searched."""


AT_ONCE_S: Final = 5.0
"""How long the process may take to end after the second signal, in seconds. A library may swallow
a cancellation, or hang in its own closing."""


async def run(options: RunOptions) -> int:
    """Run the daemon as it is configured; returns the exit code.

    Raises:
        ConfigError: The configuration is wrong.
    """
    config = load_config(options.config_file)
    configure(config.log)
    return await serve(config, Rereading(config, options.config_file))


async def serve(config: Config, rereading: Rereading | None = None) -> int:
    """Run the daemon with its signal handlers; returns the exit code.

    If this is cancelled, the daemon ends without a drain, and exit code 1 is returned.

    Args:
        config: The configuration.
        rereading: What SIGHUP asks for. None means that SIGHUP is ignored: it must not end a daemon
            without a drain when its terminal closes.
    """
    app = App(config, kinds())
    spare_the_collector()
    with never_waiting(app.metrics.log_dropped.inc), stopped_by_signals(app, rereading):
        try:
            return 0 if await _drained(app, rereading) else 1
        except asyncio.CancelledError:
            return 1


async def _drained(app: App, rereading: Rereading | None) -> bool:
    """Run the daemon, and read its configuration again when asked. See `App.run`."""
    if rereading is None:
        return await app.run()
    async with asyncio.TaskGroup() as group:
        beside = group.create_task(rereading.run(app), name="rereading")
        drained = await app.run()
        await end_tasks([beside])
    return drained


def spare_the_collector() -> None:
    """Let Python look for circles of objects more rarely.

    A request or a message makes many objects and leaves no circle behind. With Python's own
    thresholds, the search took 10 % of the CPU time of ingest over HTTP. What was loaded until now
    stays until the end, so it is not searched again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_COUNT, 20, 100)


@contextlib.contextmanager
def stopped_by_signals(app: App, rereading: Rereading | None) -> Iterator[None]:
    """Drain at the first SIGTERM or SIGINT; cancel the current task at the second.

    Args:
        app: The daemon.
        rereading: See `serve`.
    """
    loop = asyncio.get_running_loop()
    running = asyncio.current_task()
    asked = False

    def asked_to_stop() -> None:
        nonlocal asked
        if asked and running is not None:
            running.cancel()
            loop.call_later(AT_ONCE_S, os._exit, 1)
        asked = True
        app.stop()

    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, asked_to_stop)
    loop.add_signal_handler(signal.SIGHUP, _ignore if rereading is None else rereading.ask)
    try:
        yield
    finally:
        for number in (*numbers, signal.SIGHUP):
            loop.remove_signal_handler(number)


def _ignore() -> None:
    """Do nothing at a signal."""
