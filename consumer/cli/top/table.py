"""Lays out the table of `top`. No number is cut if the terminal has at least 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from consumer.cli.terminal.numbers import short_duration, short_number
from consumer.cli.terminal.safe_text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from consumer.cli.top.port import PortRow
    from consumer.cli.top.rates import ListenerRow
    from consumer.cli.top.wallet import WalletRow

_NUMBERS: Final = ("recv/s", "fwd/s", "dup %", "dead/s", "dead", "lag", "flight", "oldest")
_STYLES: Final = {"up": "green", "down": "red", "away": "red", "draining": "yellow"}


def table(
    rows: Sequence[ListenerRow],
    further: Sequence[PortRow | WalletRow],
    others: Mapping[str, str],
    *,
    several: bool,
) -> Group:
    """Lay out all rows, below them the public ports and wallets, and below these what is wrong.

    Args:
        rows: A row for each listener.
        further: A row for each public port that is in use, and for each wallet.
        others: What is wrong with parts that are not listeners, by process and part.
        several: If true, there are several processes, and each row names its process.
    """
    found = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    # Only the names may be cut, so that no number is cut on 80 columns.
    names = ("process", "listener") if several else ("listener",)
    for name in names:
        found.add_column(name)
    for name in _NUMBERS:
        found.add_column(name, justify="right", no_wrap=True)
    found.add_column("state", no_wrap=True)
    for row in rows:
        head = [_cut(row.process)] if several else []
        style = "red" if row.state in ("away", "down") else ""
        found.add_row(*head, *_cells(row), Text(row.state, _STYLES[row.state]), style=style)
    lines = [
        Text(f"{printable(row.process)} " * several + f"{row.head}: {row.words()}")
        for row in further
    ]
    whys = [
        Text(f"{' '.join(_names(row, several=several))}: {printable(row.why)}", "red")
        for row in rows
        if row.why
    ]
    whys += [Text(f"{where}: {printable(why)}", "red") for where, why in others.items()]
    return Group(found, *lines, *whys)


def _names(row: ListenerRow, *, several: bool) -> list[str]:
    process = [row.process] if several or row.listener is None else []
    return [*map(printable, process), *([printable(row.listener)] if row.listener else [])]


def _cut(text: str) -> Text:
    return Text(printable(text), no_wrap=True, overflow="ellipsis")


def _cells(row: ListenerRow) -> list[Text]:
    percent = None if row.duplicates_ratio is None else row.duplicates_ratio * 100
    numbers = (
        short_number(row.received_per_s),
        short_number(row.forwarded_per_s),
        short_number(percent),
        short_number(row.dead_letters_per_s),
        short_number(row.dead_letters_count),
        short_number(row.lag_count),
        short_number(row.in_flight_count),
        short_duration(row.oldest_s),
    )
    return [_cut(row.listener or "-"), *map(Text, numbers)]
