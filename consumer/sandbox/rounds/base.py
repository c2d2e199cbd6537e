"""Plays a round from its first call to its last, whatever the network does.

    (rollback before the bet) ─► the stake is booked ─► the outcome ─► SETTLED
                                  │ refused ─► REFUSED
                                  │ no answer ─► rollback, until it is answered ─► ROLLED_BACK
                                  └ the fault `roll_back` ─► rollback ─► ROLLED_BACK

A round is OPEN until one of these is certain. It goes on also if the player has left. A win or a
rollback that the wallet refuses for good ends it as REFUSED too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import structlog

from consumer.errors import Unavailable
from consumer.sandbox.faults import GameFault
from consumer.sandbox.journal import OK_STATUS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence, Set as AbstractSet

    from consumer.sandbox.calls import RoundCalls
    from consumer.sandbox.games.base import Drawn
    from consumer.sandbox.journal import GameCall
    from consumer.sandbox.rounds.plan import RoundPlan
    from consumer.tools.wallet_check.client import WalletReply

TOO_EARLY: Final = "The game takes the bet back before it sends it."
TAKES_BACK: Final = "The game takes the bet back."
LATER: Final = "The same call once more, after the round."
NO_ANSWER_CODE: Final = "NO_ANSWER"
TAKEN_BACK: Final = "nobody knows whether the bet was booked, so the game has taken it back"

log = structlog.get_logger()


class RoundStatus(StrEnum):
    """How a round stands."""

    OPEN = "open"
    """The wallet has not given its last answer yet."""
    SETTLED = "settled"
    """The stake was taken, and the win was paid."""
    REFUSED = "refused"
    """The wallet has refused a bet, a win or a rollback, and gave the reason."""
    ROLLED_BACK = "rolled_back"
    """The game has taken its bet back. A stake that was taken went back to the player."""


class PlayedRound(ABC):
    """A round of a test game.

    Args:
        plan: Its ids and its stake.
        draw: Draws the outcome.
        calls: Sends its calls.
        faults: The faults that are switched on.
        bet_tries_count: How often its bet is sent before it is taken back.

    Attributes:
        plan: Its ids and its stake.
        calls: Sends its calls, and knows the balance.
        status: How it stands.
        why: The code of the refusal. None if nothing was refused.
        why_text: The same for people.
        drawn: The outcome, once the player may see it.
    """

    def __init__(
        self,
        plan: RoundPlan,
        draw: Callable[[], Drawn],
        calls: RoundCalls,
        faults: AbstractSet[GameFault],
        bet_tries_count: int,
    ) -> None:
        self.plan = plan
        self.calls = calls
        self.status = RoundStatus.OPEN
        self.why: str | None = None
        self.why_text: str | None = None
        self.drawn: Drawn | None = None
        self._draw = draw
        self._hidden: Drawn | None = None
        self._faults = faults
        self._bet_tries_count = bet_tries_count

    @property
    def win_units(self) -> int:
        """What the round pays to the player: nothing if it was refused or taken back."""
        is_void = self.status in (RoundStatus.REFUSED, RoundStatus.ROLLED_BACK)
        return 0 if self.drawn is None or is_void else self.drawn.win_units

    async def play(self) -> None:
        """Play until the wallet has answered everything.

        Cancelling: the wallet may have booked a part of the round.
        """
        if GameFault.ROLL_BACK_BEFORE_BET in self._faults:
            await self.calls.answered(self.plan.rollback(), note=TOO_EARLY)
        try:
            reply = await self._book_stake()
        except Unavailable:
            await self._take_back(NO_ANSWER_CODE, TAKEN_BACK)
        else:
            await self._go_on(reply)
        if GameFault.TWIN_LATER in self._faults:
            for call in self._sent_calls():
                await self.calls.once(call, LATER)

    @abstractmethod
    async def _book_stake(self) -> WalletReply:
        """Send the call that takes the stake, and return its answer.

        Raises:
            Unavailable: There is none after as many tries as a bet has.
        """

    @abstractmethod
    async def _settle(self, booked: WalletReply) -> None:
        """Pay the win, and end the round.

        Args:
            booked: The answer that says that the stake is booked.
        """

    @abstractmethod
    async def _close_void(self) -> None:
        """Close the round after its rollback, if it may be open in the wallet."""

    @abstractmethod
    def _sent_calls(self) -> Sequence[GameCall]:
        """Return the calls that have moved the money, or have tried to."""

    async def _go_on(self, reply: WalletReply) -> None:
        """Go on with the answer to the stake."""
        if reply.status != OK_STATUS:
            self._end(reply)
        elif GameFault.ROLL_BACK in self._faults:
            await self._take_back(None, None)
        else:
            await self._settle(reply)

    async def _take_back(self, why: str | None, why_text: str | None) -> None:
        """Roll the stake back."""
        reply = await self.calls.answered(self.plan.rollback(), note=TAKES_BACK)
        if reply.status != OK_STATUS:
            self._end(reply, is_owed=True)
            return
        self.status, self.why, self.why_text = RoundStatus.ROLLED_BACK, why, why_text
        await self._close_void()

    def _drawn_once(self) -> Drawn:
        """Draw the outcome, if it was not drawn before. The player does not see it yet."""
        if self._hidden is None:
            self._hidden = self._draw()
        return self._hidden

    def _end(self, reply: WalletReply, *, is_owed: bool = False) -> None:
        """End the round with the answer that decides it.

        Args:
            reply: The answer.
            is_owed: If true, the order was a win or a rollback. A refusal of these is an error,
                because the player should have got money.
        """
        if reply.status == OK_STATUS:
            self.status = RoundStatus.SETTLED
            return
        self.status = RoundStatus.REFUSED
        self.why = reply.code or str(reply.status)
        self.why_text = str(reply.document.get("detail", f"the wallet answered {reply.status}"))
        if is_owed:
            log.warning("owed play money refused", round=self.plan.round_id, why=self.why)
