"""Reads what people ask of a ledger: statements, transactions and rounds.

Both databases understand these statements. The numbers of the parameters come in the order in which
they are first used, because SQLite counts them so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.ledger.base import Ledger

_TRANSACTION: Final = """
    SELECT t.id, t.source, t.external_id, t.verb, t.kind, t.game_id, t.round_id, t.amount,
           t.currency, t.reference, t.refused, t.sequence, t.at_us, t.real, t.bonus, t.real_after,
           t.bonus_after, a.player_id
    FROM transactions AS t LEFT JOIN account AS a ON a.id = t.account_id"""
_ACCOUNT: Final = "SELECT id FROM account WHERE brand = $1 AND player_id = $2 AND currency = $3"
STATEMENT: Final = f"""{_TRANSACTION}
    WHERE t.account_id = ({_ACCOUNT}) AND t.sequence > $4 ORDER BY t.sequence LIMIT $5"""
WAITING: Final = """
    SELECT o.sequence FROM outbox AS o JOIN account AS a ON a.id = o.account_id
    WHERE a.brand = $1 AND a.player_id = $2 AND a.currency = $3 ORDER BY o.sequence"""
TRANSACTION: Final = f"""{_TRANSACTION}
    WHERE t.brand = $1 AND t.source = $2 AND t.external_id = $3"""
OF_ROUND: Final = f"""{_TRANSACTION}
    WHERE t.brand = $1 AND t.source = $2 AND t.game_id = $3 AND t.round_id = $4
    AND t.round_id <> '' ORDER BY t.id LIMIT $5"""
"""The comparison with the empty text lets the databases use the index, which has no other rows."""
OPEN_ROUNDS: Final = """
    SELECT r.source, r.game_id, r.round_id, a.player_id, a.currency, r.bets_count,
           r.live_bets_count, r.live_wins_count, r.stake_real + r.stake_bonus, r.at_us
    FROM round AS r JOIN account AS a ON a.id = r.account_id
    WHERE a.brand || '' = $1 AND NOT r.closed AND r.at_us <= $2 ORDER BY r.at_us LIMIT $3"""
"""`|| ''` keeps the databases from beginning with all accounts of the brand. They begin with the
open rounds, for which there is an index."""


class ShownTransaction(msgspec.Struct, frozen=True):
    """An order that was carried out, or was refused for good.

    The fields stand in the order of the columns. `docs/wallet.md` says what they mean for callers.
    """

    ledger_id: int
    source: str
    external_id: str
    verb: str
    kind: str | None
    game_id: str
    round_id: str
    amount_units: int
    currency: str
    reference: str
    refused: str | None
    sequence: int | None
    at_us: int
    real_units: int
    bonus_units: int
    real_after_units: int | None
    bonus_after_units: int | None
    player_id: str | None


class OpenRound(msgspec.Struct, frozen=True):
    """A round that no message has closed. The fields stand in the order of the columns."""

    provider: str
    game_id: str
    round_id: str
    player_id: str
    currency: str
    bets_count: int
    live_bets_count: int
    live_wins_count: int
    stake_units: int
    at_us: int


class LedgerReads:
    """Reads from a ledger.

    Every method raises `LedgerUnavailable` if the database does not answer.

    Args:
        ledger: The ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def statement(
        self, brand: str, player_id: str, currency: str, after_sequence: int, max_count: int
    ) -> Sequence[ShownTransaction]:
        """Return the transactions of an account behind a sequence, in their order."""
        asked = (brand, player_id, currency, after_sequence, max_count)
        return [ShownTransaction(*row) for row in await self._ledger.rows(STATEMENT, asked)]

    async def waiting(self, brand: str, player_id: str, currency: str) -> Sequence[int]:
        """Return the sequences of an account's transactions whose events are not confirmed yet."""
        found = await self._ledger.rows(WAITING, (brand, player_id, currency))
        return [row[0] for row in found]

    async def transaction(
        self, brand: str, source: str, external_id: str
    ) -> ShownTransaction | None:
        """Return what is stored under an id of a provider."""
        found = await self._ledger.rows(TRANSACTION, (brand, source, external_id))
        return ShownTransaction(*found[0]) if found else None

    async def of_round(
        self, brand: str, source: str, game_id: str, round_id: str, max_count: int
    ) -> Sequence[ShownTransaction]:
        """Return the transactions of a round, the oldest first."""
        asked = (brand, source, game_id, round_id, max_count)
        return [ShownTransaction(*row) for row in await self._ledger.rows(OF_ROUND, asked)]

    async def open_rounds(self, brand: str, until_us: int, max_count: int) -> Sequence[OpenRound]:
        """Return the open rounds that began until a time, in microseconds since 1970."""
        asked = (brand, until_us, max_count)
        return [OpenRound(*row) for row in await self._ledger.rows(OPEN_ROUNDS, asked)]
