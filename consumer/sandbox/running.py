"""Runs the rounds as tasks of their own, so that a round outlives the request that began it.

A win that is owed, and a bet that has to go back, are sent until the wallet answers. So a round is
never dropped to make room: while too many rounds wait for the wallet, no new one begins.

They live in memory, because the sandbox has play money. A game server for real money writes each
order down before it sends it, and goes on after a restart.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Final

import structlog

from consumer.http.answer import Problem

if TYPE_CHECKING:
    from consumer.sandbox.rounds.base import PlayedRound

ROUNDS_MAX_COUNT: Final = 1000
"""The largest number of rounds that are under way, most of them waiting for a wallet that is away.
One takes 5 KB (measured)."""
SESSION_MAX_COUNT: Final = 4
"""The largest number of rounds of one session that are under way."""
RETRY_S: Final = "5"

log = structlog.get_logger()


class RunningRounds:
    """The rounds that are under way."""

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._rounds: set[PlayedRound] = set()
        self._by_session: Counter[str] = Counter()

    @property
    def open_count(self) -> int:
        """How many rounds are under way."""
        return len(self._rounds)

    async def run(self) -> None:
        """Run the rounds until cancelled.

        Cancelling: the rounds are cancelled. Their number is logged, and nothing more is sent for
        them.
        """
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await asyncio.Event().wait()
            finally:
                self._group = None
                if self._rounds:
                    log.warning("rounds of test games dropped", rounds=self.open_count)

    def start(self, played: PlayedRound) -> asyncio.Task[None]:
        """Begin a round, and return its task. Whoever waits for it may leave at any time.

        Raises:
            Problem: 429 if the session has too many rounds under way, 503 if all sessions together
                have, or if `run` does not run.
        """
        session = played.plan.session
        if self._group is None or self.open_count >= ROUNDS_MAX_COUNT:
            raise busy("the sandbox takes no more rounds at the moment")
        if self._by_session[session] >= SESSION_MAX_COUNT:
            raise too_many_rounds()
        self._rounds.add(played)
        self._by_session[session] += 1
        name = f"sandbox-{played.plan.round_id}"
        task = self._group.create_task(_guarded(played), name=name)
        task.add_done_callback(lambda _: self._forget(played))
        return task

    def _forget(self, played: PlayedRound) -> None:
        session = played.plan.session
        self._rounds.remove(played)
        self._by_session[session] -= 1
        if not self._by_session[session]:
            del self._by_session[session]
        log.debug("round ended", round=played.plan.round_id, status=played.status.value)


async def _guarded(played: PlayedRound) -> None:
    """Play a round. A bug of ours costs this round: live money is served by the same process."""
    try:
        await played.play()
    except Exception:  # of any type: in the task group, it would end the daemon
        log.exception("round of a test game failed", round=played.plan.round_id)


def busy(detail: str) -> Problem:
    """Return the problem of a request that may be sent again in some seconds."""
    headers = {"retry-after": RETRY_S}
    return Problem(503, "unavailable", detail, headers=headers, facts={"code": "UNAVAILABLE"})


def too_many_rounds() -> Problem:
    """Return the problem of a session that has too many rounds under way."""
    return Problem(
        429,
        "too_many_rounds",
        f"this session has {SESSION_MAX_COUNT} rounds under way; wait until one has ended",
        headers={"retry-after": RETRY_S},
        facts={"code": "TOO_MANY_ROUNDS"},
    )
