"""Reads the machine's clocks for all other modules, so that a test can use a clock of its own."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time of day, and measures durations."""

    def now_s(self) -> float:
        """Return the time of day, in seconds since 1970 (UTC). It may jump in both directions."""

    def monotonic_s(self) -> float:
        """Return the seconds since an arbitrary moment. They never decrease."""


class SystemClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        """Return the time of day, in seconds since 1970 (UTC)."""
        return time.time()  # noqa: TID251  # all other modules ask this one

    def monotonic_s(self) -> float:
        """Return the seconds of the machine's monotonic clock."""
        return time.monotonic()


SYSTEM_CLOCK = SystemClock()
