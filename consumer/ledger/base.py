"""States the contract of a ledger: everything that the code for a database has to provide.

The ledger is double entry: each transaction has entries whose sum is zero. A player has one
account in each currency, with three balances: REAL, BONUS, and HELD for money that waits for a
withdrawal. None of them is ever below zero. The other side of an entry is an account of the house:
HOUSE for stakes and wins, SYSTEM for deposits, PROMO_POOL for gifts, WRITE_OFF for what cannot be
taken back. An account of the house has entries, but no stored balance. With a stored balance, each
order would lock the same row, and all orders would wait for each other.

An order is what a game or a brand asks for. Whoever asks gives the order an id. The ledger carries
an order out once, however often it comes:

- First the ids of an order are locked, sorted, and then the player's account. So two orders with
  the same id never run at the same time. The second one waits for the first. If both ask for the
  same, it gets the stored answer of the first.
- Under the account's lock, a transaction gets its time and the account's next `sequence`. The
  numbers have no gap, and the times increase.
- Transactions and entries are never changed and never deleted. The database refuses it.

The answer of an order may get lost. The caller then sends the same order again, and gets what was
stored.

`open` is called first and `close` last. In between, any task may call any method at any time.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from consumer.ledger.answers import Funds
from consumer.ledger.shown import (
    OUTBOX,
    OUTBOX_COUNT,
    PLAYERS,
    PROVIDER_KEYS,
    OutboxRow,
    Player,
    ProviderKey,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from consumer.ledger.answers import Booked
    from consumer.ledger.look import FoundRows, LedgerLook
    from consumer.ledger.orders import Callback, Caller, OperatorOrder
    from consumer.ledger.shown import EndedSession, PlayedSession

OUTBOX_MAX_COUNT: Final = 100_000
KEYS_MAX_COUNT: Final = 2
"""The largest number of keys in force that a provider has for a brand. The second key is for a
change of keys."""


class Ledger(ABC):
    """The money of all players of one environment.

    Every method raises `LedgerUnavailable` if the database does not answer.
    Cancelling a call: the order may have been carried out or not.
    """

    @abstractmethod
    async def open(self) -> None:
        """Connect, and bring the tables to the state that this version needs."""

    @abstractmethod
    async def close(self) -> None:
        """Free everything. It may be called twice, and after an `open` that failed."""

    async def wait_lost(self) -> str:
        """Return the reason once the ledger has to be opened again.

        By default it never returns, because the database's library connects again by itself.
        """
        await asyncio.Event().wait()
        raise AssertionError  # an event that nobody sets

    @abstractmethod
    def looked_at(self) -> AbstractAsyncContextManager[LedgerLook]:
        """Look at the database for the time of the block, and change nothing. No `open` is needed.

        Raises:
            LedgerUnavailable: `open` would fail, or the user may not do what orders need. The text
                says what to do.

        Cancelling: the connection is closed.
        """

    @abstractmethod
    async def call_back(self, caller: Caller, order: Callback) -> Sequence[Booked]:
        """Carry out what a game asks. Return what was booked: two for a `BetWin`, else one.

        Raises:
            OrderRefused: No money has moved.
        """

    @abstractmethod
    async def funds(self, caller: Caller, session: str) -> Funds:
        """Return what is on the account of a session, also after the session has ended.

        Raises:
            OrderRefused: The caller has no such session.
        """

    @abstractmethod
    async def operate(self, order: OperatorOrder) -> Booked:
        """Carry out what a brand asks.

        Raises:
            OrderRefused: No money has moved.
        """

    async def add_player(self, brand: str, player_id: str, currency: str) -> Player:
        """Open an account for a player, unless there is one already.

        A player who is frozen is frozen in the new currency too.
        """
        await self.open_account(brand, player_id, currency)
        players = await self.players(brand, player_id)
        (player,) = [one for one in players if one.funds.currency == currency]
        return player

    @abstractmethod
    async def open_account(self, brand: str, player_id: str, currency: str) -> None:
        """Do what `add_player` says, and return nothing."""

    async def players(self, brand: str, player_id: str) -> Sequence[Player]:
        """Return the accounts of a player, sorted by currency. Empty if there are none."""
        return [
            Player(
                brand=brand,
                player_id=player_id,
                funds=Funds(*funds),
                frozen=bool(frozen),
                sequence=sequence,
            )
            for *funds, frozen, sequence in await self.rows(PLAYERS, (brand, player_id))
        ]

    @abstractmethod
    async def freeze(self, brand: str, player_id: str, *, frozen: bool) -> bool:
        """Take no bets of a player if `frozen` is true, else take them again.

        Return false if the brand has no such player.
        """

    @abstractmethod
    async def add_session(self, session: PlayedSession, player_id: str, currency: str) -> None:
        """Begin a session of a player.

        Raises:
            OrderRefused: There is no such player.
        """

    @abstractmethod
    async def end_session(self, brand: str, session: str) -> EndedSession | None:
        """End a session. Return its result, or None if the brand has no such session."""

    @abstractmethod
    async def add_provider_key(self, key: ProviderKey) -> bool:
        """Add a key. Return false if the provider has `KEYS_MAX_COUNT` keys in force already."""

    @abstractmethod
    async def end_provider_key(self, key_id: str, ends_s: float) -> bool:
        """Let a key end at a time, in seconds since 1970, or earlier if it ends earlier.

        Return false if there is no such key.
        """

    async def provider_keys(self) -> Sequence[ProviderKey]:
        """Return all keys, the oldest first, also those that have ended."""
        return [
            ProviderKey(
                id=key_id,
                brand=brand,
                provider=provider,
                public_key=public_key,
                created_s=created_us / 1e6,
                ends_s=None if ends_us is None else ends_us / 1e6,
            )
            for key_id, brand, provider, public_key, created_us, ends_us in await self.rows(
                PROVIDER_KEYS, ()
            )
        ]

    async def outbox(self, max_count: int, after_account_id: int = 0) -> Sequence[OutboxRow]:
        """Return rows of the outbox: at most one of each account, in the order of the accounts.

        It is the row with the account's lowest `sequence`. So an account's next event waits for the
        sink's confirmation of the one before.

        Args:
            max_count: The largest number of rows.
            after_account_id: Only rows of accounts with a higher number are returned.
        """
        return [OutboxRow(*row) for row in await self.rows(OUTBOX, (after_account_id, max_count))]

    async def outbox_count(self, max_count: int = OUTBOX_MAX_COUNT) -> int:
        """Return how many rows the outbox has, `max_count` at most, because to count takes time."""
        return int((await self.rows(OUTBOX_COUNT, (max_count,)))[0][0])

    @abstractmethod
    async def hold_outbox(self) -> bool:
        """Try to become the only process that takes from the outbox. Return true if it worked.

        The process holds the outbox until `release_outbox`, `close`, or the loss of its connection
        to the database.
        """

    @abstractmethod
    def release_outbox(self) -> None:
        """Let another process take from the outbox. It may be called twice."""

    @abstractmethod
    async def delete_from_outbox(self, row_ids: Sequence[int]) -> None:
        """Delete rows whose events have ended."""

    @abstractmethod
    async def rows(self, statement: str, parameters: Sequence[object]) -> FoundRows:
        """Run a statement that both databases understand. Return its rows.

        The statements of `shown.py` and `reads.py` change nothing. Those of `games.py` and
        `verify` do.
        """
