"""Reads a duration as people write it, such as `30m`."""

from __future__ import annotations

import re
from typing import Final

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])", re.ASCII)


def duration_s(text: str) -> float | None:
    """Read a number with a unit, such as `1.5m`. None means that the text is something else."""
    match = _DURATION.fullmatch(text)
    return float(match[1]) * _UNITS_S[match[2]] if match else None
