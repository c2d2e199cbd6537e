"""The catalogue as JSON Schema 2020-12: what a brand may send, and what a subscriber gets.

Responsible for both documents of a type, and for the documents that hold all types. Not
responsible for single fields (`fields.py`), or for the channels of messages (`asyncapi.py`).

JSON Schema cannot express some rules:

- A time is on a day that exists.
- A JSON number has at most 128 digits on each side of its point.
- An id that is a number with a point, such as `1.0`, is at most 2^53, and its exponent stands for
  no digits that were not written.
- An id that identifies the event was not rounded before it became text.
- The event's own time is not before 1970-01-02.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.events.envelope import source_of
from consumer.events.registry import CATALOGUE
from consumer.options.values import TOKEN
from consumer.tools.schemas import example
from consumer.tools.schemas.describe import subjects, summary
from consumer.tools.schemas.fields import UTC_TIME, Schema, object_in, object_out
from consumer.tools.schemas.refused import other_spellings, shared_id

if TYPE_CHECKING:
    from consumer.events.base import EventType

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def outgoing(event_type: EventType) -> Schema:
    """Return the schema of what a subscriber gets: a CloudEvents object with `data`."""
    source = f"^{source_of(TOKEN, event_type.name)}$"
    player = {"subject": _text("The player, as in the field user_id of data.", minLength=1)}
    properties: Schema = {
        "specversion": {"const": "1.0"},
        "id": _text(
            "The identity, which is unique together with source. It consists of these values, "
            f"joined with colons: {', '.join(event_type.identified_by)}.",
            minLength=1,
        ),
        "source": _text("The brand and the message type.", pattern=source),
        "type": _text(
            "The subject of the event, without the prefix.", enum=[*subjects(event_type)]
        ),
        **(player if event_type.user else {}),
        "time": _text(
            "When the event happened." if event_type.time else "When the event arrived.",
            format="date-time",
            pattern=UTC_TIME,
        ),
        "datacontenttype": {"const": "application/json"},
        "brand": _text("The brand that sent the event.", pattern=f"^{TOKEN}$"),
        "sequence": _text(
            "The number of the event among those of its player. Only events of the wallet have it.",
            pattern="^[1-9][0-9]*$",
        ),
        "data": object_out(event_type.fields, event_type.time),
    }
    return {
        **_head(event_type, "event", f"{event_type.name}, as put out"),
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name != "sequence"],
        "examples": [example.put_out(event_type)],
    }


def incoming(event_type: EventType, *, strict: bool = False) -> Schema:
    """Return the schema of what a brand sends.

    Args:
        event_type: The type of the message.
        strict: If true, the schema says what a listener with `validation = "strict"` accepts.
    """
    read_strictly = strict and event_type.has_schema
    needed = event_type.strict if read_strictly else ()
    schema = object_in(event_type.fields, event_type.time, needed, strict=read_strictly)
    for name, field in schema["properties"].items():
        words, rules = shared_id(event_type, name)
        schema["properties"][name] = {**field, "description": field["description"] + words, **rules}
    return {
        **_head(event_type, "strict" if strict else "sent", f"{event_type.name}, as sent"),
        **schema,
        **other_spellings(event_type),
        "examples": [example.sent(event_type)],
    }


def for_clients(event_type: EventType) -> Schema:
    """Return the schema of what a brand sends, without its own address, for a generated client.

    It has no rules about other spellings of the names of fields, because openapi-typescript makes
    of such a rule a type to which no event can be assigned. Such a client spells the names well.
    """
    left_out = other_spellings(event_type)
    schema = without_address(incoming(event_type))
    return {name: value for name, value in schema.items() if name not in left_out}


def all_outgoing() -> Schema:
    """Return one schema of everything that a subscriber can get."""
    # The subjects of the types differ, so no event fits two schemas.
    return _all(
        "events", "Every event", "oneOf", [outgoing(event_type) for event_type in CATALOGUE]
    )


def all_incoming(*, strict: bool = False) -> Schema:
    """Return one schema of everything that a brand can send."""
    # The message type is not in the body, so a body may fit several schemas.
    each = [incoming(event_type, strict=strict) for event_type in CATALOGUE]
    return _all("strict" if strict else "sent", "Every message", "anyOf", each)


def _all(which: str, title: str, combined: str, each: list[Schema]) -> Schema:
    names = [event_type.name for event_type in CATALOGUE]
    return {
        "$schema": DIALECT,
        "$id": f"urn:consumer:{which}",
        "title": title,
        combined: [{"$ref": f"#/$defs/{name}"} for name in names],
        "$defs": {name: without_address(schema) for name, schema in zip(names, each, strict=True)},
    }


def without_address(schema: Schema) -> Schema:
    """Return a schema without its own address, for use inside another document."""
    return {name: value for name, value in schema.items() if name not in ("$schema", "$id")}


def _head(event_type: EventType, which: str, title: str) -> Schema:
    return {
        "$schema": DIALECT,
        "$id": f"urn:consumer:{which}:{event_type.name}",
        "$comment": f"Sources: {' '.join(event_type.sources)}",
        "title": title,
        "description": summary(event_type.fields),
    }


def _text(description: str, **rules: object) -> Schema:
    return {"description": description, "type": "string", **rules}
