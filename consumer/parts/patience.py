"""Lets a lane wait for a part that is away: longer each time, and with a report of each pause."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from consumer.cancel import raise_swallowed
from consumer.retry import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.operations.health import Health

log = structlog.get_logger()


class Patience:
    """One lane's pauses, which the log, the metrics and `/readyz` show.

    Args:
        lane: The listener's name.
        health: The states of all parts, which `/readyz` shows.
        retried: Counts a try that failed. It is called with the stage.
    """

    def __init__(self, lane: str, health: Health, retried: Callable[[str], None]) -> None:
        self._part = f"lane {lane}"
        self._log = log.bind(listener=lane)
        self._health = health
        self._retried = retried
        self._backoffs: dict[str, Backoff] = {}
        self._refused: set[str] = set()

    async def wait(self, stage: str, why: str, *, refused: bool = False) -> None:
        """Pause before the next try of a stage, and say why.

        Args:
            stage: The stage: `claim`, `publish` or `dead_letter`. It is a label of a metric, so
                there are no other values.
            why: The reason, for the log and `/readyz`.
            refused: See `Unavailable`. Such a reason is logged as an ERROR, once for each outage,
                also if the outage began for another reason.

        Cancelling: ends the pause.
        """
        backoff = self._backoffs.get(stage)
        if backoff is None:
            backoff = self._backoffs[stage] = Backoff(first_s=0.05, longest_s=5.0)
            if not refused:
                # Logged once for each outage: a line for each try would bury all other lines.
                self._log.warning("holding", stage=stage, why=why)
        if refused and stage not in self._refused:
            self._refused.add(stage)
            self._log.error("holding", stage=stage, why=why)
        self._retried(stage)
        self._health.down(self._part, f"holding, {stage}: {why}")
        raise_swallowed()
        await asyncio.sleep(backoff.next_s())

    def relieved(self, stage: str) -> None:
        """Note that a stage succeeded."""
        if self._backoffs and self._backoffs.pop(stage, None) is not None:
            self._refused.discard(stage)
            self._log.info("going on", stage=stage)
            if not self._backoffs:
                self._health.up(self._part)
