"""CUSTOM: whatever a brand wants to tell. IT_PING: whether the way is open."""

from __future__ import annotations

from msgspec import UNSET

from consumer.events.base import (
    BODY,
    SCHEMAS,
    BrandHost,
    EventType,
    Fields,
    Id,
    Object,
    OptionalFlag,
    OptionalText,
    Timestamp,
    UserId,
    only,
)


class Custom(Fields, kw_only=True, forbid_unknown_fields=True):
    """An event of the brand's own making."""

    notification_type: str
    """The brand's name for it."""
    user_id: UserId
    origin: BrandHost
    timestamp: Timestamp
    data: Object
    """What the brand has to say; the CRM gives some of its keys a meaning."""
    user_agent: OptionalText = UNSET
    """The browser, as it names itself."""
    ip_address: OptionalText = UNSET
    """From where; not checked."""
    skip_publishing: OptionalFlag = UNSET
    """Not explained by the vendor."""


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
    subject=lambda _: "custom.event",
    subjects=only("custom.event"),
)

IT_PING = EventType(
    name="IT_PING",
    fields=Ping,
    sources=(SCHEMAS,),
    identity=lambda event: (event.ping_id,),
    identified_by=("ping_id",),
    deciding=("user_id",),
    subject=lambda _: "system.ping",
    subjects=only("system.ping"),
)
