"""What a message type states about itself, and the forms of field that it is made of.

A message type is an `EventType` with a `Fields` struct. The types of one family share a file.
Decoding, identity, routing, the schemas and docs/events.md are all made from these statements, and
the daemon has no other code for a single type. The facts come from the vendor's pages and schemas.
Where these disagree, the most permissive one counts: docs/decisions/0004.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, UnsetType

SCHEMAS: Final = "https://github.com/fasttrack-solutions/json-schema"
"""The vendor's own JSON Schemas, as of 2026-04."""

NUMBER_MAX_DIGITS: Final = 128
"""The largest number of digits before and behind the point. PHP prints some floats with more than
100 digits: https://wiki.php.net/rfc/precise_float_value."""

BODY: Final = "\0body"
"""Stands in an identity for a hash of the whole event. NUL cannot occur in a sender's id."""
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
    """A value from a list. It decides the identity or the subject, so any other value is invalid.
    Upper and lower case are the same."""
    HINT = "hint"
    """A value from a list. It decides nothing, so other values pass, and are counted."""
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
    """Describe an enumeration whose value decides nothing.

    Args:
        values: The values that a page or a schema of the vendor names.
        why: The field's meaning.
        schema: The values that the vendor's schema accepts; empty where it accepts any text.
    """
    return Meta(
        description=why,
        extra={"form": Form.HINT, "values": values, "schema_values": schema},
    )


# Facts that the vendor's schema states about a field beyond its form. Only strict listeners check
# events by them. `facts.Fact` explains each of them.
NOT_EMPTY: Final = Meta(extra={"not_empty": True})
NOT_NEGATIVE: Final = Meta(extra={"not_negative": True})
ONLY_DIGITS: Final = Meta(extra={"only_digits": True})
ONE_VALUE: Final = Meta(extra={"one_value": True})
AS_NUMBER: Final = Meta(extra={"sent_as": SentAs.NUMBER})
AS_EITHER: Final = Meta(extra={"sent_as": SentAs.EITHER})
NULL_TOO: Final = Meta(extra={"null_too": True})
PAGE_ONLY: Final = Meta(extra={"page_only": True})

Id = Annotated[str | int, Meta(extra={"form": Form.ID})]
"""Text or a whole number comes in, and text goes out: `1` and `"1"` are the same id. The text has 1
to 256 characters, and no control characters."""
Reference = Annotated[Id, Meta(extra={"may_be_empty": True})]
"""An id that may be empty, because an event is also identified without it."""
Number = Annotated[Any, Meta(extra={"form": Form.NUMBER})]
"""A JSON number or text comes in, and text without an exponent goes out (`"12.30"`). The value
never passes through a binary float: `decoder_of` keeps the text of a JSON number, and `NumberStep`
checks it. (msgspec's own decimals accept spaces, underscores and the digits of all scripts.)"""
Amount = Annotated[Number, NOT_NEGATIVE]
"""A number that the vendor's schema accepts only if it is 0 or more."""
WholeNumber = Annotated[Any, Meta(extra={"form": Form.COUNT})]
"""A whole number comes in, also as `3.0` or `"3"`, and a JSON number goes out. Negative numbers
occur. A number with a fraction, which the vendor's schemas accept, passes and is counted."""
Time = Annotated[str, Meta(extra={"form": Form.TIME})]
"""A time as `timestamp.py` reads it comes in, and strict RFC 3339 in UTC goes out. Text that cannot
be read as a time passes as it is and is counted, except as the event's own time."""
Name = Annotated[str, NOT_EMPTY]
"""Text that the vendor's schema accepts only if it is not empty."""
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
"""Half of the vendor's schemas want the host not to be empty. The others accept any text."""
Timestamp = Annotated[
    Time,
    Meta(description="The time at which the event happened.", examples=["2015-03-02T8:27:58.10Z"]),
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
"""Each of these optional fields may be absent or null, and is passed on as it came."""

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
"""Each of these optional fields is described by a page of the vendor's documentation, and is not
known to the vendor's schema."""


class Nested(msgspec.Struct, kw_only=True):
    """An object inside an event, such as a leg of a bet. Unknown fields in it are kept."""


class Fields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The known fields of a message type. They are decoded as sent, then made normal in place.

    This struct refuses unknown fields, and a second, slower pass picks them up (`normalise.py`).
    Most events have no unknown fields, so they are decoded in one pass.
    """


FieldsT = TypeVar("FieldsT", bound=Fields)


def decoder_of(struct: type[FieldsT]) -> Callable[[bytes], FieldsT]:
    """Return the function that decodes JSON to a struct, with its numbers as they were sent."""
    # A JSON number with a point or an exponent reaches this hook as text.
    return msgspec.json.Decoder(struct, float_hook=str).decode


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
        identity: A function that returns an event's identity: the values that make two deliveries
            of one brand and message type the same event. It gets the fields in their normal form.
            `identity.write_id` joins the values to the CloudEvents id.
        identified_by: The identity in words, with a text for each value. Each field that the
            identity is made of stands in it under its own name.
        id_suffixes: The fixed words that the identity adds to a sender's id, each with a colon
            before it, such as `:rollback`. `identity.write_id` uses them to keep such an identity
            apart from a sender's id that has the same ending.
        uses_occurrence: If true, the identity may hold `OCCURRENCE`.
        deciding: The fields that decide what an event means. A difference in them between two
            deliveries with the same identity is a conflict.
        implied: What the absence of a field means, if the field decides or is in the identity. The
            keys are names of fields, and the functions get the fields in their normal form. So an
            event with the field and an event without it can be the same event.
        implied_by: The optional fields that these functions read.
        subjects: All subjects of the type, two tokens each, without the operator's prefix. The keys
            are the values that `subject_key` returns.
        subject_key: A function that returns the key, in `subjects`, of an event's subject. It gets
            the fields in their normal form. A type whose `subjects` are made by `only` leaves it
            out.
        has_schema: If true, the vendor publishes a JSON Schema of the type. If false, a strict
            listener accepts what a lenient listener accepts.
        strict: The optional fields that the vendor's schema requires. A listener with
            `validation = "strict"` requires them too.
        time: The name of the field with the event's own time. None means that there is no such
            field.
        user: The name of the field with the player's id. None means that there is no such field.
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
    implied: Mapping[str, Callable[[Any], str]] = {}
    implied_by: tuple[str, ...] = ()
    subjects: Mapping[str, str]
    subject_key: Callable[[Any], str] = _only_key
    has_schema: bool = True
    strict: tuple[str, ...] = ()
    time: str | None = "timestamp"
    user: str | None = "user_id"

    @property
    def names(self) -> tuple[str, ...]:
        """The name and the aliases."""
        return self.name, *self.aliases

    @property
    def identifying(self) -> tuple[str, ...]:
        """The names of the fields that the identity is made of, in the order of `fields`."""
        words = re.findall(r"\w+", " ".join(self.identified_by))
        return tuple(name for name in self.fields.__struct_fields__ if name in words)
