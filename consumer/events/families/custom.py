"""CUSTOM: events of the brand's own making. IT_PING: test messages of an integration."""

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
    """An event of the brand's own making."""

    notification_type: Name
    """The brand's name for the event."""
    user_id: UserId
    origin: BrandHost
    timestamp: Timestamp
    data: Object
    """Whatever the brand has to say; the CRM gives some of its keys a meaning."""
    user_agent: OptionalText = UNSET
    """The name that the player's browser gives itself."""
    ip_address: OptionalText = UNSET
    """The player's IP address; it is not checked."""


class Ping(Fields, kw_only=True, forbid_unknown_fields=True):
    """A test message of an integration."""

    ping_id: Id
    """Unique for each ping."""
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
    # A branch of the vendor's repository names it; nothing on its main branch does.
    has_schema=False,
)
