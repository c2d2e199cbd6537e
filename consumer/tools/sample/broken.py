"""How real senders break events: at least one way for every reason of a dead letter.

Only `internal` is missing: that one is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from consumer.errors import Reason
from consumer.tools.sample.base import Event, SampleType
from consumer.tools.sample.world import CENT

encode: Final = msgspec.json.Encoder(decimal_format="number").encode
"""As the sample brand writes events."""


class Broken(msgspec.Struct, frozen=True):
    """What is sent in place of an event.

    Attributes:
        body: what is sent.
        message_type: None: the sender forgot it.
        content_encoding: None: the message says nothing of one.
    """

    body: bytes
    message_type: str | None
    content_encoding: str | None = None


class Damage(msgspec.Struct, frozen=True):
    """What a way gets besides the event.

    Attributes:
        number: counts the broken ones, so that no two of them are the same.
        large_bytes: the size of a body that is too large.
    """

    number: int
    large_bytes: int


Way = Callable[[Event, SampleType, Damage], Broken]


def _broken_json(event: Event, kind: SampleType, _: Damage) -> Broken:
    return Broken(encode(event)[:-1], kind.name)


def _broken_utf8(event: Event, kind: SampleType, _: Damage) -> Broken:
    text = str(event[kind.id_field]).encode()
    return Broken(encode(event).replace(text, text + b"\xff", 1), kind.name)


def _without_type(event: Event, _: SampleType, __: Damage) -> Broken:
    return Broken(encode(event), None)


def _unknown_type(event: Event, kind: SampleType, _: Damage) -> Broken:
    return Broken(encode(event), f"{kind.name}_V9")


def _without_id(event: Event, kind: SampleType, _: Damage) -> Broken:
    kept = {name: value for name, value in event.items() if name != kind.id_field}
    return Broken(encode(kept), kind.name)


def _wrong_value(event: Event, kind: SampleType, _: Damage) -> Broken:
    name, value = kind.wrong
    return Broken(encode(event | {name: value}), kind.name)


def _unsupported_encoding(event: Event, kind: SampleType, _: Damage) -> Broken:
    # Plain JSON all the same: nobody looks into a body that says it is something else.
    return Broken(encode(event), kind.name, "br")


def _too_large(event: Event, kind: SampleType, damage: Damage) -> Broken:
    room = damage.large_bytes - len(encode(event | {"padding": ""}))
    return Broken(encode(event | {"padding": "x" * max(0, room)}), kind.name)


def _conflict(event: Event, kind: SampleType, damage: Damage) -> Broken:
    """Send an event once more with another value in a deciding field."""
    value = event[kind.conflict_field]
    other = (
        value + CENT * damage.number if isinstance(value, Decimal) else f"{value}-{damage.number}"
    )
    return Broken(encode(event | {kind.conflict_field: other}), kind.name)


WAYS: Final[Mapping[Reason, tuple[Way, ...]]] = {
    Reason.MALFORMED: (_broken_json, _broken_utf8),
    Reason.INVALID: (_without_id, _wrong_value),
    Reason.UNKNOWN_TYPE: (_unknown_type,),
    Reason.MISSING_TYPE: (_without_type,),
    Reason.CONFLICT: (_conflict,),
    Reason.UNSUPPORTED_ENCODING: (_unsupported_encoding,),
    Reason.TOO_LARGE: (_too_large,),
}
"""What a sender can cause, and how."""

USUAL: Final = tuple(reason for reason in WAYS if reason is not Reason.TOO_LARGE)
"""What occurs unless others are picked: of the large ones a few already fill a queue."""
