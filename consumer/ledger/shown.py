"""Defines what a ledger shows: players, sessions, keys, and the rows of its outbox.

Both databases understand the statements.
"""

from __future__ import annotations

from typing import Final

import msgspec

from consumer.ledger.answers import Funds

PLAYERS: Final = """
    SELECT currency, real, bonus, held, frozen, sequence FROM account
    WHERE brand = $1 AND player_id = $2 ORDER BY currency"""
PROVIDER_KEYS: Final = """
    SELECT id, brand, provider, public_key, created_us, ends_us FROM provider_key
    ORDER BY created_us, id"""
OUTBOX_COUNT: Final = "SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT $1) AS head"
OUTBOX_ANY: Final = "SELECT 1 FROM outbox LIMIT 1"
OUTBOX_OLDEST: Final = """
    SELECT t.at_us FROM outbox AS o JOIN transactions AS t ON t.id = o.transaction_id
    ORDER BY o.id LIMIT 1"""
WRITE_OFFS_COUNT: Final = "SELECT count(*) FROM entry WHERE name = 'WRITE_OFF'"
OUTBOX: Final = """
    WITH RECURSIVE heads (account_id, number) AS (
        SELECT (SELECT min(account_id) FROM outbox WHERE account_id > $1), 1
        UNION ALL
        SELECT (SELECT min(o.account_id) FROM outbox AS o WHERE o.account_id > heads.account_id),
               number + 1
        FROM heads WHERE heads.account_id IS NOT NULL AND number < $2
    )
    SELECT o.id, o.account_id, o.transaction_id, a.brand, a.player_id, a.currency, o.sequence,
           t.kind, t.source, t.external_id, t.round_id, t.game_id,
           g.id, g.kind, g.real, g.bonus, w.id, w.real, w.bonus,
           t.bonus_id, t.at_us, t.real, t.bonus, t.real_after, t.bonus_after, t.held_after,
           t.amount, o.facts, l.name, l.type
    FROM heads
         JOIN outbox AS o ON o.account_id = heads.account_id AND o.sequence =
              (SELECT min(f.sequence) FROM outbox AS f WHERE f.account_id = heads.account_id)
         JOIN transactions AS t ON t.id = o.transaction_id
         JOIN account AS a ON a.id = o.account_id
         LEFT JOIN game AS l ON l.brand = t.brand AND l.provider = t.source
              AND l.game_id = t.game_id
         LEFT JOIN transactions AS g ON g.id = t.reverses
         LEFT JOIN transactions AS w ON g.verb = 'bet-win' AND w.verb = 'bet-win'
              AND w.brand = g.brand AND w.source = g.source AND w.reference = g.external_id
              AND w.reference <> ''
    ORDER BY o.account_id"""
"""One look-up in the index for each account, however many of its rows wait. The comparison with the
empty text lets the databases use the index `naming`, which has no other rows."""


class Player(msgspec.Struct, frozen=True, kw_only=True):
    """A player's account in one currency.

    Attributes:
        brand, player_id: The player.
        funds: What is on the account.
        frozen: If true, no bets are taken.
        sequence: The number of the account's last transaction. 0 if there is none.
    """

    brand: str
    player_id: str
    funds: Funds
    frozen: bool
    sequence: int


class PlayedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which a player plays the games of a provider.

    Attributes:
        session: Its id. Whoever knows it, and has the provider's key, can play.
        brand, provider: The brand, and the only provider that may use it.
        expires_s: When it ends, in seconds since 1970.
        game_id: The game for which it begins. Other games of the provider may be played in it too.
    """

    session: str
    brand: str
    provider: str
    expires_s: float
    game_id: str = ""


class ProviderKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key with which a provider signs its callbacks.

    Attributes:
        id: Its id, which each signature names.
        brand, provider: For whose players and as which provider its owner acts.
        public_key: The 32 bytes of the public Ed25519 key.
        created_s: When it was added, in seconds since 1970.
        ends_s: From when it is refused, in seconds since 1970. None means never.
    """

    id: str
    brand: str
    provider: str
    public_key: bytes
    created_s: float
    ends_s: float | None = None


class EndedSession(msgspec.Struct, frozen=True):
    """How a session ended.

    Attributes:
        currency: Its currency.
        net_units: Its wins less its bets so far. What was rolled back does not count.
    """

    currency: str
    net_units: int


class OutboxRow(msgspec.Struct, frozen=True):
    """A transaction whose events are not confirmed yet: a row of `OUTBOX`, column by column.

    Attributes:
        row_id: The number of the row.
        account_id: The number of the account.
        ledger_id: The transaction.
        brand, player_id, currency: The account.
        sequence: The transaction's number within the account.
        kind: The type of the transaction, such as `BET`.
        source: The provider, or who else asked for it.
        external_id: The id that the source gave it.
        round_id, game_id: The round. Empty if there is none.
        reversed_id, reversed_kind, reversed_real_units, reversed_bonus_units: For a rollback, the
            `ledger_id` of the bet or win that it gave back, its type, and what it had moved.
            Otherwise None.
        pair_id, pair_real_units, pair_bonus_units: The same of the win, if a bet and its win were
            given back together.
        bonus_id: The `ledger_id` of the issue of the bonus whose money it moved, or None.
        at_us: When it was booked, in microseconds since 1970.
        real_units, bonus_units: What it moved on the player's accounts.
        real_after_units, bonus_after_units, held_after_units: The balances after it.
        amount_units: The amount that was asked for.
        facts: What was stored with the order.
        game_name, game_type: What the list of games has about the game. None if it has nothing.
    """

    row_id: int
    account_id: int
    ledger_id: int
    brand: str
    player_id: str
    currency: str
    sequence: int
    kind: str
    source: str
    external_id: str
    round_id: str
    game_id: str
    reversed_id: int | None
    reversed_kind: str | None
    reversed_real_units: int | None
    reversed_bonus_units: int | None
    pair_id: int | None
    pair_real_units: int | None
    pair_bonus_units: int | None
    bonus_id: int | None
    at_us: int
    real_units: int
    bonus_units: int
    real_after_units: int
    bonus_after_units: int
    held_after_units: int
    amount_units: int
    facts: str
    game_name: str | None = None
    game_type: str | None = None
