"""CUSTOM: events that a brand defines itself. IT_PING: test messages of an integration."""

from __future__ import annotations

from msgspec import UNSET

from consumer.events.base import (
    BODY,
    SCHEMAS,
    BrandHost,
    EventType,
    Fields,
    Id,
    Name,
    Object,
    OptionalText,
    Timestamp,
    UserId,
    only,
)


class Custom(Fields, kw_only=True, forbid_unknown_fields=True):
    """An event that the brand defines itself."""

    notification_type: Name
    """The brand's name for the event."""
    user_id: UserId
    origin: BrandHost
    timestamp: Timestamp
    data: Object
    """Anything that the brand wants to say. The CRM gives some of the keys a meaning."""
    user_agent: OptionalText = UNSET
    """The name that the player's browser gives itself."""
    ip_address: OptionalText = UNSET
    """The player's IP address; it is not checked."""


class Ping(Fields, kw_only=True, forbid_unknown_fields=True):
    """A test message of an integration."""

    ping_id: Id
    """The id of the ping, unique for each ping."""
    origin: BrandHost
    timestamp: Timestamp
    user_id: UserId


CUSTOM = EventType(
    name="CUSTOM",
    fields=Custom,
    sources=("https://fast-track.gitbook.io/integration/real-time-data/custom-events", SCHEMAS),
    identity=lambda _: (BODY,),
    identified_by=("hash of the body",),
    deciding=(),
    subjects=only("custom.event"),
)

IT_PING = EventType(
    name="IT_PING",
    fields=Ping,
    sources=(SCHEMAS,),
    identity=lambda event: (event.ping_id,),
    identified_by=("ping_id",),
    deciding=("user_id",),
    subjects=only("system.ping"),
    # A branch of the vendor's repository names this type. Nothing on the main branch names it.
    has_schema=False,
)
