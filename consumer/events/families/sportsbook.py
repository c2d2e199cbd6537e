"""SPORTSBOOK: bets on sports, and how they were settled."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType

from consumer.events.base import (
    BODY,
    SCHEMAS,
    Amount,
    BrandHost,
    Currency,
    EventType,
    Fields,
    Nested,
    Number,
    OptionalFlag,
    OptionalId,
    OptionalNumber,
    OptionalObject,
    OptionalText,
    Rate,
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
        why="Absent: Settlement where activity_id_reference is sent, else Bet.",
    ),
]
SportsbookStatus = Annotated[str, choice("Approved", ROLLBACK, why="Whether it stands.")]
BetType = Annotated[
    str, hint("Single", "Multi", "System", "Teaser", "Combo", why="How the bets are combined.")
]


class BetOutcome(Nested, kw_only=True):
    """What was bet on."""

    criterion_name: str
    """The question."""
    outcome_label: str
    """The player's answer."""
    meta: OptionalObject = UNSET
    """Anything else the brand wants to add."""


class Leg(Nested, kw_only=True):
    """A bet on one event."""

    event_name: str
    """Who plays."""
    match_start: Time
    """When the match begins."""
    odds: Number
    """Of this bet alone."""
    is_free_bet: OptionalFlag = UNSET
    """The stake was a gift."""
    is_risk_free_bet: OptionalFlag = UNSET
    """The stake is given back when it is lost."""
    is_live: OptionalFlag = UNSET
    """The match was under way."""
    market: OptionalText = UNSET
    """What can be bet on, such as Full Time Result."""
    sports_name: OptionalText = UNSET
    """The sport."""
    tournament_name: OptionalText = UNSET
    """The tournament."""
    outcome: OptionalText = UNSET
    """What was bet on, in the vendor's oldest documentation."""
    outcomes: list[BetOutcome] | UnsetType | None = UNSET
    """What was bet on."""
    meta: OptionalObject = UNSET
    """Anything else the brand wants to add."""


class Sportsbook(Fields, kw_only=True, forbid_unknown_fields=True):
    """A bet on sports, or its settlement; amounts in the player's currency."""

    amount: Amount
    """The stake, or what was won."""
    odds: Number
    """Of all bets together."""
    currency: Currency
    origin: BrandHost
    user_id: UserId
    exchange_rate: Rate
    status: SportsbookStatus
    timestamp: Timestamp
    type: SportsbookType | UnsetType | None = UNSET
    bet_type: BetType
    bets: list[Leg]
    """One for each match."""
    activity_id: OptionalId = UNSET
    """Unique for each event of a brand; a rollback may repeat its bet's."""
    activity_id_reference: OptionalId = UNSET
    """The bet that this settles."""
    balance_before: OptionalNumber = UNSET
    """The player's balance before."""
    balance_after: OptionalNumber = UNSET
    """The player's balance after."""
    wager_amount: OptionalNumber = UNSET
    """The real-money part."""
    bonus_wager_amount: OptionalNumber = UNSET
    """The bonus part."""
    locked_wager_amount: OptionalNumber = UNSET
    """The locked-money part."""
    is_cashout: OptionalFlag = UNSET
    """Settled early, by the player's wish."""
    device_type: OptionalText = UNSET
    """What the player bets on with."""
    meta: OptionalObject = UNSET
    """Anything else the brand wants to add."""
    user_bonus_id: OptionalId = UNSET
    """The player's bonus that was used."""
    reference_bet_amount: OptionalNumber = UNSET
    """Of the bet that this settles: its stake."""
    reference_real_amount: OptionalNumber = UNSET
    """Of the bet that this settles: the real-money part."""
    reference_bonus_amount: OptionalNumber = UNSET
    """Of the bet that this settles: the bonus part."""
    reference_locked_amount: OptionalNumber = UNSET
    """Of the bet that this settles: the locked-money part."""
    reference_exchange_rate: OptionalNumber = UNSET
    """Of the bet that this settles: its exchange rate."""
    settlement_type: OptionalText = UNSET
    """How it was settled."""
    sportsbook_vendor_name: OptionalText = UNSET
    """Who runs the sportsbook."""
    skip_publishing: OptionalFlag = UNSET
    """Not explained by the vendor."""


def _identity(event: Sportsbook) -> tuple[str, ...]:
    # An absent id and an empty one say the same: the sender has none.
    sent = event.activity_id or BODY
    return (str(sent), "rollback") if event.status == ROLLBACK else (str(sent),)


def _subject(event: Sportsbook) -> str:
    if event.status == ROLLBACK:
        return SUBJECTS[ROLLBACK]
    return SUBJECTS[event.type or ("Settlement" if event.activity_id_reference else "Bet")]


SPORTSBOOK = EventType(
    name="SPORTSBOOK",
    fields=Sportsbook,
    sources=("https://fast-track.gitbook.io/integration/real-time-data/bet-placement", SCHEMAS),
    identity=_identity,
    identified_by=("activity_id, or hash of the body without one", "rollback where it is one"),
    id_suffixes=(":rollback",),
    deciding=("user_id", "type", "amount", "currency", "bet_type"),
    subject=_subject,
    subjects=SUBJECTS,
)
