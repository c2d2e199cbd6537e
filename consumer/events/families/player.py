"""LOGIN_V2 and USER_*: what happens to a player. Most of the events have no details."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from consumer.events.base import (
    SCHEMAS,
    AnyHost,
    EventType,
    Fields,
    Id,
    OptionalFlag,
    OptionalObject,
    OptionalText,
    PageText,
    SkipPublishing,
    Timestamp,
    UserId,
    only,
)
from consumer.events.canonical import digest

PAGES = "https://fast-track.gitbook.io/integration/real-time-data"


class PlayerEvent(Fields, kw_only=True, forbid_unknown_fields=True):
    """The fields that all of these events have."""

    user_id: UserId
    timestamp: Timestamp
    origin: AnyHost


class Login(PlayerEvent, kw_only=True, forbid_unknown_fields=True):
    """A player logged in."""

    skip_publishing: SkipPublishing = UNSET
    is_impersonated: OptionalFlag = UNSET
    """If true, the brand's support logged in as the player."""
    ip_address: OptionalText = UNSET
    """The player's IP address; it is not checked."""
    user_agent: OptionalText = UNSET
    """The name that the player's browser gives itself."""
    is_verified: OptionalFlag = UNSET
    """If true, the brand knows who the player is."""
    meta: OptionalObject = UNSET
    """Anything else that the brand wants to say."""
    user_details: OptionalObject = UNSET
    """What the brand knows of the player."""


class UserCreate(PlayerEvent, kw_only=True, forbid_unknown_fields=True):
    """A player registered."""

    note: OptionalText = UNSET
    """Free text."""
    user_agent: OptionalText = UNSET
    """The name that the player's browser gives itself."""
    ip_address: OptionalText = UNSET
    """The player's IP address; it is not checked."""
    url_referer: PageText = UNSET
    """The page that the player came from. This field is in older documentation."""


class UserUpdate(PlayerEvent, kw_only=True, forbid_unknown_fields=True):
    """Something about a player changed."""


class UserBlock(PlayerEvent, kw_only=True, forbid_unknown_fields=True):
    """A player was blocked or excluded, or is not blocked or excluded any more."""


class UserConsents(PlayerEvent, kw_only=True, forbid_unknown_fields=True):
    """A player allowed or forbade the brand to write to the player in some way."""


class UserTag(PlayerEvent, kw_only=True, forbid_unknown_fields=True):
    """A player's tags changed."""

    skip_publishing: SkipPublishing = UNSET
    tags: str
    """All tags of the player, in one text."""


class UserMigration(PlayerEvent, kw_only=True, forbid_unknown_fields=True):
    """A player moves from one brand to another."""

    skip_publishing: SkipPublishing = UNSET
    migration_reference: Id
    """Unique for each migration."""


class UserMigrationApprove(PlayerEvent, kw_only=True, forbid_unknown_fields=True):
    """The migration of a player was approved."""

    skip_publishing: SkipPublishing = UNSET


def _thin(name: str, fields: type[PlayerEvent], subject: str, page: str) -> EventType:
    def identity(event: Any) -> tuple[str, ...]:  # noqa: ANN401  # as EventType.identity
        return event.user_id, event.origin, event.timestamp

    return EventType(
        name=name,
        fields=fields,
        sources=(f"{PAGES}/{page}", SCHEMAS),
        identity=identity,
        identified_by=("user_id", "origin", "timestamp"),
        deciding=(),
        subjects=only(subject),
    )


LOGIN_V2 = _thin("LOGIN_V2", Login, "user.login", "login")
USER_CREATE_V2 = _thin("USER_CREATE_V2", UserCreate, "user.created", "registrations")
USER_UPDATE_V2 = _thin("USER_UPDATE_V2", UserUpdate, "user.updated", "user-updates")
USER_BLOCK_V2 = _thin("USER_BLOCK_V2", UserBlock, "user.blocks", "player-blocks")
USER_CONSENTS_V2 = _thin("USER_CONSENTS_V2", UserConsents, "user.consents", "consents")

USER_TAG = EventType(
    name="USER_TAG",
    # The vendor's validator uses this name, and the vendor's schema uses the other name. No page
    # says which name is sent.
    aliases=("USER_TAGS",),
    fields=UserTag,
    sources=(SCHEMAS,),
    identity=lambda event: (event.user_id, digest(event.tags), event.timestamp),
    identified_by=("user_id", "hash of tags", "timestamp"),
    deciding=(),
    subjects=only("user.tags"),
)

USER_MIGRATION = EventType(
    name="USER_MIGRATION",
    fields=UserMigration,
    sources=(SCHEMAS,),
    identity=lambda event: (event.migration_reference,),
    identified_by=("migration_reference",),
    deciding=("user_id",),
    subjects=only("user.migration"),
)

USER_MIGRATION_APPROVE = EventType(
    name="USER_MIGRATION_APPROVE",
    fields=UserMigrationApprove,
    sources=(SCHEMAS,),
    identity=lambda event: (event.user_id, event.timestamp),
    identified_by=("user_id", "timestamp"),
    deciding=(),
    subjects=only("user.migration_approved"),
)
