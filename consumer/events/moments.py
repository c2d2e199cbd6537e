"""Reads a point in time as people write it: as RFC 3339, or as how long ago it was."""

from __future__ import annotations

import math
import re
from typing import Final

from consumer.events import timestamp

_duration: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)").fullmatch
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
WORDS: Final = "30m, 1h, 2d or 2026-01-31T12:00:00Z"
"""What a point in time may look like."""


def since_s(text: str, now_s: float) -> float:
    """Return a point in time, in seconds since 1970.

    Args:
        text: RFC 3339, or how long ago it was, such as `30m`.
        now_s: The present.

    Raises:
        ValueError: The text is something else.
    """
    ago = _duration(text)
    if ago is not None:
        return now_s - float(ago[1]) * _UNITS_S[ago[2]]
    moment_s = timestamp.parse(text).epoch_s
    if not math.isfinite(moment_s):
        raise ValueError(text)
    return moment_s
