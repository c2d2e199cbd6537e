"""Prints the books of a demo as a table, and whether they balance."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from consumer.tools.sample.generate import Intent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.cli.demo.books import BrandBooks, DaemonBooks, StreamBooks


def print_books(
    brand: BrandBooks, daemon: DaemonBooks, streams: StreamBooks, wrong: Sequence[str]
) -> None:
    """Print the table and the verdict.

    In a pipe they go to standard error, because standard output holds the events.

    Args:
        brand: What the sample brand sent.
        daemon: What the daemon counted.
        streams: What the streams hold.
        wrong: A line for each count that is not as expected.
    """
    console = Console(stderr=not sys.stdout.isatty())
    console.print()
    console.print(_table(brand, daemon, streams))
    for line in wrong:
        console.print(f"WRONG: {line}", style="red")
    if not wrong:
        console.print("The books balance: nothing lost, nothing twice.", style="green")


def _table(brand: BrandBooks, daemon: DaemonBooks, streams: StreamBooks) -> Table:
    sent = brand.by_intent
    table = Table("the books", "sent", "counted", "in the streams", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    rows = (
        (
            "events forwarded",
            sent[Intent.EVENT],
            daemon.forwarded_count,
            streams.times_stored.total(),
        ),
        ("duplicates dropped", sent[Intent.DUPLICATE], daemon.duplicates_count, "-"),
        (
            "dead letters",
            sent[Intent.BROKEN],
            daemon.dead_letters_count,
            streams.dead_letters.total(),
        ),
        ("not settled", "-", daemon.in_flight_count, streams.unsettled_count),
        ("posted over HTTP", brand.posted_count, daemon.posted_count, "-"),
        ("all messages", sent.total(), daemon.received_count, "-"),
    )
    for row in rows:
        table.add_row(*map(str, row))
    return table
