"""CASINO: bets, wins and losses in casino games.

A field is required where the vendor's bet and win page, its newer pages and its published JSON
Schema all require it.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType

from consumer.events.base import (
    AS_EITHER,
    NOT_EMPTY,
    SCHEMAS,
    BrandHost,
    Currency,
    EventType,
    Fields,
    Id,
    MetaObject,
    OptionalAmount,
    OptionalFlag,
    OptionalId,
    OptionalName,
    OptionalNumber,
    OptionalText,
    Rate,
    Reference,
    SkipPublishing,
    Timestamp,
    UserId,
    choice,
    hint,
)

ROLLBACK = "Rollback"

CasinoGameType = Annotated[str, hint("Slots", "Live Casino", "Table", why="The kind of game.")]
CasinoType = Annotated[str, choice("Bet", "Win", "Loss", why="What happened.")]
CasinoStatus = Annotated[str, choice("Approved", ROLLBACK, why="Absent means Approved.")]


class Casino(Fields, kw_only=True, forbid_unknown_fields=True):
    """A bet, win or loss in a casino game; amounts are in the player's currency, in whole units."""

    activity_id: Id
    """The id of the event, unique for each event of a brand. A rollback may repeat the id of its
    bet."""
    amount: OptionalAmount = UNSET
    """Real money, bonus money and locked money together; 0 for a win that closes a lost round."""
    balance_after: OptionalNumber = UNSET
    """The player's balance after the round."""
    balance_before: OptionalNumber = UNSET
    """The player's balance before the round."""
    bonus_wager_amount: OptionalAmount = UNSET
    """The bonus part of the bet or win."""
    currency: Currency
    exchange_rate: Rate
    game_id: Annotated[Reference, AS_EITHER]
    """The id of the game."""
    game_name: OptionalName = UNSET
    """The name of the game."""
    game_type: CasinoGameType | UnsetType | None = UNSET
    is_round_end: OptionalFlag = UNSET
    """If true, this event ends its round."""
    locked_wager_amount: OptionalAmount = UNSET
    """The locked-money part of the bet or win."""
    origin: BrandHost
    round_id: Annotated[OptionalId, NOT_EMPTY] = UNSET
    """The id of the round. A bet and its win have the same id."""
    timestamp: Timestamp
    type: CasinoType
    user_id: UserId
    vendor_id: Annotated[Reference, AS_EITHER]
    """The id of the game's vendor."""
    vendor_name: OptionalText = UNSET
    """The name of the game's vendor."""
    wager_amount: OptionalNumber = UNSET
    """The real-money part of the bet or win."""
    meta: MetaObject = UNSET
    status: CasinoStatus | UnsetType | None = UNSET
    skip_publishing: SkipPublishing = UNSET
    is_free_money: OptionalFlag = UNSET
    """If true, the player plays in a sweepstake, without real money."""


def _identity(event: Casino) -> tuple[str, ...]:
    # A rollback may have the id of its bet, but is another event.
    if event.status == ROLLBACK:
        return str(event.activity_id), "rollback"
    return (str(event.activity_id),)


SUBJECTS = {"Bet": "game.bet", "Win": "game.win", "Loss": "game.loss", ROLLBACK: "game.rollback"}

CASINO = EventType(
    name="CASINO",
    fields=Casino,
    sources=(
        "https://www.fasttrack-solutions.com/en/resources/integration/real-time-data/casino/bet-win-events",
        "https://fast-track.gitbook.io/integration/real-time-data/casino",
        SCHEMAS,
    ),
    identity=_identity,
    identified_by=("activity_id", "rollback for a rollback"),
    id_suffixes=(":rollback",),
    deciding=("user_id", "type", "amount", "currency", "game_id", "round_id", "vendor_id"),
    implied={"status": lambda _: "Approved"},
    subject_key=lambda event: ROLLBACK if event.status == ROLLBACK else event.type,
    subjects=SUBJECTS,
    strict=("amount", "game_name", "is_round_end", "round_id", "status"),
)
