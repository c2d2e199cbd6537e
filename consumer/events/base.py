"""What a message type states about itself, and the kinds of field it is made of.

A type is one `EventType` beside one `Fields` struct, in one file a family. Everything else
(decoding, identity, routing, later the schemas) is made from these statements; nothing else
names a type. The facts come from the vendor's pages, read as permissively as they allow:
docs/decisions/0004.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, UnsetType


class Kind(StrEnum):
    """How a field is checked and brought into its normal form."""

    ID = "id"
    NUMBER = "number"
    TIME = "time"
    CHOICE = "choice"
    """An enumeration that decides: other values are invalid; compared without case."""
    HINT = "hint"
    """An enumeration that decides nothing: other values pass, and are counted."""


def choice(*values: str, why: str) -> Meta:
    """Describe an enumeration whose value decides identity or subject."""
    return Meta(description=why, extra={"kind": Kind.CHOICE, "values": values})


def hint(*values: str, why: str) -> Meta:
    """Describe an enumeration that is only passed on."""
    return Meta(description=why, extra={"kind": Kind.HINT, "values": values})


Id = Annotated[str | int, Meta(extra={"kind": Kind.ID})]
"""Text or whole number in, text out: `1` and `"1"` are one id. No control characters, up to 256."""
Number = Annotated[Decimal, Meta(extra={"kind": Kind.NUMBER})]
"""JSON number or text in, text without exponent out (`"12.30"`); never through a binary float."""
Time = Annotated[str, Meta(extra={"kind": Kind.TIME})]
"""A time as `timestamp.py` reads it in, strict RFC 3339 in UTC out."""
Object = dict[str, msgspec.Raw]
"""A JSON object whose values pass as they came."""

OptionalId = Id | UnsetType | None
OptionalNumber = Number | UnsetType | None
OptionalCount = int | UnsetType | None
OptionalText = str | UnsetType | None
OptionalFlag = bool | UnsetType | None
OptionalObject = Object | UnsetType | None
"""An optional field may be absent or null; either way it is passed on as it came."""


class Fields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The known fields of a message type, as sent; then, in place, in their normal form.

    Unknown fields are refused by this struct and picked up in a second, slower pass
    (`normalise.py`): most events have none.
    """


class EventType(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One message type.

    Attributes:
        name: as in the AMQP property `type`; compared without case.
        fields: what it carries.
        identity: what, after brand and message type, makes two deliveries the same event.
            Reads the normal form; joined with `:` it is the CloudEvents id.
        deciding: fields whose difference under one identity is a conflict.
        subject: which of `subjects` an event belongs on.
        subjects: all of them, two tokens each, without prefix.
        time: the field with the event's own time; None: it has none.
        user: the field with the player's id; None: it has none.
    """

    name: str
    fields: type[Fields]
    identity: Callable[[Any], tuple[str, ...]]
    deciding: tuple[str, ...]
    subject: Callable[[Any], str]
    subjects: Mapping[str, str]
    time: str | None = "timestamp"
    user: str | None = "user_id"
