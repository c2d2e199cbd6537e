"""The contract of a sink: where events and dead letters go.

A sink object lives as long as the process; its connection may come and go. `keep_open.py`
opens it again whenever `wait_lost` returns. Meanwhile `publish` answers
`SinkUnavailable`, and lanes hold what they have.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Literal

import msgspec

from consumer.nats.connection import NatsSettings
from consumer.options.values import Bytes, Count, OptionalToken, Seconds, Token
from consumer.parts.base import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.errors import SinkUnavailable


class SinkSettings(NatsSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[sink]`; besides, how to reach and log in to NATS.

    Attributes:
        kind: `jetstream`, or `core`: at most once, for subscribers that want the newest or none.
        stream: its name; `core` has none.
        create_stream: make it when it is missing, and add missing subjects; False: only check.
        max_age_s: of a created stream, in seconds.
        max_bytes: of a created stream; absent: no limit.
        replicas: of a created stream.
        duplicate_window_s: how long the server knows a message id; about 215 bytes of its memory
            for each event in it.
        subject_prefix: one token before all subjects; empty: none.
        publish_timeout_s: how long a confirmation may take.
    """

    kind: Literal["jetstream", "core"] = "jetstream"
    stream: Token = "EVENTS"
    create_stream: bool = True
    max_age_s: Seconds = 604_800.0
    max_bytes: Bytes | None = None
    replicas: Count = 1
    duplicate_window_s: Seconds = 600.0
    subject_prefix: OptionalToken = ""
    publish_timeout_s: Seconds = 5.0


class Receipt(Enum):
    """The sink has it."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    """It has had it before under the same message id: as good as stored."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message for the sink, already checked: subject, id and headers are ASCII.

    Attributes:
        subject: whole, with its prefix.
        body: together with the headers at most the sink's `max_message_bytes`.
        message_id: what the sink itself recognises a copy by.
        headers: further headers; `Nats-Msg-Id` is made from `message_id`.
    """

    subject: str
    body: bytes
    message_id: str
    headers: Mapping[str, str]


class Sink(Part):
    """Stores messages, and says so."""

    deduplicates: bool = True
    """False: it stores a copy again, and confirms nothing (core NATS: at most once)."""

    @property
    @abstractmethod
    def max_message_bytes(self) -> int:
        """How many bytes body and headers may have together. 0 before the sink was opened."""

    @abstractmethod
    async def wait_lost(self) -> str:
        """Return the reason once the connection is gone; at once where there is none."""

    @abstractmethod
    async def publish(self, messages: Sequence[Message]) -> list[Receipt | SinkUnavailable]:
        """Send all in order, then wait for all confirmations, each with a deadline.

        Several lanes call it at the same time. It never raises for a single message: each has
        its own answer, in order. A `SinkUnavailable` leaves open whether that one is stored;
        it is sent again under the same id.

        Cancelling: what was sent may be stored.
        """
