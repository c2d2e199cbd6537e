"""What a message type states about itself, and the forms of field that it is made of.

A type is an `EventType` beside a `Fields` struct; a family of types shares a file. Decoding,
identity, routing, the schemas and docs/events.md are all made from these statements, and nothing
else in the program names a type. The facts come from the vendor's pages and schemas, read as
permissively as they allow: docs/decisions/0004.
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
"""Stands in an identity for a hash of the whole event. NUL cannot occur in an id."""
OCCURRENCE: Final = "\0occurrence"
"""Stands in an identity, beside `BODY`, for a hash of the message that the event came in. Two
messages with the same body are then two events: see `Normaliser.normalise`."""


class Form(StrEnum):
    """How a value is checked, and what its normal form is."""

    ID = "id"
    NUMBER = "number"
    COUNT = "count"
    TIME = "time"
    CHOICE = "choice"
    """A listed value that decides identity or subject: any other value is invalid. Upper and lower
    case are the same."""
    HINT = "hint"
    """A listed value that decides nothing: other values pass, and are counted."""
    TEXT = "text"
    FLAG = "true or false"
    OBJECT = "object"
    NESTED = "nested"
    """An object whose fields are known: a `Nested` struct."""


class SentAs(StrEnum):
    """The JSON types that the vendor's schema wants for an id."""

    TEXT = "text"
    NUMBER = "number"
    EITHER = "text or number"


def choice(*values: str, why: str) -> Meta:
    """Describe an enumeration whose value decides identity or subject."""
    return Meta(description=why, extra={"form": Form.CHOICE, "values": values})


def hint(*values: str, why: str, schema: tuple[str, ...] = ()) -> Meta:
    """Describe an enumeration that is only passed on.

    Args:
        values: The values that some page or schema of the vendor's names.
        why: The field's meaning.
        schema: The values that the vendor's schema accepts; empty where it accepts any text.
    """
    return Meta(
        description=why,
        extra={"form": Form.HINT, "values": values, "schema_values": schema},
    )


# What the vendor's schema says of a field beyond its form. Only strict listeners hold events
# against it; `facts.Fact` explains each of these.
NOT_EMPTY: Final = Meta(extra={"not_empty": True})
NOT_NEGATIVE: Final = Meta(extra={"not_negative": True})
ONLY_DIGITS: Final = Meta(extra={"only_digits": True})
ONE_VALUE: Final = Meta(extra={"one_value": True})
AS_NUMBER: Final = Meta(extra={"sent_as": SentAs.NUMBER})
AS_EITHER: Final = Meta(extra={"sent_as": SentAs.EITHER})
NULL_TOO: Final = Meta(extra={"null_too": True})
PAGE_ONLY: Final = Meta(extra={"page_only": True})

Id = Annotated[str | int, Meta(extra={"form": Form.ID})]
"""Text or a whole number comes in, text goes out: `1` and `"1"` are the same id. The text has 1 to
256 characters, and no control characters."""
Reference = Annotated[Id, Meta(extra={"may_be_empty": True})]
"""An id outside of the identity. It may be empty, because that does not join two events."""
Number = Annotated[Decimal, Meta(extra={"form": Form.NUMBER})]
"""A JSON number or text comes in, text without exponent goes out (`"12.30"`). The value never
passes through a binary float."""
Amount = Annotated[Number, NOT_NEGATIVE]
"""A number that is 0 or more in the vendor's schema."""
WholeNumber = Annotated[int | Decimal, Meta(extra={"form": Form.COUNT})]
"""A whole number, also as `3.0` or `"3"`, comes in; a JSON number goes out. Negative numbers occur.
A number with a fraction, which the vendor's schemas accept, passes and is counted."""
Time = Annotated[str, Meta(extra={"form": Form.TIME})]
"""A time as `timestamp.py` reads it comes in, strict RFC 3339 in UTC goes out. Text that cannot be
read as a time passes as it is and is counted, except as the event's own time."""
Name = Annotated[str, NOT_EMPTY]
"""Text that is not empty in the vendor's schema."""
Object = dict[str, msgspec.Raw]
"""A JSON object whose values pass as they came."""

UserId = Annotated[Id, NOT_EMPTY, Meta(description="The id of the player.", examples=["player-17"])]
Currency = Annotated[
    str,
    Meta(
        description="The currency's ISO 4217 code, or a crypto currency's code.", examples=["EUR"]
    ),
]
Rate = Annotated[
    Amount,
    Meta(
        description="An amount times this rate is the amount in the brand's base currency.",
        examples=[0.1],
    ),
]
AnyHost = Annotated[str, Meta(description="The brand's host.", examples=["www.brand.com"])]
BrandHost = Annotated[AnyHost, NOT_EMPTY]
"""Half of the vendor's schemas want the host not to be empty, the others take any text."""
Timestamp = Annotated[
    Time, Meta(description="When the event happened.", examples=["2015-03-02T8:27:58.10Z"])
]

OptionalId = Reference | UnsetType | None
OptionalNumber = Number | UnsetType | None
OptionalAmount = Amount | UnsetType | None
OptionalWholeNumber = WholeNumber | UnsetType | None
OptionalTime = Time | UnsetType | None
OptionalName = Name | UnsetType | None
OptionalText = str | UnsetType | None
OptionalFlag = bool | UnsetType | None
OptionalObject = Object | UnsetType | None
OptionalRate = Rate | UnsetType | None
OptionalCurrency = Currency | UnsetType | None
"""An optional field may be absent or null; either way it is passed on as it came."""

MetaObject = Annotated[
    OptionalObject, NULL_TOO, Meta(description="Anything else that the brand wants to say.")
]
SkipPublishing = Annotated[
    OptionalFlag, Meta(description="The vendor does not explain this field.")
]

PageId = Annotated[OptionalId, PAGE_ONLY]
PageNumber = Annotated[OptionalNumber, PAGE_ONLY]
PageWholeNumber = Annotated[OptionalWholeNumber, PAGE_ONLY]
PageTime = Annotated[OptionalTime, PAGE_ONLY]
PageText = Annotated[OptionalText, PAGE_ONLY]
PageFlag = Annotated[OptionalFlag, PAGE_ONLY]
"""An optional field that a page of the vendor's documentation describes, and that the vendor's
schema does not know."""


class Nested(msgspec.Struct, kw_only=True):
    """An object inside an event, such as a leg of a bet. Unknown fields in it are kept."""


class Fields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The known fields of a message type, first as sent and then, in place, in their normal form.

    This struct refuses unknown fields, and a second, slower pass picks them up (`normalise.py`).
    Most events have no unknown fields, so they are decoded in one pass.
    """


def only(subject: str) -> Mapping[str, str]:
    """Return the subjects of a type that has a single subject."""
    return {"": subject}


def _only_key(_event: Fields) -> str:
    return ""


class EventType(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One message type.

    Attributes:
        name: The name in the AMQP property `type`; it is compared without case.
        aliases: Other names of the same type.
        fields: The struct of its fields.
        sources: The pages and schemas that its facts come from.
        identity: Returns what, after brand and message type, makes two deliveries the same event.
            It reads the normal form. `identity.write_id` joins the values to the CloudEvents id.
        identified_by: The identity in words, a name for each value.
        id_suffixes: Endings, each with its colon, that an identity's text has where a fixed word
            stands behind the sender's id. They keep a sender's id that ends so apart from it.
        uses_occurrence: The identity may hold `OCCURRENCE`.
        deciding: The fields whose difference under the same identity is a conflict.
        subjects: All subjects of the type, two tokens each, without the operator's prefix. The keys
            are for `subject_key`.
        subject_key: Returns the key, in `subjects`, of the subject that an event belongs on. It
            reads the normal form. A type with a single subject, written with `only`, needs none.
        has_schema: The vendor publishes a JSON Schema of the type. Where it does not, a strict
            listener accepts what any listener accepts.
        strict: Optional fields that the vendor's schema requires. A listener with
            `validation = "strict"` requires them too.
        time: The field with the event's own time; None where the type has no such field.
        user: The field with the player's id; None where the type has no such field.
    """

    name: str
    aliases: tuple[str, ...] = ()
    fields: type[Fields]
    sources: tuple[str, ...]
    identity: Callable[[Any], tuple[str, ...]]
    identified_by: tuple[str, ...]
    id_suffixes: tuple[str, ...] = ()
    uses_occurrence: bool = False
    deciding: tuple[str, ...]
    subjects: Mapping[str, str]
    subject_key: Callable[[Any], str] = _only_key
    has_schema: bool = True
    strict: tuple[str, ...] = ()
    time: str | None = "timestamp"
    user: str | None = "user_id"
