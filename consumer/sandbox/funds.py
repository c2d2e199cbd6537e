"""Asks the wallet for the money of a session, and remembers the currency of the newest sessions.

A game server has to know the currency of a session before the first bet. A session never changes
its currency, so the wallet is asked once.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.http.answer import Problem
from consumer.sandbox.coins import Coins, coins_of
from consumer.sandbox.journal import GameCall, Journal
from consumer.sandbox.running import busy

if TYPE_CHECKING:
    from consumer.clock import Clock
    from consumer.sandbox.exchange import WalletLine
    from consumer.tools.wallet_check.client import WalletReply

SESSIONS_MAX_COUNT: Final = 10_000
"""The largest number of sessions that are remembered: about 3 MB."""
FUNDS_FIELDS: Final = ("currency", "balance", "balance_real", "balance_bonus")
"""What is read from an answer to `balance`."""


class KnownFunds(msgspec.Struct, frozen=True):
    """What a player has, in the texts of the wallet.

    Attributes:
        coins: The currency.
        balance: All money that can be played with.
        balance_real: The real money in it.
        balance_bonus: The bonus money in it.
    """

    coins: Coins
    balance: str
    balance_real: str
    balance_bonus: str


class SessionFunds:
    """Knows the money of sessions.

    Args:
        clock: Measures how long the wallet takes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[str, str], KnownFunds] = OrderedDict()

    async def now(self, line: WalletLine, brand: str, session: str) -> KnownFunds:
        """Ask the wallet.

        Raises:
            Problem: 404 if the wallet does not know the session, 503 if it does not answer.
        """
        call = GameCall("balance", "", {"session": session})
        found = _funds_in(await line.send(call, Journal(self._clock)))
        self._remember((brand, session), found)
        return found

    async def known(self, line: WalletLine, brand: str, session: str) -> KnownFunds:
        """Return what was known last. The wallet is asked only for a session that is new.

        Raises:
            Problem: See `now`.
        """
        found = self._known.get((brand, session))
        return found if found is not None else await self.now(line, brand, session)

    def note(self, brand: str, session: str, balance: str) -> None:
        """Remember the newest balance of a session."""
        known = self._known.get((brand, session))
        if known is not None and balance:
            self._remember((brand, session), msgspec.structs.replace(known, balance=balance))

    def _remember(self, place: tuple[str, str], found: KnownFunds) -> None:
        self._known[place] = found
        self._known.move_to_end(place)
        if len(self._known) > SESSIONS_MAX_COUNT:
            self._known.popitem(last=False)


def _funds_in(reply: WalletReply | None) -> KnownFunds:
    """Read the answer to `balance`.

    Raises:
        Problem: See `SessionFunds.now`.
    """
    if reply is None:
        raise busy("the wallet does not answer")
    if reply.code == "SESSION_NOT_FOUND":
        raise Problem(
            404,
            "session_not_found",
            "the wallet has no such session; begin the game again in the lobby",
            facts={"code": reply.code},
        )
    told = [reply.document.get(name) for name in FUNDS_FIELDS]
    try:
        currency, *balances = msgspec.convert(told, tuple[str, str, str, str])
        return KnownFunds(coins_of(currency, balances[0]), *balances)
    except ValueError as error:
        raise busy(f"the wallet answered {reply.shown}") from error
