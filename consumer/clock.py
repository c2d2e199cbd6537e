"""The only place that reads a clock, so that a test can hold one in its hand."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings: one for what people see, one for how long something took."""

    def now_s(self) -> float:
        """Return the wall clock, in seconds since 1970 (UTC). It may jump."""

    def monotonic_s(self) -> float:
        """Return seconds since an arbitrary start. It never goes back."""


class SystemClock:
    """The machine's clocks."""

    def now_s(self) -> float:
        """Return the wall clock, in seconds since 1970 (UTC)."""
        return time.time()  # noqa: TID251  # this module is the one that may

    def monotonic_s(self) -> float:
        """Return seconds of the machine's monotonic clock."""
        return time.monotonic()


SYSTEM_CLOCK = SystemClock()
