"""Writes numbers, durations and sizes in a few characters."""

from __future__ import annotations

from typing import Final

_STEP_RATIO: Final = 1000
"""How many times larger each unit is than the unit before: k, M, G."""
_THREE_DIGITS: Final = 100
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_TENTHS_BELOW_S: Final = 9.95
"""Durations below this are written with a tenth of a second."""


def short_number(number: float | None) -> str:
    """Write a number in at most 5 characters: `0`, `0.25`, `12.3`, `999`, `1.2k`, `123k`.

    None is written as `-`.
    """
    if number is None:
        return "-"
    for unit in ("", "k", "M", "G"):
        if round(number) < _STEP_RATIO:
            return _digits(number, whole=not unit and isinstance(number, int)) + unit
        number /= _STEP_RATIO
    return ">999G"


def _digits(number: float, *, whole: bool) -> str:
    if whole or round(number, 1) >= _THREE_DIGITS or not number:
        return f"{number:.0f}"
    return f"{number:.1f}" if round(number, 2) >= 1 else f"{number:.2f}"


def short_duration(duration_s: float | None) -> str:
    """Write a duration in at most 5 characters: `0s`, `1.2s`, `59s`, `12m`, `3.5h`, `100h`.

    None is written as `-`.
    """
    if duration_s is None:
        return "-"
    if round(duration_s) < _MINUTE_S:
        few = duration_s < _TENTHS_BELOW_S
        return f"{short_number(float(duration_s))}s" if few else f"{duration_s:.0f}s"
    if round(duration_s) < _HOUR_S:
        return f"{duration_s / _MINUTE_S:.0f}m"
    return f"{short_number(duration_s / _HOUR_S)}h"


def short_size(size_bytes: int) -> str:
    """Write a size in decimal units: `999 B`, `1.5 kB`, `2.0 MB`."""
    if size_bytes < _STEP_RATIO:
        return f"{size_bytes} B"
    size = size_bytes / _STEP_RATIO
    for unit in ("kB", "MB"):
        if size < _STEP_RATIO:
            return f"{size:.1f} {unit}"
        size /= _STEP_RATIO
    return f"{size:.1f} GB"
