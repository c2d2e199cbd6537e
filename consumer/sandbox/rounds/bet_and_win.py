"""Plays a round in two calls, `bet` and `win`: the outcome is drawn once the stake is booked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.sandbox.faults import GameFault
from consumer.sandbox.rounds.base import PlayedRound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.sandbox.journal import GameCall
    from consumer.tools.wallet_check.client import WalletReply

OVERTAKES: Final = "The win overtakes its bet."


class BetAndWinRound(PlayedRound):
    """A round whose win is sent after its bet. A lost round sends a win of 0."""

    async def _book_stake(self) -> WalletReply:
        """See `PlayedRound._book_stake`."""
        if GameFault.REORDER in self._faults:
            early = self._drawn_once()
            await self.calls.once(self.plan.win(early.win_units), OVERTAKES)
        return await self.calls.answered(
            self.plan.bet(),
            tries_count=self._bet_tries_count,
            loses=GameFault.LOSE_BET_ANSWER in self._faults,
        )

    async def _settle(self, booked: WalletReply) -> None:
        """See `PlayedRound._settle`. The win is owed: it is sent until it is answered."""
        del booked
        self.drawn = self._drawn_once()
        win = self.plan.win(self.drawn.win_units)
        loses = GameFault.LOSE_WIN_ANSWER in self._faults
        self._end(await self.calls.answered(win, loses=loses), is_owed=True)

    async def _close_void(self) -> None:
        """See `PlayedRound._close_void`. No win will come that would close it."""
        await self.calls.answered(self.plan.round_end())

    def _sent_calls(self) -> Sequence[GameCall]:
        """See `PlayedRound._sent_calls`."""
        if self.drawn is None:
            return (self.plan.bet(),)
        return self.plan.bet(), self.plan.win(self.drawn.win_units)
