"""What is particular about a core subscription: nobody keeps what there is no room for.

Responsible for dropping within bounds and for saying so. Not reading on would be worse: the server
then closes the connection of a slow consumer, and drops all of them:
https://docs.nats.io/running-a-nats-service/nats_admin/slow_consumers.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

REPORT_EVERY_S: Final = 10.0

log = structlog.get_logger()


class Drops:
    """Counts what was dropped, and says so in at most one line per `REPORT_EVERY_S`."""

    def __init__(self, listener: str) -> None:
        self._listener = listener
        self._next_report_s = 0.0
        self._unreported_count = 0
        self.total_count = 0

    def add(self) -> None:
        """Count one."""
        self.total_count += 1
        self._unreported_count += 1
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._next_report_s:
            self._next_report_s = now_s + REPORT_EVERY_S
            self.report()

    def report(self) -> None:
        """Log what is not logged yet."""
        if self._unreported_count:
            log.error(
                "messages dropped",
                listener=self._listener,
                count=self._unreported_count,
                total=self.total_count,
                why="max_buffered_bytes are held; core NATS keeps nothing",
            )
        self._unreported_count = 0
