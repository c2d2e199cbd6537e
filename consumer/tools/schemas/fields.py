"""Each form of field as JSON Schema: as it may be sent, and as it is put out.

The two sides of `events/fields.py`, which does what is described here. Documents: `json_schema.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from consumer.events.fields import ID_MAX_CHARACTERS, NUMBER_MAX_DIGITS
from consumer.events.timestamp import FORM
from consumer.tools.schemas.describe import Described, Form, Many, describe, summary

if TYPE_CHECKING:
    from consumer.events.base import Fields, Part

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


def object_out(kind: type[Fields | Part], time: str | None = None) -> Schema:
    """Return the schema of a struct's normal form.

    Args:
        kind: the struct.
        time: the field with the event's own time.
    """
    properties = {}
    for one in describe(kind):
        value = _value_out(one, own_time=one.name == time)
        properties[one.name] = _whole(one, value, _examples_out(one), nullable=not one.required)
    return _object(kind, properties, ())


def object_in(
    kind: type[Fields | Part],
    time: str | None = None,
    needed: tuple[str, ...] = (),
    *,
    strict: bool,
) -> Schema:
    """Return the schema of a struct as it may be sent.

    Args:
        kind: the struct.
        time: the field with the event's own time.
        needed: optional fields that have to be there all the same.
        strict: refuse what the vendor's own schema refuses.
    """
    properties = {}
    for one in describe(kind):
        value = _value_in(one, own_time=one.name == time, strict=strict)
        nullable = not (one.required or one.name in needed)
        schema = _whole(one, value, _examples_in(one), nullable=nullable)
        if one.form is Form.CHOICE:
            schema["description"] += " Upper and lower case are one."
        properties[one.name] = schema
    return _object(kind, properties, needed)


def _object(kind: type[Fields | Part], properties: Schema, needed: tuple[str, ...]) -> Schema:
    # Unknown fields are welcome, everywhere.
    return {
        "description": summary(kind),
        "type": "object",
        "properties": properties,
        "required": [one.name for one in describe(kind) if one.required or one.name in needed],
    }


def _value_out(field: Described, *, own_time: bool) -> Schema:
    if field.part is not None:
        return object_out(field.part)
    if own_time:
        return _string(format="date-time", pattern=_EXACT_TIME)
    match field.form:
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
    if field.part is not None:
        return object_in(field.part, strict=strict)
    match field.form:
        case Form.ID:
            # Length and pattern are about text only, as JSON Schema defines them; so on below.
            value = {"type": ["string", "integer"], **_id_length(field), "pattern": _NO_CONTROLS}
        case Form.NUMBER:
            least = {"minimum": 0} if strict and field.not_negative else {}
            sign = "[+]?" if least else "[+-]?"
            value = {"type": ["number", "string"], **least, "pattern": f"^{sign}{_UNSIGNED}"}
        case Form.COUNT:
            value = {"type": ["integer", "string"], "pattern": _WHOLE}
        case Form.TIME if strict or own_time:
            value = _string(pattern=f"^{FORM.pattern}$")
        case Form.NAME if strict:
            value = _string(minLength=1)
        case form:
            value = _PASSED.get(form) or _string(**_choices(field))
    return value


def _string(**rules: object) -> Schema:
    return {"type": "string", **rules}


def _choices(field: Described) -> Schema:
    return {"enum": list(field.values)} if field.form is Form.CHOICE else {}


def _id_length(field: Described) -> Schema:
    least = {} if field.may_be_empty else {"minLength": 1}
    return {**least, "maxLength": ID_MAX_CHARACTERS}


def _examples_out(field: Described) -> list[Any]:
    """Return examples where the normal form is the one that is sent."""
    as_sent = field.form in (Form.ID, Form.NAME, Form.TEXT, Form.HINT)
    return _examples_in(field) if as_sent else []


def _examples_in(field: Described) -> list[Any]:
    return list(field.examples or (field.values if field.form is Form.HINT else ()))


def _whole(field: Described, value: Schema, examples: list[Any], *, nullable: bool) -> Schema:
    """Add list, null, meaning and examples to the schema of a single value."""
    types = [value["type"]] if isinstance(value["type"], str) else value["type"]
    match field.many:
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
        **{name: one for name, one in value.items() if name not in ("description", "type")},
        **({"examples": examples} if examples else {}),
    }
