"""USER_BALANCES_UPDATE: what is on a player's accounts."""

from __future__ import annotations

from typing import Annotated, Final

from consumer.events.base import (
    SCHEMAS,
    Amount,
    AnyHost,
    Currency,
    EventType,
    Fields,
    Nested,
    Rate,
    Timestamp,
    UserId,
    hint,
    only,
)
from consumer.events.canonical import digest

KEYS: Final = ("real_money", "bonus_money", "locked_money")
BalanceKey = Annotated[
    str,
    hint(
        *KEYS,
        why="The kind of money on the account.",
        schema=("real_money", "bonus_money"),
    ),
]


class Balance(Nested, kw_only=True):
    """One account of a player."""

    amount: Amount
    """The money on the account, in whole units of the currency."""
    currency: Currency
    key: BalanceKey
    exchange_rate: Rate


class UserBalancesUpdate(Fields, kw_only=True, forbid_unknown_fields=True):
    """The balances of a player after a change; at least those of real money and bonus money."""

    balances: list[Balance]
    """One entry for each account."""
    origin: AnyHost
    timestamp: Timestamp
    user_id: UserId


def _ordered(balances: list[Balance]) -> list[Balance]:
    """Sort the accounts: a resend may have them in another order, as Go's maps have no order.

    If an account comes twice, the order says which amount is the later one, so it is kept.
    """
    if len({(one.key, one.currency) for one in balances}) < len(balances):
        return balances
    places = {key: place for place, key in enumerate(KEYS)}
    return sorted(balances, key=lambda one: (places.get(one.key, len(KEYS)), one.key, one.currency))


USER_BALANCES_UPDATE = EventType(
    name="USER_BALANCES_UPDATE",
    fields=UserBalancesUpdate,
    sources=("https://fast-track.gitbook.io/integration/real-time-data/balances", SCHEMAS),
    # Two updates of one player may have the same timestamp.
    identity=lambda event: (event.user_id, digest(_ordered(event.balances)), event.timestamp),
    identified_by=("user_id", "hash of balances in any order", "timestamp"),
    deciding=(),
    subjects=only("wallet.balance"),
)
