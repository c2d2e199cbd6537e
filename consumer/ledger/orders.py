"""Defines the orders that a ledger carries out: what a game or an operator asks of the money.

All amounts are integers of the smallest unit of their currency, from 0 to below `LIMIT_UNITS`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

LIMIT_UNITS: Final = 10**18
"""Amounts and balances are below this. Both databases hold it as an integer of 64 bits."""


class WinKind(StrEnum):
    """Says of a win why it may come without a stake."""

    FREE = "free"
    JACKPOT = "jackpot"
    PROMO = "promo"


class SpendOrder(StrEnum):
    """Which money of a player is spent first."""

    REAL_FIRST = "REAL"
    BONUS_FIRST = "BONUS"


class Caller(msgspec.Struct, frozen=True):
    """Who sends a callback: the owner of the key with which it is signed.

    Attributes:
        brand: The brand whose players it plays with.
        provider: The provider of the games.
        spend_order: Which money the brand's players spend first.
        reverses_wins: If true, the provider may take wins back.
    """

    brand: str
    provider: str
    spend_order: SpendOrder = SpendOrder.REAL_FIRST
    reverses_wins: bool = False


class Bet(msgspec.Struct, frozen=True, kw_only=True):
    """Take a stake.

    Attributes:
        transaction_id: The provider's id of the bet.
        session: The id of the session in which the player plays.
        round_id, game_id: The round of the game.
        amount_units: The stake. It may be 0.
        currency: The currency of the amount.
        facts: What the event needs besides, as JSON. It is stored as it is.
    """

    transaction_id: str
    session: str
    round_id: str
    game_id: str
    amount_units: int
    currency: str
    facts: str = "{}"


class Win(msgspec.Struct, frozen=True, kw_only=True):
    """Pay out a win. It is paid in the proportion in which the stakes were real and bonus money.

    Attributes:
        transaction_id: The provider's id of the win.
        session, round_id, game_id, amount_units, currency, facts: See `Bet`.
        bet_transaction_id: The bet that has won. None means that the round's bets have won.
        kind: Why the win may come without a stake. None means that it may not.
        round_end: If true, the win closes its round.
    """

    transaction_id: str
    session: str
    round_id: str
    game_id: str
    amount_units: int
    currency: str
    bet_transaction_id: str | None = None
    kind: WinKind | None = None
    round_end: bool = False
    facts: str = "{}"


class BetWin(msgspec.Struct, frozen=True, kw_only=True):
    """Take a stake and pay out its win: both, or neither of them.

    Attributes:
        bet_transaction_id, win_transaction_id: The provider's ids of the two.
        bet_units, win_units: Their amounts.
        session, round_id, game_id, currency, facts: See `Bet`.
        round_end: If true, the win closes its round.
    """

    bet_transaction_id: str
    win_transaction_id: str
    bet_units: int
    win_units: int
    session: str
    round_id: str
    game_id: str
    currency: str
    round_end: bool = False
    facts: str = "{}"


class Rollback(msgspec.Struct, frozen=True, kw_only=True):
    """Give a bet back to the very accounts from which it came.

    Attributes:
        transaction_id: The provider's id of the rollback.
        reference_transaction_id: The provider's id of what is rolled back.
        session: The session of the player, if the provider names it.
        amount_units, currency: The amount of what is rolled back and its currency, if the provider
            names them.
        facts: See `Bet`.
    """

    transaction_id: str
    reference_transaction_id: str
    session: str | None = None
    amount_units: int | None = None
    currency: str | None = None
    facts: str = "{}"


class RoundEnd(msgspec.Struct, frozen=True, kw_only=True):
    """Close a round. No bet is taken in it any more.

    Attributes:
        transaction_id: The provider's id of this message.
        session, round_id, game_id: See `Bet`.
    """

    transaction_id: str
    session: str
    round_id: str
    game_id: str


Callback = Bet | Win | BetWin | Rollback | RoundEnd
"""What a game can ask of a player's money."""


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """Put real money on a player's account.

    Attributes:
        brand, player_id, currency: The account.
        amount_units: The amount, more than 0.
        reference: The brand's id of the deposit. The same deposit again moves nothing.
        facts: See `Bet`.
    """

    brand: str
    player_id: str
    currency: str
    amount_units: int
    reference: str
    facts: str = "{}"


class BonusIssue(msgspec.Struct, frozen=True, kw_only=True):
    """Give a player bonus money. A player has at most one active bonus in each currency.

    Attributes:
        brand, player_id, currency, amount_units, reference, facts: See `Deposit`.
    """

    brand: str
    player_id: str
    currency: str
    amount_units: int
    reference: str
    facts: str = "{}"


class BonusEnd(msgspec.Struct, frozen=True, kw_only=True):
    """End a bonus. All bonus money of the account becomes real money, or goes back to the pool.

    Attributes:
        brand: The brand.
        bonus_id: The bonus: the `ledger_id` of the order that issued it.
        converts: If true, the money becomes real money. If false, it is forfeited.
        reference: The brand's id of this order. The same order again moves nothing.
        facts: See `Bet`.
    """

    brand: str
    bonus_id: int
    converts: bool
    reference: str
    facts: str = "{}"


OperatorOrder = Deposit | BonusIssue | BonusEnd
"""What a brand can ask of a player's money."""
