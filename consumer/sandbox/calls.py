"""Sends the calls of one round, with the faults that are switched on, until they are answered.

This is what a provider of games has to do right. `docs/wallet.md`, "Send again", is its contract:
no answer, and an answer that says "later", mean that nobody knows what was carried out. Then the
same call is sent again, with the same ids and a new signature.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from consumer.errors import Unavailable
from consumer.retry import Backoff
from consumer.sandbox.faults import GameFault
from consumer.sandbox.journal import OK_STATUS

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from consumer.sandbox.exchange import WalletLine
    from consumer.sandbox.journal import GameCall, Journal
    from consumer.sandbox.timing import GameTiming
    from consumer.tools.wallet_check.client import WalletReply

ASK_AGAIN: Final = frozenset((408, 429, 500, 502, 503, 504))
"""The statuses after which the same call is sent again."""
TWIN_VERBS: Final = frozenset(("bet", "win", "bet-win"))
AGAIN: Final = "The same call again."
TWIN: Final = "The same call, at the same moment."


class RoundCalls:
    """Sends the calls of a round.

    Args:
        line: The way to the wallet.
        journal: Where each call is written down.
        faults: The faults that are switched on.
        timing: How long to wait.

    Attributes:
        journal: Where each call is written down.
        balance: The player's money by the newest answer that has it. Empty before that.
    """

    def __init__(
        self,
        line: WalletLine,
        journal: Journal,
        faults: AbstractSet[GameFault],
        timing: GameTiming,
    ) -> None:
        self._line = line
        self.journal = journal
        self._faults = faults
        self._timing = timing
        self.balance = ""

    async def once(self, call: GameCall, note: str) -> None:
        """Send a call whose answer changes nothing for the round, and say why it is sent."""
        await self._delay()
        self._listen(await self._line.send(call, self.journal, note))

    async def answered(
        self,
        call: GameCall,
        *,
        note: str = "",
        tries_count: int | None = None,
        loses: bool = False,
    ) -> WalletReply:
        """Send a call until it is answered for good.

        Args:
            call: The call.
            note: What is odd about it, in a sentence.
            tries_count: How often it is sent at most, for a bet, which can be taken back. None
                means however long it takes.
            loses: If true, the answer to the first sending is lost.

        Raises:
            Unavailable: The bet had no answer after `tries_count` tries. Or it was sent several
                times, and the last answer is only about the message, such as `BAD_SIGNATURE`. In
                both cases the bet may be booked.

        Cancelling: nobody knows whether the call was carried out.
        """
        if GameFault.SIGN_WRONGLY in self._faults:
            await self._delay()
            self._listen(await self._line.forge(call, self.journal))
        # A pause is drawn between a half and the whole of its longest value.
        pauses = Backoff(2 * self._timing.first_pause_s, self._timing.longest_pause_s)
        sent_count = 0
        while True:
            await self._delay()
            reply = None
            if loses and not sent_count:
                await self._line.lose(call, self.journal)
            else:
                is_first = sent_count == int(loses)
                reply = await self._heard(call, AGAIN if sent_count else note, is_first=is_first)
            sent_count += 1
            if reply is not None and reply.status not in ASK_AGAIN:
                if tries_count is not None and sent_count > 1 and _leaves_doubt(reply):
                    raise Unavailable(f"{call.verb}: {reply.shown}")
                return reply
            if sent_count == tries_count:
                raise Unavailable(f"no answer to {call.verb} after {sent_count} tries")
            await asyncio.sleep(self._pause_s(reply, pauses.next_s()))

    async def _heard(self, call: GameCall, note: str, *, is_first: bool) -> WalletReply | None:
        """Send a call, and listen to its answer. The first has a twin, if this fault is on."""
        if is_first and GameFault.TWIN_AT_ONCE in self._faults and call.verb in TWIN_VERBS:
            return self._listen(await self._send_twins(call, note))
        return self._listen(await self._line.send(call, self.journal, note))

    async def _send_twins(self, call: GameCall, note: str) -> WalletReply | None:
        """Send a call twice at the same moment, and return the better answer."""
        async with asyncio.TaskGroup() as group:
            twins = [
                group.create_task(self._line.send(call, self.journal, one), name="sandbox-twin")
                for one in (note, TWIN)
            ]
        first, second = (twin.result() for twin in twins)
        return second if first is None or first.status in ASK_AGAIN else first

    async def _delay(self) -> None:
        if GameFault.DELAY in self._faults:
            await asyncio.sleep(self._timing.delay_s)

    def _listen(self, reply: WalletReply | None) -> WalletReply | None:
        """Note the player's money, if an answer has it."""
        if reply is not None:
            found = reply.document.get("win", reply.document)
            balance = found.get("balance") if isinstance(found, dict) else None
            if isinstance(balance, str):
                self.balance = balance
        return reply

    def _pause_s(self, reply: WalletReply | None, usual_s: float) -> float:
        """Return the pause before a repetition: the usual one, or what the wallet asks for."""
        asked = reply.headers.get("retry-after", "") if reply is not None else ""
        if not asked.isascii() or not asked.isdecimal():
            return usual_s
        return min(max(float(asked), usual_s), self._timing.longest_pause_s)


def _leaves_doubt(reply: WalletReply) -> bool:
    """Tell whether an answer speaks of the message alone, and not of the order in it.

    The same order may have been carried out before, when it was sent without being answered.
    """
    return reply.status != OK_STATUS and reply.code in ("", "BAD_SIGNATURE", "BAD_REQUEST")
