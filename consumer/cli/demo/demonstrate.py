"""Runs a demo: starts the servers and the daemon, sends a mix, waits, and reads the books."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from consumer.app import App
from consumer.cli.demo.books import BrandBooks, imbalances, read_counters, read_streams
from consumer.cli.demo.table import print_books
from consumer.cli.run.passing_events import passing_events_shown
from consumer.deliveries.origin import Environment
from consumer.errors import ConsumerError
from consumer.listeners.http.paths import PATHS
from consumer.listeners.registry import kinds
from consumer.operations.log import LogSettings, configure
from consumer.tools.embedded.sample_config import (
    LISTENER,
    embedded_servers,
    make_inbound_stream,
    sample_config,
)
from consumer.tools.embedded.sample_keys import kept_keys
from consumer.tools.embedded.servers import free_port
from consumer.tools.sample.generate import Sample, TrafficMix, generate
from consumer.tools.sample.http_connection import target_of
from consumer.tools.sample.pace import send_paced
from consumer.tools.sample.registry import RECIPES
from consumer.tools.sample.send_http import HttpSender
from consumer.tools.sample.senders import make_sender

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from consumer.cli.demo.command import DemoOptions
    from consumer.config.load import Config
    from consumer.tools.sample.sender import SampleSender

CONCLUDED_DEADLINE_S: Final = 60.0
LOOK_EVERY_S: Final = 0.05
SHOW_S: Final = 8.0
"""How long the sample brand sends on a terminal, in seconds, so that a person can watch."""
POSTED_RATIO: Final = 0.1
"""The share of the messages that is posted over HTTP, at the end."""


async def demonstrate(options: DemoOptions) -> int:
    """Run a demo; returns exit code 0 only if the books balance.

    Raises:
        ConsumerError: A server did not start, or the daemon did not conclude everything in time.
    """
    mix = TrafficMix(
        types=list(RECIPES),
        weighted=True,
        count=options.count,
        duplicates_ratio=options.duplicates_ratio,
        broken_ratio=options.broken_ratio,
        seed=options.seed,
    )
    with tempfile.TemporaryDirectory(prefix="consumer-demo-") as folder:
        return 0 if await _books_balance(mix, Path(folder)) else 1


async def _books_balance(mix: TrafficMix, folder: Path) -> bool:
    configure(LogSettings(level="warning"))
    click.echo("starting NATS and Valkey …", err=True)
    async with embedded_servers(folder) as (nats_url, valkey_url):
        await make_inbound_stream(nats_url)
        config = sample_config(nats_url, valkey_url, 0, free_port())
        key = (await kept_keys(config, folder))[Environment.LIVE].read_text().strip()
        app, brand = App(config, kinds()), BrandBooks()
        async with passing_events_shown(config) as lines, asyncio.TaskGroup() as group:
            running = group.create_task(app.run(), name="daemon")
            samples, posted = _divided(mix)
            await _send(make_sender(config, LISTENER), samples, brand, mix.count)
            await _all_concluded(app, brand.by_intent.total())
            await _send(_posting(config, key), posted, brand, mix.count)
            brand.posted_count = len(posted)
            await _all_concluded(app, mix.count)
            await lines.catch_up(read_counters(app.metrics).forwarded_count)
            app.stop()
            await running
        daemon = read_counters(app.metrics)
        streams = await read_streams(config, LISTENER)
    wrong = imbalances(brand, daemon, streams)
    print_books(brand, daemon, streams, wrong)
    return not wrong


def _divided(mix: TrafficMix) -> tuple[Iterator[Sample], list[Sample]]:
    """Divide a mix into what goes over NATS, and what is posted after that.

    Only the end of the mix is posted, so that the same seed shows the same events in the same
    order. A type without a path of its own goes over NATS.
    """
    made = generate(mix)
    first = islice(made, mix.count - round(mix.count * POSTED_RATIO))
    posted: list[Sample] = []

    def over_nats() -> Iterator[Sample]:
        yield from first
        for sample in made:
            if sample.message_type in PATHS:
                posted.append(sample)
            else:
                yield sample

    return over_nats(), posted


def _posting(config: Config, key: str) -> HttpSender:
    """Return the sender to the public port. It keeps the order of all samples."""
    bind = "" if config.http is None else config.http.bind
    return HttpSender(target_of(f"http://{bind}"), key, connections_count=1)


async def _send(
    sender: SampleSender, samples: Iterable[Sample], brand: BrandBooks, total_count: int
) -> None:
    rate_per_s = total_count / SHOW_S if sys.stdout.isatty() else None
    try:
        await sender.open()
        async for batch in send_paced(sender, samples, rate_per_s):
            brand.add(batch)
    finally:
        await sender.close()


async def _all_concluded(app: App, count: int) -> None:
    """Wait until the daemon has received `count` messages and concluded all of them.

    Raises:
        ConsumerError: The deadline has passed. The text holds what `/readyz` says.
    """

    def concluded() -> bool:
        daemon = read_counters(app.metrics)
        return daemon.received_count >= count and not daemon.in_flight_count

    try:
        async with asyncio.timeout(CONCLUDED_DEADLINE_S):
            while not concluded():  # noqa: ASYNC110  # nothing wakes us when a counter grows
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError as error:
        raise ConsumerError(
            f"not done within {CONCLUDED_DEADLINE_S:g} s: {app.health.report().decode()}"
        ) from error
