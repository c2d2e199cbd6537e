"""Plays a round in one call, `bet-win`: both the stake and the win are booked, or neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.sandbox.faults import GameFault
from consumer.sandbox.journal import OK_STATUS
from consumer.sandbox.rounds.base import PlayedRound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.sandbox.journal import GameCall
    from consumer.tools.wallet_check.client import WalletReply


class BetWinRound(PlayedRound):
    """A round whose outcome is drawn before the call. The player sees it once it is booked.

    A `bet-win` that is not answered may be given up like a bet: the rollback takes both halves.
    """

    async def _book_stake(self) -> WalletReply:
        """See `PlayedRound._book_stake`."""
        drawn = self._drawn_once()
        reply = await self.calls.answered(
            self.plan.bet_win(drawn.win_units),
            tries_count=self._bet_tries_count,
            loses=GameFault.LOSE_BET_ANSWER in self._faults,
        )
        if reply.status == OK_STATUS:
            self.drawn = drawn
        return reply

    async def _settle(self, booked: WalletReply) -> None:
        """See `PlayedRound._settle`. The win was paid together with the stake."""
        self._end(booked)

    async def _close_void(self) -> None:
        """See `PlayedRound._close_void`. The `bet-win` has closed it, or it has never begun."""

    def _sent_calls(self) -> Sequence[GameCall]:
        """See `PlayedRound._sent_calls`."""
        return (self.plan.bet_win(self._drawn_once().win_units),)
