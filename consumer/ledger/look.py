"""Defines what is found when somebody looks at a ledger's database, and changes nothing in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

FoundRows = Sequence[Sequence[Any]]
"""What a statement found."""
LedgerRows = Callable[[str, Sequence[object]], Awaitable[FoundRows]]
"""Runs a statement that both databases understand, and returns its rows: see `Ledger.rows`."""


class LedgerLook(msgspec.Struct, frozen=True):
    """What was found.

    Attributes:
        told: Where the money is, and what `open` would make there.
        rows: A function that runs statements which only read. None if the tables do not exist yet.
    """

    told: str
    rows: LedgerRows | None = None


def steps_told(place: str, done_count: int, all_count: int) -> str:
    """Say in words what `open` would make at a place.

    Args:
        place: The schema or the file.
        done_count: The number of steps to the tables of this version that were taken there.
        all_count: The number of all steps.
    """
    if done_count == all_count:
        return place
    if not done_count:
        return f"{place}, its tables will be created"
    return f"{place}, its tables will be changed for this version"
