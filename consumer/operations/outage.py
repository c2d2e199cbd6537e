"""Logs why something is away, once for each reason. A reason that needs a person is an ERROR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from consumer.errors import Unavailable

REASONS_MAX_COUNT: Final = 20
"""So many reasons are remembered. With one more, all are forgotten, and may be logged again: a text
may hold a number that changes at each try, so there has to be a limit."""


class Outage:
    """The time in which one thing outside this process is away, and the reasons that were logged.

    A line for each try would bury all other lines.
    """

    def __init__(self) -> None:
        self._told: set[tuple[str, bool]] = set()

    def report(
        self, log: FilteringBoundLogger, event: str, error: Unavailable, **facts: str
    ) -> None:
        """Log a try that failed, unless the same reason was logged in this outage.

        Args:
            log: Where it is logged: as an ERROR if the error says `refused`, else as a WARNING.
            event: The text of the line.
            error: The reason, which becomes the field `why`.
            facts: Further fields.
        """
        why = str(error)
        reason = (why, error.refused)
        if reason in self._told:
            return
        if len(self._told) >= REASONS_MAX_COUNT:
            self._told.clear()
        self._told.add(reason)
        tell = log.error if error.refused else log.warning
        tell(event, **facts, why=why)

    def over(self) -> bool:
        """Forget the reasons. Return true if there were any."""
        was_told = bool(self._told)
        self._told.clear()
        return was_told
