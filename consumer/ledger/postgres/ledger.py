"""The ledger in PostgreSQL: each order is a call of one SQL function."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import asyncpg

from consumer.ledger.answers import (
    Booked,
    Funds,
    LedgerRefusal,
    LedgerUnavailable,
    OrderRefused,
)
from consumer.ledger.base import KEYS_MAX_COUNT, Ledger
from consumer.ledger.orders import (
    Bet,
    BetWin,
    BonusEnd,
    BonusIssue,
    Rollback,
    RoundEnd,
    SpendOrder,
    Win,
)
from consumer.ledger.postgres.connection import (
    AWAY,
    DEADLOCK,
    ORDER_S,
    connect,
    fetch_over,
    unavailable,
)
from consumer.ledger.postgres.look import look
from consumer.ledger.postgres.outbox_holder import OutboxHolder
from consumer.ledger.postgres.seats import Seats
from consumer.ledger.shown import EndedSession, ProviderKey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from asyncpg import Pool, Record

    from consumer.ledger.look import FoundRows, LedgerLook
    from consumer.ledger.orders import Callback, Caller, OperatorOrder
    from consumer.ledger.shown import PlayedSession

CONNECTIONS_COUNT: Final = 16
DEADLOCKS_COUNT: Final = 3
"""How often an order is repeated after a deadlock. The ids and then the account are locked in one
order, so only somebody who locks rows by hand can cause a deadlock."""
BET: Final = "SELECT * FROM bet($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
WIN: Final = "SELECT * FROM win($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
BET_WIN: Final = "SELECT * FROM bet_win($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
ROLL_BACK: Final = "SELECT * FROM roll_back($1, $2, $3, $4, $5, $6, $7, $8, $9)"
END_ROUND: Final = "SELECT * FROM end_round($1, $2, $3, $4, $5, $6)"
PUT_IN: Final = "SELECT * FROM put_in($1, $2, $3, $4, $5, $6, $7)"
END_BONUS: Final = "SELECT * FROM end_bonus($1, $2, $3, $4, $5)"
BEGIN_SESSION: Final = """
    INSERT INTO session (id, brand, provider, account_id, expires_us, game_id)
    SELECT $1, $2::text, $3, id, $4, $5 FROM account
    WHERE brand = $2 AND player_id = $6 AND currency = $7 RETURNING id"""
END_SESSION: Final = "SELECT * FROM end_session($1, $2)"


class PostgresLedger(Ledger):
    """The money of all players of one environment, in one schema.

    Args:
        url: The server and the database. PgBouncer's pooling of transactions cannot be used.
        schema: The schema. It is created if there is none.
        connections_count: The largest number of connections.
    """

    def __init__(self, url: str, schema: str, connections_count: int = CONNECTIONS_COUNT) -> None:
        self._url = url
        self._schema = schema
        self._connections_count = connections_count
        self._pool: Pool | None = None
        self._holder: OutboxHolder | None = None
        self._seats = Seats()

    async def open(self) -> None:
        """See `Ledger.open`."""
        self._pool = await connect(self._url, self._schema, self._connections_count)

    async def close(self) -> None:
        """See `Ledger.close`."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()
        self.release_outbox()

    def looked_at(self) -> AbstractAsyncContextManager[LedgerLook]:
        """See `Ledger.looked_at`."""
        return look(self._url, self._schema)

    async def call_back(self, caller: Caller, order: Callback) -> Sequence[Booked]:
        """See `Ledger.call_back`."""
        seat = order.session or f"{caller.brand} {caller.provider}"
        try:
            async with asyncio.timeout(ORDER_S), self._seats.taken(seat):
                return await self._carry_out(*_call_of(caller, order))
        except TimeoutError as error:
            raise LedgerUnavailable("the ledger's database: no answer in time") from error

    async def funds(self, caller: Caller, session: str) -> Funds:
        """See `Ledger.funds`."""
        found = await self._fetch(
            "SELECT currency, real, bonus, held FROM account WHERE id ="
            " (SELECT account_id FROM session WHERE id = $1 AND brand = $2 AND provider = $3)",
            *(session, caller.brand, caller.provider),
        )
        if not found:
            raise OrderRefused(LedgerRefusal.SESSION_NOT_FOUND)
        return Funds(*found[0])

    async def operate(self, order: OperatorOrder) -> Booked:
        """See `Ledger.operate`."""
        if isinstance(order, BonusEnd):
            arguments = (order.brand, order.bonus_id, order.converts, order.reference, order.facts)
            (booked,) = await self._carry_out(END_BONUS, arguments)
            return booked
        verb = "bonus" if isinstance(order, BonusIssue) else "deposit"
        put_in = (
            *(order.brand, verb, order.player_id, order.currency),
            *(order.amount_units, order.reference, order.facts),
        )
        (booked,) = await self._carry_out(PUT_IN, put_in)
        return booked

    async def open_account(self, brand: str, player_id: str, currency: str) -> None:
        """See `Ledger.open_account`."""
        await self._fetch("SELECT add_player($1, $2, $3)", brand, player_id, currency)

    async def freeze(self, brand: str, player_id: str, *, frozen: bool) -> bool:
        """See `Ledger.freeze`."""
        found = await self._fetch("SELECT freeze_player($1, $2, $3)", brand, player_id, frozen)
        return bool(found[0][0])

    async def add_session(self, session: PlayedSession, player_id: str, currency: str) -> None:
        """See `Ledger.add_session`."""
        begun = await self._fetch(
            BEGIN_SESSION,
            *(session.session, session.brand, session.provider, int(session.expires_s * 1e6)),
            *(session.game_id, player_id, currency),
        )
        if not begun:
            raise OrderRefused(LedgerRefusal.PLAYER_NOT_FOUND)

    async def end_session(self, brand: str, session: str) -> EndedSession | None:
        """See `Ledger.end_session`."""
        ended = await self._fetch(END_SESSION, session, brand)
        return EndedSession(*ended[0]) if ended else None

    async def add_provider_key(self, key: ProviderKey) -> bool:
        """See `Ledger.add_provider_key`."""
        ends_us = None if key.ends_s is None else int(key.ends_s * 1e6)
        added = await self._fetch(
            "SELECT add_provider_key($1, $2, $3, $4, $5, $6, $7)",
            *(key.id, key.brand, key.provider, key.public_key, int(key.created_s * 1e6)),
            *(ends_us, KEYS_MAX_COUNT),
        )
        return bool(added[0][0])

    async def end_provider_key(self, key_id: str, ends_s: float) -> bool:
        """See `Ledger.end_provider_key`."""
        ended = await self._fetch(
            "UPDATE provider_key SET ends_us = least(ends_us, $1) WHERE id = $2 RETURNING id",
            *(int(ends_s * 1e6), key_id),
        )
        return bool(ended)

    async def hold_outbox(self) -> bool:
        """See `Ledger.hold_outbox`. The lock belongs to a connection of its own."""
        if self._holder is None:
            self._holder = OutboxHolder(self._url, self._schema)
        return await self._holder.holds()

    def release_outbox(self) -> None:
        """See `Ledger.release_outbox`."""
        if self._holder is not None:
            self._holder.close()

    async def delete_from_outbox(self, row_ids: Sequence[int]) -> None:
        """See `Ledger.delete_from_outbox`."""
        await self._fetch("DELETE FROM outbox WHERE id = ANY($1::bigint[])", list(row_ids))

    async def rows(self, statement: str, parameters: Sequence[object]) -> FoundRows:
        """See `Ledger.rows`."""
        return [tuple(row) for row in await self._fetch(statement, *parameters)]

    async def _carry_out(self, statement: str, arguments: Sequence[object]) -> list[Booked]:
        """Call a function, and return its answers.

        Raises:
            OrderRefused: The function refuses.
        """
        try:
            return [_booked(row) for row in await self._fetch(statement, *arguments)]
        except asyncpg.CheckViolationError as error:
            if error.constraint_name == "too_large":
                raise OrderRefused(LedgerRefusal.BAD_AMOUNT) from error
            raise
        except asyncpg.NumericValueOutOfRangeError as error:  # the stakes of a round together
            raise OrderRefused(LedgerRefusal.BAD_AMOUNT) from error

    async def _fetch(self, statement: str, *arguments: object) -> list[Record]:
        """Run a statement. After a deadlock it is run again.

        Raises:
            LedgerUnavailable: The server did not answer.
        """
        if self._pool is None:
            raise LedgerUnavailable("the ledger is not open")
        try:
            async with asyncio.timeout(ORDER_S):
                return await self._fetch_again(self._pool, statement, arguments)
        except (asyncpg.CheckViolationError, asyncpg.NumericValueOutOfRangeError):
            raise
        except (*DEADLOCK, *AWAY, asyncpg.PostgresError) as error:
            # Whatever the server says, such as that a table is gone, ends one call and not the
            # process. The log and `/readyz/wallet` show it.
            raise unavailable(error) from error

    @staticmethod
    async def _fetch_again(pool: Pool, statement: str, arguments: Sequence[object]) -> list[Record]:
        """Run a statement, and run it again after a deadlock."""
        for _ in range(DEADLOCKS_COUNT):
            try:
                async with pool.acquire() as connection:
                    return await fetch_over(connection, statement, arguments)
            except DEADLOCK:
                continue
        async with pool.acquire() as connection:
            return await fetch_over(connection, statement, arguments)


def _call_of(caller: Caller, order: Callback) -> tuple[str, tuple[object, ...]]:
    """Return the call of an order's function, and its arguments."""
    who = (caller.brand, caller.provider)
    bonus_first = caller.spend_order is SpendOrder.BONUS_FIRST
    match order:
        case Bet():
            return BET, (
                *(*who, bonus_first, order.transaction_id, order.session, order.round_id),
                *(order.game_id, order.amount_units, order.currency, order.facts),
            )
        case Win():
            return WIN, (
                *(*who, order.transaction_id, order.session, order.round_id, order.game_id),
                *(order.amount_units, order.currency, order.bet_transaction_id or ""),
                *(order.kind is not None, order.round_end, order.facts),
            )
        case BetWin():
            return BET_WIN, (
                *(*who, bonus_first, order.bet_transaction_id, order.win_transaction_id),
                *(order.session, order.round_id, order.game_id, order.bet_units, order.win_units),
                *(order.currency, order.round_end, order.facts),
            )
        case Rollback():
            return ROLL_BACK, (
                *(*who, caller.reverses_wins, order.transaction_id),
                *(order.reference_transaction_id, order.session, order.amount_units),
                *(order.currency, order.facts),
            )
        case RoundEnd():
            return END_ROUND, (
                *(*who, order.transaction_id, order.session, order.round_id, order.game_id),
            )


def _booked(row: Record) -> Booked:
    """Read an answer.

    Raises:
        OrderRefused: The answer is a refusal.
    """
    currency = row["currency"]
    now = Funds(currency, row["real"], row["bonus"], row["held"]) if currency else None
    if row["refusal"] is not None:
        raise OrderRefused(LedgerRefusal(row["refusal"]), now)
    return Booked(
        ledger_id=row["ledger_id"],
        amount_units=row["amount"],
        balance_after_units=row["balance_after"],
        now=now,
        replayed=row["replayed"],
    )
