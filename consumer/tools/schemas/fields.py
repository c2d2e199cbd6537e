"""Each form of field as JSON Schema: as it may be sent, and as it is put out.

Responsible for the schema of a struct and of the structs in it. The schemas describe what the steps
of `events/steps.py` and `events/strict_steps.py` do. Not responsible for whole documents:
`json_schema.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from consumer.events.base import NUMBER_MAX_DIGITS, Form, SentAs
from consumer.events.facts import Many
from consumer.events.repair import FLAGS, LIST_KEY, OBJECTS_MAX_COUNT, may_be_empty_list
from consumer.events.steps import ID_MAX_CHARACTERS
from consumer.events.timestamp import DOTNET_FORM, FORM, STRICT_FORM
from consumer.tools.schemas.describe import Described, describe, summary

if TYPE_CHECKING:
    from consumer.events.base import Fields, Nested
    from consumer.events.facts import Fact

Schema = dict[str, Any]

_SECONDS: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\."
UTC_TIME: Final = rf"{_SECONDS}[0-9]{{6}}Z$"
_EXACT_TIME: Final = rf"{_SECONDS}([0-9]{{6}}|[0-9]{{9}})Z$"
_NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
_DIGITS: Final = f"[0-9]{{1,{NUMBER_MAX_DIGITS}}}"
_FRACTION: Final = rf"(\.[0-9]{{0,{NUMBER_MAX_DIGITS}}})?"
_NUMBER_OUT: Final = rf"^-?{_DIGITS}(\.{_DIGITS})?$"
_UNSIGNED: Final = (
    rf"({_DIGITS}{_FRACTION}|\.{_DIGITS}"
    # 32 digits and an exponent of at most 32 stay within 128 digits on either side of the point.
    r"|[0-9]{1,32}(\.[0-9]{0,32})?[eE][+-]?([0-9]|[12][0-9]|3[0-2]))$"
)
_ONLY_DIGITS: Final = "^[0-9]+$"

ANY_CASE: Final = "Write it as listed; a lenient listener takes any case."
_FLAG_IN: Final[Schema] = {
    "type": ["boolean", "integer", "string"],
    "minimum": 0,
    "maximum": 1,
    "pattern": f"^(?:{'|'.join(FLAGS)})$",
}
"""What `repair.py` reads as a flag. In JSON Schema, 1.0 is the same as 1. One `enum` of all values
would say the same, but generators of clients cannot make an enum of values of several types."""
_PASSED: Final[dict[Form, Schema]] = {
    Form.FLAG: {"type": "boolean"},
    Form.OBJECT: {"type": "object", "additionalProperties": True},
}
"""The schemas of the forms that pass as they came. Text passes too, but has rules of its own.

Without `additionalProperties`, openapi-typescript takes an object for an object without fields."""


def object_out(struct: type[Fields | Nested], time: str | None = None) -> Schema:
    """Return the schema of a struct's normal form.

    Args:
        struct: The struct.
        time: The field with the event's own time. None means that the struct has no such field.
    """
    properties = {}
    for field in describe(struct):
        value = _value_out(field.fact, own_time=field.name == time)
        schema = _whole(field.fact, value, nullable=not field.fact.required)
        properties[field.name] = _described(field.meaning, schema, _examples_out(field))
    return _object(struct, properties, ())


def object_in(
    struct: type[Fields | Nested],
    time: str | None = None,
    needed: tuple[str, ...] = (),
    *,
    strict: bool,
) -> Schema:
    """Return the schema of a struct as it may be sent.

    Args:
        struct: The struct.
        time: The field with the event's own time. None means that the struct has no such field.
        needed: The optional fields that are required here.
        strict: If true, the schema refuses what the vendor's own schema refuses.
    """
    properties = {}
    for field in describe(struct):
        fact = field.fact
        read_strictly = strict and not fact.page_only
        value = _value_in(fact, own_time=field.name == time, strict=read_strictly)
        nullable = not fact.required and (fact.null_too or not read_strictly)
        if read_strictly and fact.one_value:
            fact = msgspec.structs.replace(fact, many=Many.ONE)
        schema = _whole(fact, value, nullable=nullable)
        # JSON Schema cannot say which keys a list of single values may have.
        if not read_strictly and fact.many is not Many.ONE and fact.nested is not None:
            schema = _or_numbered(schema)
        any_case = fact.form is Form.CHOICE and not read_strictly
        # The list has one spelling of each value, so that generators make a usable enum of it.
        said = f"{field.meaning} {ANY_CASE}" if any_case else field.meaning
        properties[field.name] = _described(said, schema, _examples_in(field))
    return _object(struct, properties, needed)


def _object(struct: type[Fields | Nested], properties: Schema, needed: tuple[str, ...]) -> Schema:
    # No schema forbids further properties, because unknown fields are accepted at every level.
    return {
        "description": summary(struct),
        "type": "object",
        "properties": properties,
        "required": [
            field.name for field in describe(struct) if field.fact.required or field.name in needed
        ],
    }


def _value_out(fact: Fact, *, own_time: bool) -> Schema:
    if fact.nested is not None:
        return object_out(fact.nested)
    if own_time:
        return _string(format="date-time", pattern=_EXACT_TIME)
    match fact.form:
        case Form.ID:
            least = {} if fact.may_be_empty else {"minLength": 1}
            value = _string(**least, maxLength=ID_MAX_CHARACTERS, pattern=_NO_CONTROLS)
        case Form.NUMBER:
            value = _string(pattern=_NUMBER_OUT)
        case Form.COUNT:
            value = {"type": "number"}
        case form:
            value = _PASSED.get(form) or _string(**_listed(fact, strict=False))
    return value


def _value_in(fact: Fact, *, own_time: bool, strict: bool) -> Schema:
    if not strict and may_be_empty_list(fact):
        inside = object_in(fact.nested, strict=False) if fact.nested else _PASSED[Form.OBJECT]
        # Generators and linters refuse an array without `items`.
        return {**inside, "type": ["object", "array"], "items": {}, "maxItems": 0}
    if fact.nested is not None:
        return object_in(fact.nested, strict=strict)
    least = {"minimum": 0} if strict and fact.not_negative else {}
    match fact.form:
        case Form.ID:
            value = _id_in(fact, least, strict=strict)
        case Form.NUMBER | Form.COUNT:
            value = _number_in(least)
        case Form.FLAG if not strict:
            value = _FLAG_IN
        case Form.TIME if strict:
            value = _string(pattern=f"^{STRICT_FORM.pattern}$")
        case Form.TIME if own_time:
            value = _string(pattern=f"^(?:{FORM.pattern}|{DOTNET_FORM.pattern})$")
        case form:
            value = _PASSED.get(form) or _string(**_listed(fact, strict=strict))
    return value


def _id_in(fact: Fact, least: Schema, *, strict: bool) -> Schema:
    # In JSON Schema, length and pattern apply only to text, and `minimum` applies only to numbers.
    # So a schema of text and numbers can have all of them, here and in `_number_in`.
    may_be_empty = fact.may_be_empty and not (strict and fact.not_empty)
    rules = {
        **({} if may_be_empty else {"minLength": 1}),
        "maxLength": ID_MAX_CHARACTERS,
        "pattern": _ONLY_DIGITS if strict and fact.only_digits else _NO_CONTROLS,
    }
    if not strict:
        # A number with a fraction of 0 is an integer in JSON Schema too.
        number = "integer" if fact.sent_as is SentAs.TEXT else "number"
        return {"type": ["string", number], **rules}
    match fact.sent_as:
        case SentAs.TEXT:
            return _string(**rules)
        case SentAs.EITHER:
            return {"type": ["string", "number"], **least, **rules}
        case _:
            return {**_number_in(least), "maxLength": ID_MAX_CHARACTERS}


def _number_in(least: Schema) -> Schema:
    sign = "[+]?" if least else "[+-]?"
    return {"type": ["number", "string"], **least, "pattern": f"^{sign}{_UNSIGNED}"}


def _string(**rules: object) -> Schema:
    return {"type": "string", **rules}


def _listed(fact: Fact, *, strict: bool) -> Schema:
    """Return the rules of text: its listed values, or that it may not be empty."""
    if fact.form is Form.CHOICE:
        return {"enum": list(fact.values)}
    if strict and fact.schema_values:
        return {"enum": list(fact.schema_values)}
    return {"minLength": 1} if strict and fact.not_empty else {}


def _examples_out(field: Described) -> list[Any]:
    """Return the examples of a field if its normal form is the form that is sent, else none."""
    as_sent = field.fact.form in (Form.ID, Form.TEXT, Form.HINT)
    return _examples_in(field) if as_sent else []


def _examples_in(field: Described) -> list[Any]:
    fact = field.fact
    return list(field.examples or (fact.values if fact.form is Form.HINT else ()))


def _or_numbered(schema: Schema) -> Schema:
    """Add an object with numbers as keys, which `repair.py` reads as a list, to a list's schema."""
    return {
        **schema,
        "type": [
            *([schema["type"]] if isinstance(schema["type"], str) else schema["type"]),
            "object",
        ],
        "propertyNames": {"pattern": f"^(?:{LIST_KEY.pattern})$"},
        "additionalProperties": schema["items"],
        "minProperties": 1,
        "maxProperties": OBJECTS_MAX_COUNT,
    }


def _described(meaning: str, schema: Schema, examples: list[Any]) -> Schema:
    """Add meaning and examples to the schema of a field."""
    return {
        "description": meaning,
        **schema,
        **({"examples": examples} if examples else {}),
    }


def _whole(fact: Fact, value: Schema, *, nullable: bool) -> Schema:
    """Add lists and null to the schema of a single value, if the field accepts them."""
    types = [value["type"]] if isinstance(value["type"], str) else value["type"]
    match fact.many:
        case Many.LIST:
            value, types = {"items": value}, ["array"]
        case Many.EITHER:
            value, types = {"items": dict(value)}, [*types, "array"]
        case Many.ONE if nullable and "enum" in value:
            value = {**value, "enum": [*value["enum"], None]}
    types = [*types, "null"] if nullable else types
    return {
        "type": types[0] if len(types) == 1 else types,
        **{name: rule for name, rule in value.items() if name not in ("description", "type")},
    }
