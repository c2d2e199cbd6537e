"""What a message type states about itself, and the kinds of field it is made of.

A type is one `EventType` beside one `Fields` struct, in one file a family. Everything else
(decoding, identity, routing, schemas, docs/events.md) is made from these statements; nothing else
names a type. The facts come from the vendor's pages, read as permissively as they allow:
docs/decisions/0004.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, UnsetType

SCHEMAS: Final = "https://github.com/fasttrack-solutions/json-schema"
"""The vendor's own JSON Schemas, as of 2026-04."""

BODY: Final = "\0body"
"""As a part of an identity: a hash of the whole event. NUL cannot occur in an id."""


class Kind(StrEnum):
    """How a field is checked and brought into its normal form."""

    ID = "id"
    NUMBER = "number"
    COUNT = "count"
    TIME = "time"
    NAME = "name"
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
"""Text or whole number in, text out: `1` and `"1"` are one id. No control characters, 1 to 256."""
Reference = Annotated[str | int, Meta(extra={"kind": Kind.ID, "may_be_empty": True})]
"""An id that does not make up the identity, so that an empty one does no harm."""
Number = Annotated[Decimal, Meta(extra={"kind": Kind.NUMBER})]
"""JSON number or text in, text without exponent out (`"12.30"`); never through a binary float."""
Amount = Annotated[Decimal, Meta(extra={"kind": Kind.NUMBER, "not_negative": True})]
"""A `Number` that the vendor's schema wants to be 0 or more; checked where it is strict."""
Count = Annotated[Decimal, Meta(extra={"kind": Kind.COUNT})]
"""A whole number, also as `3.0` or `"3"`; a JSON number out. Negative ones occur."""
Time = Annotated[str, Meta(extra={"kind": Kind.TIME})]
"""A time as `timestamp.py` reads it in, strict RFC 3339 in UTC out. Any but the event's own time
passes as it is where it cannot be read, and is counted."""
Name = Annotated[str, Meta(extra={"kind": Kind.NAME})]
"""Text that the vendor's schema wants not to be empty; checked where it is strict."""
Object = dict[str, msgspec.Raw]
"""A JSON object whose values pass as they came."""

UserId = Annotated[Id, Meta(description="The player.", examples=["player-17"])]
Currency = Annotated[
    str, Meta(description="ISO 4217, or a crypto currency's code.", examples=["EUR"])
]
Rate = Annotated[
    Amount,
    Meta(
        description="An amount times this is the amount in the brand's base currency.",
        examples=[0.1],
    ),
]
Origin = Annotated[Name, Meta(description="The brand's host.", examples=["www.brand.com"])]
Timestamp = Annotated[
    Time, Meta(description="When it happened.", examples=["2015-03-02T8:27:58.10Z"])
]
"""What most types carry, with one meaning in all of them."""

OptionalId = Reference | UnsetType | None
OptionalNumber = Number | UnsetType | None
OptionalAmount = Amount | UnsetType | None
OptionalCount = Count | UnsetType | None
OptionalTime = Time | UnsetType | None
OptionalName = Name | UnsetType | None
OptionalText = str | UnsetType | None
OptionalFlag = bool | UnsetType | None
OptionalObject = Object | UnsetType | None
OptionalRate = Rate | UnsetType | None
"""An optional field may be absent or null; either way it is passed on as it came."""


class Part(msgspec.Struct, kw_only=True):
    """An object inside an event, such as one leg of a bet. Unknown fields in it are kept."""


class Fields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The known fields of a message type, as sent; then, in place, in their normal form.

    Unknown fields are refused by this struct and picked up in a second, slower pass
    (`normalise.py`): most events have none.
    """


class EventType(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One message type.

    Attributes:
        name: as in the AMQP property `type`; compared without case.
        aliases: other names of the same type.
        fields: what it carries.
        sources: pages and schemas that its facts come from.
        identity: what, after brand and message type, makes two deliveries the same event.
            Reads the normal form; joined with `:` it is the CloudEvents id.
        identified_by: the same in words, a name for each part.
        id_suffixes: Endings, each with its colon, that an identity's text has where a fixed word
            stands behind the sender's id. They keep a sender's id that ends so apart from it.
        deciding: fields whose difference under one identity is a conflict.
        subject: which of `subjects` an event belongs on.
        subjects: all of them, two tokens each, without prefix.
        strict: optional fields that the vendor's schema requires; so does a listener with
            `validation = "strict"`.
        time: the field with the event's own time; None: it has none.
        user: the field with the player's id; None: it has none.
    """

    name: str
    aliases: tuple[str, ...] = ()
    fields: type[Fields]
    sources: tuple[str, ...]
    identity: Callable[[Any], tuple[str, ...]]
    identified_by: tuple[str, ...]
    id_suffixes: tuple[str, ...] = ()
    deciding: tuple[str, ...]
    subject: Callable[[Any], str]
    subjects: Mapping[str, str]
    strict: tuple[str, ...] = ()
    time: str | None = "timestamp"
    user: str | None = "user_id"


def only(subject: str) -> Mapping[str, str]:
    """Return the subjects of a type that has one."""
    return {"": subject}
