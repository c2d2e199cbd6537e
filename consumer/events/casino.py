"""CASINO: bets, wins and losses in casino games.

Facts: the vendor's bet/win page,
https://www.fasttrack-solutions.com/en/resources/integration/real-time-data/casino/bet-win-events,
its newer pages, and its published JSON Schema; a field is required where all of them require it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType

from consumer.events.base import (
    EventType,
    Fields,
    Id,
    Number,
    OptionalFlag,
    OptionalId,
    OptionalNumber,
    OptionalObject,
    OptionalText,
    Time,
    choice,
    hint,
)

ROLLBACK = "Rollback"

GameType = Annotated[str, hint("Slots", "Live Casino", "Table", why="any other text passes")]
Type = Annotated[str, choice("Bet", "Win", "Loss", why="decides the subject")]
Status = Annotated[str, choice("Approved", ROLLBACK, why="absent means Approved")]


class Casino(Fields, kw_only=True, forbid_unknown_fields=True):
    """One bet, win or loss; amounts in the player's currency, in whole units."""

    activity_id: Id
    """Unique for each event of a brand; a rollback may repeat its bet's."""
    amount: OptionalNumber = UNSET
    """Real money, bonus and locked money together; 0 for a win that closes a lost round."""
    balance_after: OptionalNumber = UNSET
    """After the round."""
    balance_before: OptionalNumber = UNSET
    """Before the round."""
    bonus_wager_amount: OptionalNumber = UNSET
    """The bonus part of the bet or win."""
    currency: str
    """ISO 4217, or a crypto currency's code."""
    exchange_rate: Number
    """amount times this is the amount in the brand's base currency."""
    game_id: Id
    game_name: OptionalText = UNSET
    game_type: GameType | UnsetType | None = UNSET
    is_round_end: OptionalFlag = UNSET
    locked_wager_amount: OptionalNumber = UNSET
    """The locked-money part of the bet or win."""
    origin: str
    """The brand's host, such as www.brand.com."""
    round_id: OptionalId = UNSET
    """The same for a bet and its win."""
    timestamp: Time
    type: Type
    user_id: Id
    vendor_id: Id
    vendor_name: OptionalText = UNSET
    wager_amount: OptionalNumber = UNSET
    """The real-money part."""
    meta: OptionalObject = UNSET
    status: Status | UnsetType | None = UNSET
    skip_publishing: OptionalFlag = UNSET
    is_free_money: OptionalFlag = UNSET
    """Sweepstakes play without real money."""


def _identity(event: Casino) -> tuple[str, ...]:
    # A rollback may come under its bet's id: it is another event.
    if event.status == ROLLBACK:
        return str(event.activity_id), "rollback"
    return (str(event.activity_id),)


SUBJECTS = {"Bet": "game.bet", "Win": "game.win", "Loss": "game.loss", ROLLBACK: "game.rollback"}

CASINO = EventType(
    name="CASINO",
    fields=Casino,
    identity=_identity,
    deciding=("user_id", "type", "amount", "currency", "game_id", "round_id", "vendor_id"),
    subject=lambda event: SUBJECTS[ROLLBACK if event.status == ROLLBACK else event.type],
    subjects=SUBJECTS,
)
