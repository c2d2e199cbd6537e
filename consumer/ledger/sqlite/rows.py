"""Reads the rows of a ledger's tables that decide about an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from consumer.ledger.answers import Funds

if TYPE_CHECKING:
    import apsw

Row = tuple[Any, ...]
"""A row as SQLite returns it. It has 0 and 1 for false and true."""


class AccountRow(msgspec.Struct):
    """A row of `account`. The fields stand in the order of the columns."""

    id: int
    brand: str
    player_id: str
    currency: str
    real_units: int
    bonus_units: int
    held_units: int
    frozen: bool
    bonus_id: int | None
    sequence: int
    at_us: int

    @property
    def funds(self) -> Funds:
        """What is on the account."""
        return Funds(self.currency, self.real_units, self.bonus_units, self.held_units)


SESSION: Final = """
    SELECT id, brand, provider, account_id, expires_us, ended FROM session WHERE id = ?"""


class SessionRow(msgspec.Struct, frozen=True):
    """A row of `session`. The fields stand in the order of the columns."""

    id: str
    brand: str
    provider: str
    account_id: int
    expires_us: int
    ended: bool


class StoredOrder(msgspec.Struct, frozen=True):
    """A row of `transactions`. The fields stand in the order of the columns."""

    id: int
    brand: str
    source: str
    external_id: str
    verb: str
    kind: str | None
    account_id: int | None
    session: str | None
    game_id: str
    round_id: str
    amount_units: int
    currency: str
    reference: str
    refused: str | None
    bonus_id: int | None
    reverses_id: int | None
    target: str | None
    repeats_id: int | None
    sequence: int | None
    at_us: int
    real_units: int
    bonus_units: int
    real_after_units: int | None
    bonus_after_units: int | None
    held_after_units: int | None

    @property
    def balance_after_units(self) -> int | None:
        """Real and bonus money together after it."""
        if self.real_after_units is None or self.bonus_after_units is None:
            return None
        return self.real_after_units + self.bonus_after_units


class RoundRow(msgspec.Struct, frozen=True):
    """A row of `round`, without its key and its time."""

    bets_count: int
    live_bets_count: int
    live_wins_count: int
    stake_real_units: int
    stake_bonus_units: int
    closed: bool


def account(db: apsw.Connection, account_id: int) -> AccountRow:
    """Return an account that exists."""
    statement = "SELECT * FROM account WHERE id = ?"
    found: list[Row] = db.execute(statement, (account_id,)).fetchall()
    return AccountRow(*found[0])


def account_of(db: apsw.Connection, brand: str, player_id: str, currency: str) -> AccountRow | None:
    """Return a player's account in a currency."""
    row = db.execute(
        "SELECT * FROM account WHERE brand = ? AND player_id = ? AND currency = ?",
        (brand, player_id, currency),
    ).fetchone()
    return AccountRow(*row) if row else None


def session(db: apsw.Connection, session_id: str) -> SessionRow | None:
    """Return a session."""
    row = db.execute(SESSION, (session_id,)).fetchone()
    return SessionRow(*row) if row else None


def stored(db: apsw.Connection, brand: str, source: str, external_id: str) -> StoredOrder | None:
    """Return what is stored under the id of a source."""
    row = db.execute(
        "SELECT * FROM transactions WHERE brand = ? AND source = ? AND external_id = ?",
        (brand, source, external_id),
    ).fetchone()
    return StoredOrder(*row) if row else None


def naming(db: apsw.Connection, one: StoredOrder, verb: str) -> list[StoredOrder]:
    """Return what names a transaction by its id, and has a verb."""
    # The comparison with the empty text lets SQLite use the index, which has no other rows.
    found = db.execute(
        "SELECT * FROM transactions WHERE brand = ? AND source = ? AND reference = ?"
        " AND reference <> '' AND verb = ?",
        (one.brand, one.source, one.external_id, verb),
    )
    return [StoredOrder(*row) for row in found]


def first_rollback(db: apsw.Connection, brand: str, source: str, target: str) -> StoredOrder | None:
    """Return the first rollback of what has an id."""
    row = db.execute(
        "SELECT * FROM transactions"
        " WHERE brand = ? AND source = ? AND target = ? AND repeats IS NULL",
        (brand, source, target),
    ).fetchone()
    return StoredOrder(*row) if row else None


def entries(db: apsw.Connection, transaction_id: int) -> list[tuple[str, int]]:
    """Return the entries of a transaction: the account's name, and the amount."""
    statement = "SELECT name, amount FROM entry WHERE transaction_id = ?"
    found: list[Row] = db.execute(statement, (transaction_id,)).fetchall()
    return [(name, units) for name, units in found]


def game_round(db: apsw.Connection, key: tuple[int, str, str, str]) -> RoundRow | None:
    """Return a round. The key is its account, provider, game and id."""
    row = db.execute(
        "SELECT bets_count, live_bets_count, live_wins_count, stake_real, stake_bonus,"
        " closed FROM round WHERE account_id = ? AND source = ? AND game_id = ? AND round_id = ?",
        key,
    ).fetchone()
    return RoundRow(*row) if row else None


def bets_of_round(db: apsw.Connection, key: tuple[int, str, str, str]) -> list[StoredOrder]:
    """Return the bets of a round whose stake had bonus money, the newest first."""
    found = db.execute(
        "SELECT t.* FROM transactions AS t JOIN account AS a ON a.brand = t.brand AND a.id = ?1"
        " WHERE t.source = ?2 AND t.game_id = ?3 AND t.round_id = ?4 AND t.round_id <> ''"
        " AND t.account_id = ?1 AND t.kind = 'BET' AND t.bonus_id IS NOT NULL ORDER BY t.id DESC",
        key,
    )
    return [StoredOrder(*row) for row in found]


def lists_game(db: apsw.Connection, brand: str, provider: str, game_id: str) -> bool:
    """Tell whether a provider has a game. It has any game while none is listed."""
    ((is_listed,),) = db.execute(
        "SELECT NOT EXISTS (SELECT 1 FROM game WHERE brand = ?1 AND provider = ?2)"
        " OR EXISTS (SELECT 1 FROM game WHERE brand = ?1 AND provider = ?2 AND game_id = ?3)",
        (brand, provider, game_id),
    ).fetchall()
    return bool(is_listed)
