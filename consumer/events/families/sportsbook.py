"""SPORTSBOOK: bets on sports, and how they were settled."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType

from consumer.events.base import (
    BODY,
    SCHEMAS,
    Amount,
    AnyHost,
    Currency,
    EventType,
    Fields,
    MetaObject,
    Nested,
    Number,
    OptionalFlag,
    OptionalId,
    OptionalNumber,
    OptionalText,
    PageId,
    PageText,
    Rate,
    SkipPublishing,
    Time,
    Timestamp,
    UserId,
    choice,
    hint,
)

ROLLBACK = "Rollback"
SUBJECTS = {"Bet": "sports.bet", "Settlement": "sports.settlement", ROLLBACK: "sports.rollback"}

SportsbookType = Annotated[
    str,
    choice(
        "Bet",
        "Settlement",
        why="Absent means Settlement where activity_id_reference is sent, else Bet.",
    ),
]
SportsbookStatus = Annotated[
    str, choice("Approved", ROLLBACK, why="Whether the event is valid or was rolled back.")
]
BetType = Annotated[
    str,
    hint(
        "Single",
        "Multi",
        "System",
        "Teaser",
        "Combo",
        why="How the bets are combined.",
        schema=("Single", "Multi", "System", "Teaser"),
    ),
]


class BetOutcome(Nested, kw_only=True):
    """An outcome that was bet on."""

    criterion_name: str
    """The question that is bet on."""
    outcome_label: str
    """The player's answer to this question."""
    meta: MetaObject = UNSET


class Leg(Nested, kw_only=True):
    """A bet on a match."""

    event_name: str
    """The name of the match, which says who plays."""
    match_start: Time
    """The time at which the match begins."""
    odds: Number
    """The odds of this bet alone."""
    is_free_bet: OptionalFlag = UNSET
    """If true, the stake was a gift."""
    is_risk_free_bet: OptionalFlag = UNSET
    """If true, the stake is given back when the bet is lost."""
    is_live: OptionalFlag = UNSET
    """If true, the match was under way."""
    market: OptionalText = UNSET
    """What can be bet on, such as Full Time Result."""
    sports_name: OptionalText = UNSET
    """The name of the sport."""
    tournament_name: OptionalText = UNSET
    """The name of the tournament."""
    outcome: PageText = UNSET
    """The outcome that was bet on. This field is in the vendor's oldest documentation."""
    outcomes: list[BetOutcome] | UnsetType | None = UNSET
    """The outcomes that were bet on."""
    meta: MetaObject = UNSET


class Sportsbook(Fields, kw_only=True, forbid_unknown_fields=True):
    """A bet on sports, or its settlement; amounts are in the player's currency."""

    amount: Amount
    """The stake, or the amount that was won."""
    odds: Number
    """The odds of all bets together."""
    currency: Currency
    origin: AnyHost
    user_id: UserId
    exchange_rate: Rate
    status: SportsbookStatus
    timestamp: Timestamp
    type: SportsbookType | UnsetType | None = UNSET
    bet_type: BetType
    bets: list[Leg]
    """The bets, one for each match."""
    activity_id: OptionalId = UNSET
    """The id of the event, unique for each event of a brand. A rollback may repeat the id of its
    bet."""
    activity_id_reference: OptionalId = UNSET
    """The activity_id of the bet that is settled; sent in a settlement."""
    balance_before: OptionalNumber = UNSET
    """The player's balance before the bet or settlement."""
    balance_after: OptionalNumber = UNSET
    """The player's balance after the bet or settlement."""
    wager_amount: OptionalNumber = UNSET
    """The real-money part of the amount."""
    bonus_wager_amount: OptionalNumber = UNSET
    """The bonus part of the amount."""
    locked_wager_amount: OptionalNumber = UNSET
    """The locked-money part of the amount."""
    is_cashout: OptionalFlag = UNSET
    """If true, the player had the bet settled early."""
    device_type: OptionalText = UNSET
    """The device that the player bets on."""
    meta: MetaObject = UNSET
    user_bonus_id: PageId = UNSET
    """The id of the player's bonus that was used."""
    reference_bet_amount: OptionalNumber = UNSET
    """The stake of the bet that is settled; sent in a settlement."""
    reference_bet_real_amount: OptionalNumber = UNSET
    """The real-money part of the settled bet's stake; sent in a settlement."""
    reference_bet_bonus_amount: OptionalNumber = UNSET
    """The bonus part of the settled bet's stake; sent in a settlement."""
    reference_bet_locked_amount: OptionalNumber = UNSET
    """The locked-money part of the settled bet's stake; sent in a settlement."""
    reference_bet_exchange_rate: OptionalNumber = UNSET
    """The exchange rate of the bet that is settled; sent in a settlement."""
    settlement_type: OptionalText = UNSET
    """How the bet was settled."""
    sportsbook_vendor_name: OptionalText = UNSET
    """The company that runs the sportsbook."""
    skip_publishing: SkipPublishing = UNSET


def _identity(event: Sportsbook) -> tuple[str, ...]:
    # An absent id and an empty id mean the same: the sender has no id.
    sent = event.activity_id or BODY
    return (str(sent), "rollback") if event.status == ROLLBACK else (str(sent),)


def _type(event: Sportsbook) -> str:
    return event.type or ("Settlement" if event.activity_id_reference else "Bet")


def _subject_key(event: Sportsbook) -> str:
    return ROLLBACK if event.status == ROLLBACK else _type(event)


SPORTSBOOK = EventType(
    name="SPORTSBOOK",
    fields=Sportsbook,
    sources=("https://fast-track.gitbook.io/integration/real-time-data/bet-placement", SCHEMAS),
    identity=_identity,
    identified_by=("activity_id, or hash of the body without it", "rollback for a rollback"),
    id_suffixes=(":rollback",),
    deciding=("user_id", "type", "amount", "currency", "bet_type"),
    implied={"type": _type},
    implied_by=("activity_id_reference",),
    subject_key=_subject_key,
    subjects=SUBJECTS,
)
