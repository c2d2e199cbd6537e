"""Each form of field as JSON Schema: as it may be sent, and as it is put out.

The two sides of `events/fields.py`, which does what is described here. Documents: `json_schema.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from consumer.events.base import Form
from consumer.events.facts import Many
from consumer.events.fields import ID_MAX_CHARACTERS, NUMBER_MAX_DIGITS
from consumer.events.timestamp import FORM
from consumer.tools.schemas.describe import Described, describe, summary

if TYPE_CHECKING:
    from consumer.events.base import Fields, Nested

Schema = dict[str, Any]

_SECONDS: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\."
UTC_TIME: Final = rf"{_SECONDS}[0-9]{{6}}Z$"
_EXACT_TIME: Final = rf"{_SECONDS}([0-9]{{6}}|[0-9]{{9}})Z$"
_NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
_DIGITS: Final = f"[0-9]{{1,{NUMBER_MAX_DIGITS}}}"
_FRACTION: Final = rf"(\.[0-9]{{0,{NUMBER_MAX_DIGITS}}})?"
_NUMBER_OUT: Final = rf"^-?{_DIGITS}(\.{_DIGITS})?$"
_UNSIGNED: Final = (
    rf"({_DIGITS}{_FRACTION}"
    # 32 digits and an exponent of at most 32 stay within 64 digits on either side of the point.
    r"|[0-9]{1,32}(\.[0-9]{0,32})?[eE][+-]?([0-9]|[12][0-9]|3[0-2]))$"
)
_WHOLE: Final = rf"^[+-]?{_DIGITS}(\.0{{0,{NUMBER_MAX_DIGITS}}})?$"

_PASSED: Final[dict[Form, Schema]] = {
    Form.FLAG: {"type": "boolean"},
    Form.INTEGER: {"type": "integer"},
    Form.OBJECT: {"type": "object"},
}
"""What passes as it came, but for text."""


def object_out(struct: type[Fields | Nested], time: str | None = None) -> Schema:
    """Return the schema of a struct's normal form.

    Args:
        struct: The struct.
        time: The field with the event's own time.
    """
    properties = {}
    for field in describe(struct):
        value = _value_out(field, own_time=field.name == time)
        nullable = not field.fact.required
        properties[field.name] = _whole(field, value, _examples_out(field), nullable=nullable)
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
        time: The field with the event's own time.
        needed: Optional fields that have to be there all the same.
        strict: Refuse what the vendor's own schema refuses.
    """
    properties = {}
    for field in describe(struct):
        value = _value_in(field, own_time=field.name == time, strict=strict)
        nullable = not (field.fact.required or field.name in needed)
        schema = _whole(field, value, _examples_in(field), nullable=nullable)
        if field.fact.form is Form.CHOICE:
            schema["description"] += " Upper and lower case are one."
        properties[field.name] = schema
    return _object(struct, properties, needed)


def _object(struct: type[Fields | Nested], properties: Schema, needed: tuple[str, ...]) -> Schema:
    # Unknown fields are welcome, everywhere.
    return {
        "description": summary(struct),
        "type": "object",
        "properties": properties,
        "required": [
            field.name for field in describe(struct) if field.fact.required or field.name in needed
        ],
    }


def _value_out(field: Described, *, own_time: bool) -> Schema:
    fact = field.fact
    if fact.nested is not None:
        return object_out(fact.nested)
    if own_time:
        return _string(format="date-time", pattern=_EXACT_TIME)
    match fact.form:
        case Form.ID:
            value = _string(**_id_length(field), pattern=_NO_CONTROLS)
        case Form.NUMBER:
            value = _string(pattern=_NUMBER_OUT)
        case Form.COUNT:
            value = {"type": "integer"}
        case form:
            value = _PASSED.get(form) or _string(**_choices(field))
    return value


def _value_in(field: Described, *, own_time: bool, strict: bool) -> Schema:
    fact = field.fact
    if fact.nested is not None:
        return object_in(fact.nested, strict=strict)
    match fact.form:
        case Form.ID:
            # Length and pattern are about text only, as JSON Schema defines them; so on below.
            value = {"type": ["string", "integer"], **_id_length(field), "pattern": _NO_CONTROLS}
        case Form.NUMBER:
            least = {"minimum": 0} if strict and fact.not_negative else {}
            sign = "[+]?" if least else "[+-]?"
            value = {"type": ["number", "string"], **least, "pattern": f"^{sign}{_UNSIGNED}"}
        case Form.COUNT:
            value = {"type": ["integer", "string"], "pattern": _WHOLE}
        case Form.TIME if strict or own_time:
            value = _string(pattern=f"^{FORM.pattern}$")
        case Form.TEXT if strict and fact.not_empty:
            value = _string(minLength=1)
        case form:
            value = _PASSED.get(form) or _string(**_choices(field))
    return value


def _string(**rules: object) -> Schema:
    return {"type": "string", **rules}


def _choices(field: Described) -> Schema:
    fact = field.fact
    return {"enum": list(fact.values)} if fact.form is Form.CHOICE else {}


def _id_length(field: Described) -> Schema:
    least = {} if field.fact.may_be_empty else {"minLength": 1}
    return {**least, "maxLength": ID_MAX_CHARACTERS}


def _examples_out(field: Described) -> list[Any]:
    """Return examples where the normal form is the one that is sent."""
    as_sent = field.fact.form in (Form.ID, Form.TEXT, Form.HINT)
    return _examples_in(field) if as_sent else []


def _examples_in(field: Described) -> list[Any]:
    fact = field.fact
    return list(field.examples or (fact.values if fact.form is Form.HINT else ()))


def _whole(field: Described, value: Schema, examples: list[Any], *, nullable: bool) -> Schema:
    """Add list, null, meaning and examples to the schema of a single value."""
    types = [value["type"]] if isinstance(value["type"], str) else value["type"]
    match field.fact.many:
        case Many.LIST:
            value, types = {"items": value}, ["array"]
        case Many.EITHER:
            value, types = {"items": dict(value)}, [*types, "array"]
        case Many.ONE if nullable and "enum" in value:
            value = {**value, "enum": [*value["enum"], None]}
    types = [*types, "null"] if nullable else types
    return {
        "description": field.meaning,
        "type": types[0] if len(types) == 1 else types,
        **{name: rule for name, rule in value.items() if name not in ("description", "type")},
        **({"examples": examples} if examples else {}),
    }
