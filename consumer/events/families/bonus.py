"""BONUS: one event for each change in the life of a player's bonus."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType

from consumer.events.base import (
    SCHEMAS,
    Amount,
    BrandHost,
    Currency,
    EventType,
    Fields,
    Id,
    Nested,
    OptionalAmount,
    OptionalFlag,
    OptionalId,
    OptionalObject,
    OptionalText,
    Rate,
    Reference,
    Timestamp,
    UserId,
    choice,
    hint,
)

ONGOING = "Ongoing"
SUBJECTS = {
    "Pending": "bonus.pending",
    "Created": "bonus.created",
    ONGOING: "bonus.ongoing",
    "Completed": "bonus.completed",
    "AutoCompleted": "bonus.auto_completed",
    "Forfeited": "bonus.forfeited",
    "Expired": "bonus.expired",
    "Lost": "bonus.lost",
    "Reversed": "bonus.reversed",
    "NotApplicable": "bonus.not_applicable",
    "Claimed": "bonus.claimed",
}

BonusStatus = Annotated[str, choice(*SUBJECTS, why="Step in the life of the bonus.")]
BonusProduct = Annotated[
    str,
    hint("Casino", "Live Casino", "Sportsbook", "Lotto", "Poker", why="What it can be used for."),
]
BonusType = Annotated[
    str,
    hint(
        "NoDeposit",
        "WelcomeBonus",
        "CashbackBonus",
        "ReloadBonus",
        "WagerFree",
        "FreeSpins",
        "RiskFreeBet",
        "Undefined",
        why="Kind of bonus.",
    ),
]


class CrmReferences(Nested, kw_only=True):
    """What the CRM sent with the bonus, given back to it. Not ids of this event."""

    id: OptionalId = UNSET
    """X-Fasttrack-Id."""
    action_id: OptionalId = UNSET
    """X-Fasttrack-Actionid."""
    action_group_id: OptionalId = UNSET
    """X-Fasttrack-Actiongroupid."""
    action_communication_profile_id: OptionalId = UNSET
    """X-Fasttrack-Actioncommunicationprofileid."""
    activity_id: OptionalId = UNSET
    """X-Fasttrack-Activityid: another thing than the activity_id of CASINO."""
    trigger_hash: OptionalText = UNSET
    """X-Fasttrack-Triggerhash."""
    player_origin_id: OptionalId = UNSET
    """The player, at the CRM."""


class Bonus(Fields, kw_only=True, forbid_unknown_fields=True):
    """One step in the life of a player's bonus; amounts in the player's currency."""

    amount: Amount
    """What the bonus is worth; for free spins, what was won."""
    bonus_code: OptionalText = UNSET
    """Code that the player gave."""
    bonus_id: Reference
    """The bonus in the brand's catalogue."""
    bonus_turned_real: OptionalAmount = UNSET
    """How much of it became real money."""
    currency: Currency
    exchange_rate: Rate
    locked_amount: OptionalAmount = UNSET
    """Money that is locked while the bonus lasts."""
    meta: OptionalObject = UNSET
    """Anything else the brand wants to add."""
    origin: BrandHost
    product: BonusProduct
    required_wagering_amount: OptionalAmount = UNSET
    """What has to be wagered before it becomes real money."""
    status: BonusStatus
    timestamp: Timestamp
    type: BonusType
    user_bonus_id: Id
    """This player's instance of the bonus."""
    user_id: UserId
    fasttrack_references: CrmReferences | UnsetType | None = UNSET
    """What the CRM sent when it credited the bonus."""
    skip_publishing: OptionalFlag = UNSET
    """Not explained by the vendor."""
    is_free_money: OptionalFlag = UNSET
    """Sweepstakes play without real money."""


def _identity(event: Bonus) -> tuple[str, ...]:
    # The only status that may come several times.
    when = (event.timestamp,) if event.status == ONGOING else ()
    return (str(event.user_bonus_id), event.status, *when)


BONUS = EventType(
    name="BONUS",
    fields=Bonus,
    sources=(
        "https://fast-track.gitbook.io/integration/real-time-data/bonus",
        "https://www.fasttrack.ai/en/resources/integration/real-time-data/bonus",
        SCHEMAS,
    ),
    identity=_identity,
    identified_by=("user_bonus_id", "status", "timestamp where the status is Ongoing"),
    deciding=("user_id", "bonus_id", "amount", "currency"),
    subject=lambda event: SUBJECTS[event.status],
    subjects=SUBJECTS,
)
