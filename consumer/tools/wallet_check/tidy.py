"""Takes back what a case has done, so that a check can be run again and again.

A player should have the same money after a case as before it. So bets go back, what is still too
much is bet, what is still missing is paid as a promotion, and rounds are closed.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from consumer.tools.wallet_check.failure import CaseFailed

if TYPE_CHECKING:
    from consumer.ledger.answers import Funds
    from consumer.tools.wallet_check.play import Play


async def tidy(play: Play) -> None:
    """Take back what was done, as far as the wallet lets it."""
    left = play.leftovers
    with contextlib.suppress(CaseFailed):
        for bet in left.bets[::-1]:
            await play.call("rollback", play.rollback(bet))
        for name, began in left.began.items():
            await _restore(play, name, began)
        for fields in list(left.rounds.values()):
            await play.call("round-end", play.round_end(fields))


async def _restore(play: Play, name: str, began: Funds) -> None:
    """Bet what is too much, or pay what is missing.

    Raises:
        CaseFailed: The balance cannot be read.
    """
    units = (await play.funds(name)).total_units - began.total_units
    amount = play.expect.text(abs(units))
    if units > 0:
        await play.call("bet", play.bet(name, amount=amount))
    elif units < 0:
        await play.call("win", play.bet(name, amount=amount, kind="promo"))
