"""Defines who sent a delivery, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Environment(StrEnum):
    """Tells real events from tests. The two environments share no identity and no dead letter."""

    LIVE = "live"
    TEST = "test"


class Sender(msgspec.Struct, frozen=True, gc=False):
    """Who sent a delivery.

    All deliveries of a broker's listener have the same sender, from its configuration. A listener
    that can tell its senders apart may give each delivery a sender of its own.

    Attributes:
        brand: The brand's name. Two listeners of one brand see each other's duplicates.
        environment: `LIVE` for real events, `TEST` for a brand's tests.
    """

    brand: str
    environment: Environment = Environment.LIVE

    @property
    def namespace(self) -> str:
        """The name under which identities are remembered.

        It is the brand's name for live events. No brand's name holds a colon, so a test never has
        the identity of a live event.
        """
        if self.environment is Environment.LIVE:
            return self.brand
        return f"{self.environment}:{self.brand}"


class Origin(msgspec.Struct, frozen=True):
    """Where a delivery came from, in the source's own words, for its dead letter.

    Attributes:
        coordinates: For example `{"queue": "payments", "tag": "17"}`, or topic, partition and
            offset.
        headers: The sender's headers. Bytes that are not UTF-8 are shown escaped.
    """

    coordinates: Mapping[str, str]
    headers: Mapping[str, str]
