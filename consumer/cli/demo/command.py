"""`consumer demo`: everything once, on servers of its own, with the books at the end."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from consumer.cli.terminal import Share
from consumer.errors import ConsumerError
from consumer.tools.sample.generate import Intent, TrafficMix, generate

if TYPE_CHECKING:
    from consumer.app import App
    from consumer.cli.demo.books import Counted, Found, Sent
    from consumer.config.load import Config

SETTLED_DEADLINE_S: Final = 60.0
LOOK_EVERY_S: Final = 0.05
SHOW_S: Final = 8.0
"""On a terminal the sample brand takes this long, so that there is something to see."""


@click.command()
@click.option(
    "--count",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="Messages in all, duplicates and broken ones included.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed makes the same events."
)
@click.option(
    "--duplicates", type=Share(), default="10%", show_default=True, help="Share of honest resends."
)
@click.option(
    "--broken", type=Share(), default="2%", show_default=True, help="Share of broken events."
)
def demo(*, count: int, seed: int, duplicates: float, broken: float) -> None:
    """Run everything on embedded servers, let a sample brand send a mix, and balance the books.

    The events are shown as they pass: a line each on a terminal, NDJSON on standard output in a
    pipe. Then the streams are read to the last event. Exit code 0 only when each distinct event
    is there exactly once, and each broken one is a dead letter.

    \b
    Examples:
      consumer demo
      consumer demo --count 20000 --duplicates 30% --seed 7
      consumer demo | jq -c '[.type, .data.amount]'
    """  # noqa: D301  # click's mark for a paragraph that is not wrapped
    if duplicates + broken >= 1:
        raise click.UsageError("--duplicates and --broken leave no event: expected less than 100%")
    import uvloop  # noqa: PLC0415  # `--help` is quick

    from consumer.tools.sample.registry import RECIPES  # noqa: PLC0415  # as above

    mix = TrafficMix(
        types=list(RECIPES),
        weighted=True,
        count=count,
        duplicates_ratio=duplicates,
        broken_ratio=broken,
        seed=seed,
    )
    with tempfile.TemporaryDirectory(prefix="consumer-demo-") as folder:
        balanced = uvloop.run(_demonstrate(mix, Path(folder)))
    sys.exit(0 if balanced else 1)


async def _demonstrate(mix: TrafficMix, folder: Path) -> bool:
    from consumer.app import App  # noqa: PLC0415  # `--help` is quick
    from consumer.cli.demo.books import Sent, count, find  # noqa: PLC0415  # as above
    from consumer.cli.show_events import shown_events  # noqa: PLC0415  # as above
    from consumer.listeners.registry import kinds  # noqa: PLC0415  # as above
    from consumer.operations.log import LogSettings, configure  # noqa: PLC0415  # as above
    from consumer.tools.embedded.sample_config import (  # noqa: PLC0415  # as above
        LISTENER,
        embedded_servers,
        make_inbound_stream,
        sample_config,
    )

    configure(LogSettings(level="warning"))
    click.echo("starting NATS and Valkey …", err=True)
    async with embedded_servers(folder) as (nats_url, valkey_url):
        await make_inbound_stream(nats_url)
        config = sample_config(nats_url, valkey_url, 0)
        app, sent = App(config, kinds()), Sent()
        async with shown_events(config) as lines, asyncio.TaskGroup() as group:
            running = group.create_task(app.run(), name="daemon")
            await _send(config, mix, sent)
            await _all_settled(app, mix.count)
            await lines.catch_up(count(app.metrics).forwarded)
            app.stop()
            await running
        counted = count(app.metrics)
        found = await find(config, LISTENER)
    return _print_books(sent, counted, found)


async def _send(config: Config, mix: TrafficMix, sent: Sent) -> None:
    from consumer.tools.sample.pace import send_paced  # noqa: PLC0415  # `--help` is quick
    from consumer.tools.sample.senders import make_sender  # noqa: PLC0415  # as above

    rate = mix.count / SHOW_S if sys.stdout.isatty() else None
    sender = make_sender(config, None)
    try:
        await sender.open()
        async for batch in send_paced(sender, generate(mix), rate):
            sent.add(batch)
    finally:
        await sender.close()


async def _all_settled(app: App, count: int) -> None:
    """Wait until the daemon has concluded everything.

    Raises:
        ConsumerError: not within the deadline, with what `/readyz` says.
    """
    from consumer.cli.demo import books as demo_books  # noqa: PLC0415  # `--help` is quick

    def settled() -> bool:
        counted = demo_books.count(app.metrics)
        return counted.received >= count and not counted.in_flight

    try:
        async with asyncio.timeout(SETTLED_DEADLINE_S):
            while not settled():  # noqa: ASYNC110  # metrics cannot be awaited
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError as error:
        raise ConsumerError(
            f"not done within {SETTLED_DEADLINE_S:g} s: {app.health.report().decode()}"
        ) from error


def _print_books(sent: Sent, counted: Counted, found: Found) -> bool:
    """Print the table, on standard error when standard output is a pipe of events."""
    from rich.console import Console  # noqa: PLC0415  # `--help` is quick
    from rich.table import Table  # noqa: PLC0415  # as above

    from consumer.cli.demo.books import imbalances  # noqa: PLC0415  # as above

    roles, stored = sent.by_intent, found.events.total()
    table = Table("the books", "sent", "counted", "in the streams", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    rows = (
        ("events forwarded", roles[Intent.EVENT], counted.forwarded, stored),
        ("duplicates dropped", roles[Intent.DUPLICATE], counted.duplicates, "-"),
        (
            "dead letters",
            roles[Intent.BROKEN],
            counted.dead_letters,
            found.dead_letters.total(),
        ),
        ("not settled", "-", counted.in_flight, found.unsettled),
        ("all messages", roles.total(), counted.received, "-"),
    )
    for row in rows:
        table.add_row(*map(str, row))
    console = Console(stderr=not sys.stdout.isatty())
    console.print()
    console.print(table)
    wrong = imbalances(sent, counted, found)
    for line in wrong:
        console.print(f"WRONG: {line}", style="red")
    if not wrong:
        console.print("The books balance: nothing lost, nothing twice.", style="green")
    return not wrong
