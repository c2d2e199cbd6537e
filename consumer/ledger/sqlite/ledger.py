"""The ledger in a SQLite file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from consumer.ledger.answers import Booked, OrderRefused
from consumer.ledger.base import Ledger
from consumer.ledger.orders import Bet, BetWin, Rollback, RoundEnd, Win
from consumer.ledger.sqlite import operate, play, provider_keys, roll_back
from consumer.ledger.sqlite.connection import connect
from consumer.ledger.sqlite.file_lock import FileLock
from consumer.ledger.sqlite.look import look, outbox_lock_of
from consumer.ledger.sqlite.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    import apsw

    from consumer.ledger.answers import Funds
    from consumer.ledger.look import FoundRows, LedgerLook
    from consumer.ledger.orders import Callback, Caller, OperatorOrder
    from consumer.ledger.shown import EndedSession, PlayedSession, ProviderKey


class SqliteLedger(Ledger):
    """The money of all players of one environment, in one file.

    Args:
        path: The file. It is created if there is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()  # two names of one file have one lock
        self._writer = Writer(partial(connect, self._path))
        self._outbox_lock = FileLock(outbox_lock_of(self._path))

    async def open(self) -> None:
        """See `Ledger.open`."""
        await self._writer.open()

    async def close(self) -> None:
        """See `Ledger.close`."""
        await self._writer.close()
        self.release_outbox()

    async def wait_lost(self) -> str:
        """See `Ledger.wait_lost`. The writer's thread has ended."""
        return await self._writer.wait_lost()

    def looked_at(self) -> AbstractAsyncContextManager[LedgerLook]:
        """See `Ledger.looked_at`."""
        return look(self._path)

    async def call_back(self, caller: Caller, order: Callback) -> Sequence[Booked]:
        """See `Ledger.call_back`."""
        outcome = await self._writer.do(partial(_carry_out, caller=caller, order=order))
        if isinstance(outcome, OrderRefused):
            raise outcome
        return outcome

    async def funds(self, caller: Caller, session: str) -> Funds:
        """See `Ledger.funds`."""
        return await self._writer.do(lambda db: play.seat(db, caller, session).owner.funds)

    async def operate(self, order: OperatorOrder) -> Booked:
        """See `Ledger.operate`."""
        return await self._writer.do(partial(operate.operate, order=order))

    async def open_account(self, brand: str, player_id: str, currency: str) -> None:
        """See `Ledger.open_account`."""
        await self._writer.do(lambda db: operate.open_account(db, brand, player_id, currency))

    async def freeze(self, brand: str, player_id: str, *, frozen: bool) -> bool:
        """See `Ledger.freeze`."""
        return await self._writer.do(lambda db: operate.freeze(db, brand, player_id, frozen=frozen))

    async def add_session(self, session: PlayedSession, player_id: str, currency: str) -> None:
        """See `Ledger.add_session`."""
        await self._writer.do(lambda db: operate.add_session(db, session, player_id, currency))

    async def end_session(self, brand: str, session: str) -> EndedSession | None:
        """See `Ledger.end_session`."""
        return await self._writer.do(lambda db: operate.end_session(db, brand, session))

    async def add_provider_key(self, key: ProviderKey) -> bool:
        """See `Ledger.add_provider_key`."""
        return await self._writer.do(lambda db: provider_keys.add(db, key))

    async def end_provider_key(self, key_id: str, ends_s: float) -> bool:
        """See `Ledger.end_provider_key`."""
        return await self._writer.do(lambda db: provider_keys.end(db, key_id, ends_s))

    async def hold_outbox(self) -> bool:
        """See `Ledger.hold_outbox`."""
        return self._outbox_lock.take()

    def release_outbox(self) -> None:
        """See `Ledger.release_outbox`."""
        self._outbox_lock.release()

    async def delete_from_outbox(self, row_ids: Sequence[int]) -> None:
        """See `Ledger.delete_from_outbox`."""
        numbers = [(row_id,) for row_id in row_ids]
        await self._writer.do(
            lambda db: db.executemany("DELETE FROM outbox WHERE id = ?", numbers).fetchall()
        )

    async def rows(self, statement: str, parameters: Sequence[Any]) -> FoundRows:
        """See `Ledger.rows`."""
        asked = tuple(parameters)
        return await self._writer.do(lambda db: db.execute(statement, asked).fetchall())


def _carry_out(db: apsw.Connection, caller: Caller, order: Callback) -> play.PlayOutcome:
    match order:
        case Bet():
            return play.place_bet(db, caller, order)
        case Win():
            return play.pay_win(db, caller, order)
        case BetWin():
            return play.bet_and_win(db, caller, order)
        case Rollback():
            return roll_back.roll_back(db, caller, order)
        case RoundEnd():
            return play.end_round(db, caller, order)
