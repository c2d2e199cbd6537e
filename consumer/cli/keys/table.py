"""Prints the table of `keys list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.access.shown import state_of, time_of
from consumer.cli.keys.view import NEVER
from consumer.cli.terminal.safe_text import printable
from consumer.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.access.edit import KeyUse

DAY_CHARACTERS: Final = 10
STYLES: Final = {"in force": "green", "expired": "yellow", "revoked": "red"}


def print_table(uses: Sequence[KeyUse]) -> None:
    """Print keys for a person."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("id", "brand", "environment", "scopes", "state", "expires", "last used", "holder"):
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    now_s = SYSTEM_CLOCK.now_s()
    for use in uses:
        key, state = use.key, state_of(use.key, now_s)
        table.add_row(
            Text(key.id),
            Text(key.brand),
            Text(key.environment.value),
            Text(" ".join(key.scopes)),
            Text(state, STYLES[state]),
            Text((time_of(key.expires_s) or NEVER)[:DAY_CHARACTERS]),
            Text(printable(use.used_on or NEVER)),
            Text(printable(", ".join(filter(None, (key.person, key.name))))),
        )
    Console().print(table)
