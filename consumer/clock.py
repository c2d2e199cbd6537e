"""The only module that reads a clock, so that a test can give the code a clock of its own."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings: the time that people see, and a count of seconds for durations."""

    def now_s(self) -> float:
        """Return the wall clock, in seconds since 1970 (UTC). It may jump."""

    def monotonic_s(self) -> float:
        """Return seconds since an arbitrary start. It never goes back."""


class SystemClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        """Return the wall clock, in seconds since 1970 (UTC)."""
        return time.time()  # noqa: TID251  # all other modules ask this one

    def monotonic_s(self) -> float:
        """Return seconds of the machine's monotonic clock."""
        return time.monotonic()


SYSTEM_CLOCK = SystemClock()
