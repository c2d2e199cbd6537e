"""BONUS: an event for each change in the life of a player's bonus."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType

from consumer.events.base import (
    NOT_EMPTY,
    PAGE_ONLY,
    SCHEMAS,
    Amount,
    AnyHost,
    Currency,
    EventType,
    Fields,
    Id,
    MetaObject,
    Nested,
    OptionalAmount,
    OptionalFlag,
    OptionalText,
    PageId,
    PageText,
    Rate,
    Reference,
    SkipPublishing,
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

BonusStatus = Annotated[str, choice(*SUBJECTS, why="The step in the life of the bonus.")]
BonusProduct = Annotated[
    str,
    hint(
        "Casino",
        "Live Casino",
        "Sportsbook",
        "Lotto",
        "Poker",
        why="The product that the bonus can be used for.",
        schema=("Casino", "Sportsbook", "Lotto", "Poker"),
    ),
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
        why="The kind of bonus.",
    ),
    NOT_EMPTY,
]


class CrmReferences(Nested, kw_only=True):
    """What the CRM sent with the bonus, and gets back here. These are not ids of this event."""

    id: PageId = UNSET
    """The header X-Fasttrack-Id."""
    action_id: PageId = UNSET
    """The header X-Fasttrack-Actionid."""
    action_group_id: PageId = UNSET
    """The header X-Fasttrack-Actiongroupid."""
    action_communication_profile_id: PageId = UNSET
    """The header X-Fasttrack-Actioncommunicationprofileid."""
    activity_id: PageId = UNSET
    """The header X-Fasttrack-Activityid. It has nothing to do with the activity_id of CASINO."""
    trigger_hash: PageText = UNSET
    """The header X-Fasttrack-Triggerhash."""
    player_origin_id: PageId = UNSET
    """The player's id at the CRM."""


class Bonus(Fields, kw_only=True, forbid_unknown_fields=True):
    """A step in the life of a player's bonus; amounts are in the player's currency."""

    amount: Amount
    """The value of the bonus; for free spins, the money that was won with them."""
    bonus_code: OptionalText = UNSET
    """The code that the player entered."""
    bonus_id: Annotated[Reference, NOT_EMPTY]
    """The id of the bonus in the brand's catalogue."""
    bonus_turned_real: OptionalAmount = UNSET
    """The part of the bonus that became real money."""
    currency: Currency
    exchange_rate: Rate
    locked_amount: OptionalAmount = UNSET
    """The money that is locked while the bonus lasts."""
    meta: MetaObject = UNSET
    origin: AnyHost
    product: BonusProduct
    required_wagering_amount: OptionalAmount = UNSET
    """The amount that has to be wagered before the bonus becomes real money."""
    status: BonusStatus
    timestamp: Timestamp
    type: BonusType
    user_bonus_id: Annotated[Id, NOT_EMPTY]
    """The id of this player's instance of the bonus."""
    user_id: UserId
    fasttrack_references: Annotated[CrmReferences | UnsetType | None, PAGE_ONLY] = UNSET
    """What the CRM sent when it credited the bonus."""
    skip_publishing: SkipPublishing = UNSET
    is_free_money: OptionalFlag = UNSET
    """If true, the player plays in a sweepstake, without real money."""


def _identity(event: Bonus) -> tuple[str, ...]:
    # Ongoing is the only status that may come several times.
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
    subject_key=lambda event: event.status,
    subjects=SUBJECTS,
)
