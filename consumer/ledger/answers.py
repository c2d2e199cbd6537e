"""Defines what a ledger answers: what it has booked, or why it has not."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from consumer.errors import ConsumerError, Unavailable


class LedgerRefusal(StrEnum):
    """Why an order is not carried out. The words are those of the contract with providers."""

    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    SESSION_EXPIRED = "SESSION_EXPIRED"
    PLAYER_NOT_FOUND = "PLAYER_NOT_FOUND"
    PLAYER_FROZEN = "PLAYER_FROZEN"
    GAME_NOT_FOUND = "GAME_NOT_FOUND"
    WRONG_CURRENCY = "WRONG_CURRENCY"
    BAD_AMOUNT = "BAD_AMOUNT"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    TRANSACTION_CONFLICT = "TRANSACTION_CONFLICT"
    ROLLED_BACK = "ROLLED_BACK"
    ROUND_CLOSED = "ROUND_CLOSED"
    BET_NOT_FOUND = "BET_NOT_FOUND"
    BET_SETTLED = "BET_SETTLED"
    NOT_REVERSIBLE = "NOT_REVERSIBLE"
    BONUS_ACTIVE = "BONUS_ACTIVE"
    BONUS_ENDED = "BONUS_ENDED"
    BONUS_NOT_FOUND = "BONUS_NOT_FOUND"


FINAL = frozenset(
    (LedgerRefusal.INSUFFICIENT_FUNDS, LedgerRefusal.PLAYER_FROZEN, LedgerRefusal.SESSION_EXPIRED)
)
"""A bet that was refused like this is stored. The same bet again is refused in the same way."""


class Funds(msgspec.Struct, frozen=True):
    """What is on a player's account in one currency, in its smallest units.

    Attributes:
        currency: The currency.
        real_units: Real money.
        bonus_units: Bonus money.
        held_units: Real money that is held back for a withdrawal.
    """

    currency: str
    real_units: int
    bonus_units: int
    held_units: int = 0

    @property
    def total_units(self) -> int:
        """The money that a player can play with."""
        return self.real_units + self.bonus_units


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """What an order did. All but `now` and `replayed` is a stored fact, and never changes.

    Attributes:
        ledger_id: The ledger's id of what was booked.
        amount_units: The amount that was asked for. For a rollback, what was given back.
        balance_after_units: Real and bonus money together right after the order. None for the
            rollback of a bet that is not known, because no player is known.
        now: What is on the account at this moment. None if no player is known.
        replayed: True if the order was carried out before, and nothing moved now.
    """

    ledger_id: int
    amount_units: int
    balance_after_units: int | None
    now: Funds | None
    replayed: bool = False


class OrderRefused(ConsumerError):
    """The order is not carried out, and no money has moved.

    Attributes:
        refusal: Why.
        now: What is on the account at this moment, where it is known.
    """

    def __init__(self, refusal: LedgerRefusal, now: Funds | None = None) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.now = now


class LedgerUnavailable(Unavailable):
    """The database did not answer. It may have carried out the order: repeat the order."""


class Fault(msgspec.Struct, frozen=True):
    """A place at which the books do not fit.

    Attributes:
        where: The account or the transaction.
        what: What does not fit, with the two values.
    """

    where: str
    what: str
