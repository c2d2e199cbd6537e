"""Counts and reports the messages that a core subscription had to drop: core NATS keeps nothing.

Not responsible for deciding what is dropped (`listener.py`). To stop reading would be worse than to
drop single messages: the server would close the connection of the slow consumer, and drop
everything: https://docs.nats.io/running-a-nats-service/nats_admin/slow_consumers.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

REPORT_EVERY_S: Final = 10.0

log = structlog.get_logger()


class Drops:
    """The dropped messages of one listener, reported in at most one line per `REPORT_EVERY_S`."""

    def __init__(self, listener: str) -> None:
        self._listener = listener
        self._next_report_s = 0.0
        self._unreported_count = 0
        self._total_count = 0

    def add(self) -> None:
        """Count a dropped message. Report it if the last report is older than `REPORT_EVERY_S`."""
        self._total_count += 1
        self._unreported_count += 1
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._next_report_s:
            self._next_report_s = now_s + REPORT_EVERY_S
            self.report()

    def report(self) -> None:
        """Log how many messages were dropped since the last report."""
        if self._unreported_count:
            log.error(
                "messages dropped",
                listener=self._listener,
                count=self._unreported_count,
                total=self._total_count,
                why="max_buffered_bytes are held; core NATS keeps nothing",
            )
        self._unreported_count = 0
