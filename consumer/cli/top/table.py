"""The table of `top`: numbers as short as 80 columns want them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from consumer.cli.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from consumer.cli.top.read import Row

_NUMBERS: Final = ("recv/s", "fwd/s", "dup %", "dead/s", "dead", "lag", "flight", "oldest")
_STYLES: Final = {"up": "green", "down": "red", "away": "red", "draining": "yellow"}
_STEP: Final = 1000
_HOUR_S: Final = 3600
_SHORT_S: Final = 9.95
"""Below it, tenths are of interest."""
_MINUTE_S: Final = 60


def table(rows: Sequence[Row], others: Mapping[str, str], *, several: bool) -> Group:
    """Lay out all rows, and below them what is wrong.

    Args:
        rows: one a listener.
        others: what is wrong with parts that are no listener, by process and part.
        several: there is more than one process.
    """
    found = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    # Only these may shrink, so that 80 columns hold every number whole.
    names = ("process", "listener") if several else ("listener",)
    for name in names:
        found.add_column(name)
    for name in _NUMBERS:
        found.add_column(name, justify="right", no_wrap=True)
    found.add_column("state", no_wrap=True)
    for row in rows:
        head = [_text(row.process)] if several else []
        style = "red" if row.state in ("away", "down") else ""
        found.add_row(*head, *_cells(row), Text(row.state, _STYLES[row.state]), style=style)
    whys = [
        Text(f"{' '.join(_named(row, several=several))}: {printable(row.why)}", "red")
        for row in rows
        if row.why
    ]
    whys += [Text(f"{where}: {printable(why)}", "red") for where, why in others.items()]
    return Group(found, *whys)


def _named(row: Row, *, several: bool) -> list[str]:
    process = [row.process] if several or row.listener is None else []
    return [*map(printable, process), *([printable(row.listener)] if row.listener else [])]


def _text(text: str) -> Text:
    return Text(printable(text), no_wrap=True, overflow="ellipsis")


def _cells(row: Row) -> list[Text]:
    percent = None if row.duplicates_ratio is None else row.duplicates_ratio * 100
    numbers = (
        short(row.received_per_s),
        short(row.forwarded_per_s),
        short(percent),
        short(row.dead_letters_per_s),
        short(row.dead_letters_count),
        short(row.lag),
        short(row.in_flight_count),
        duration(row.oldest_s),
    )
    return [_text(row.listener or "-"), *map(Text, numbers)]


def short(number: float | None) -> str:
    """Write a number in at most 5 characters: `0`, `0.25`, `12.3`, `999`, `1.2k`, `123k`."""
    if number is None:
        return "-"
    for unit in ("", "k", "M", "G"):
        if round(number) < _STEP:
            return _digits(number, whole=not unit and isinstance(number, int)) + unit
        number /= _STEP
    return ">999G"


def _digits(number: float, *, whole: bool) -> str:
    if whole or round(number, 1) >= 100 or not number:  # noqa: PLR2004  # three digits are enough
        return f"{number:.0f}"
    return f"{number:.1f}" if round(number, 2) >= 1 else f"{number:.2f}"


def duration(seconds: float | None) -> str:
    """Write how long in at most 5 characters: `0s`, `1.2s`, `59s`, `12m`, `3.5h`, `100h`."""
    if seconds is None:
        return "-"
    if round(seconds) < _MINUTE_S:
        return f"{short(float(seconds))}s" if seconds < _SHORT_S else f"{seconds:.0f}s"
    if round(seconds) < _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f}m"
    return f"{short(seconds / _HOUR_S)}h"
