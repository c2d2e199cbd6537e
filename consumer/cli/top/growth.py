"""Compares two readings of counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def growth_per_s(
    before: Mapping[str, float], now: Mapping[str, float], took_s: float
) -> dict[str, float]:
    """Return how much each counter grew per second, without those that did not grow."""
    return {
        key: round((count - before.get(key, 0.0)) / took_s, 3)
        for key, count in now.items()
        if count > before.get(key, 0.0)
    }
