"""Rewrites values that came in another JSON type than they should, if they have only one meaning.

Responsible for three habits of languages and libraries, found in public bug reports:

- Ids that are numbers with a point or an exponent, such as `132.0`. The vendor's schemas call some
  ids numbers, and pandas and Lua write every number with a point.
- Flags that are `1`, `0`, or text, as MySQL and web forms have them.
- `[]` in place of an object that may be left out: PHP writes every empty array so.

Such a value is rare, so the structs that events are decoded into do not accept it. When decoding
has failed, the value is rewritten here, and the event is decoded once more. Whole numbers without a
point are decoded at once, and `steps.py` writes them as text.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.events.base import Form, SentAs
from consumer.events.facts import Fact, Many, facts_of
from consumer.events.steps import Oddity

if TYPE_CHECKING:
    from consumer.events.base import Fields, Nested

LARGEST_SAFE_NUMBER: Final = 2**53
"""A binary float beyond this number may stand for several whole numbers, so the sender's language
may have rounded two ids to the same number."""
_NUMBER: Final = re.compile(rb"-?[0-9]{1,64}(?:\.[0-9]{1,64})?(?:[eE][+-]?[0-9]{1,2})?")

_decode_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode: Final = msgspec.json.Encoder().encode


REWRITTEN_MAX_BYTES: Final = 1024 * 1024
"""A larger body is not rewritten. Python code looks into each object in the body, which is slow, so
without this bound a small compressed body could hold the event loop for many seconds."""
OBJECTS_MAX_COUNT: Final = 1000
"""The largest number of objects in a list that is rewritten. A longer list stays as it is."""


FLAGS: Final = {
    b"1": b"true",
    b"0": b"false",
    b"1.0": b"true",
    b"0.0": b"false",
    b'"1"': b"true",
    b'"0"': b"false",
    b'"true"': b"true",
    b'"false"': b"false",
}
"""The values that are read as true or false, and what they become."""
_REPAIRABLE: Final = re.compile(
    r"Expected `(?:int \| str.*, got `float`|bool.*, got `(?:int|float|str)`|object.*, got `array`)"
)
"""msgspec's errors about values that may be rewritten."""
_EMPTY_LIST: Final = re.compile(rb"\[\s*\]")


def may_be_repaired(message: str, body: bytes) -> bool:
    """Tell whether decoding failed at a value that may be rewritten.

    Args:
        message: The text of msgspec's error.
        body: The event as JSON.
    """
    return _REPAIRABLE.match(message) is not None and len(body) <= REWRITTEN_MAX_BYTES


def repaired(
    struct: type[Fields | Nested],
    body: bytes,
    path: str,
    oddities: list[Oddity],
    *,
    strict: bool,
) -> bytes | None:
    """Rewrite the values of an object that have only one meaning.

    Args:
        struct: The object's fields.
        body: The object as JSON.
        path: The path of the object with a dot behind it; empty for the event itself.
        oddities: The list that gets an entry for each value that is rewritten.
        strict: If true, values that the vendor's own schema refuses are not rewritten.

    Returns:
        The object as JSON; None if no value had to be rewritten.

    Raises:
        msgspec.DecodeError: The body is not an object.
    """
    sent = _decode_object(body)
    written: dict[str, bytes] = {}
    for fact in facts_of(struct):
        raw = bytes(sent.get(fact.name, b"")).strip()
        own = f"{path}{fact.name}"
        if fact.nested is not None and not _EMPTY_LIST.fullmatch(raw):
            text = _nested(fact.nested, raw, own, oddities, strict=strict)
        else:
            text = _rewritten(fact, raw, own, oddities, strict=strict and not fact.page_only)
        if text is not None:
            written[fact.name] = text
    changed = {name: msgspec.Raw(text) for name, text in written.items()}
    return _encode(sent | changed) if changed else None


def _rewritten(
    fact: Fact, raw: bytes, path: str, oddities: list[Oddity], *, strict: bool
) -> bytes | None:
    """Return the new JSON of a single value, and note the oddity; None if the value stays."""
    name, text = "", None
    if fact.form is Form.ID and not (strict and fact.sent_as is SentAs.TEXT):
        name = "number_with_point"
        whole_only = fact.sent_as is SentAs.TEXT
        text = _text(raw, whole_only=whole_only, strict=strict and fact.not_negative)
    elif strict or fact.many is Many.LIST:
        return None
    elif fact.form is Form.FLAG:
        name, text = "other_flag", FLAGS.get(raw)
    elif may_be_empty_list(fact) and _EMPTY_LIST.fullmatch(raw):
        name, text = "empty_list", b"{}"
    if text is not None:
        oddities.append(Oddity(name, path, raw.decode()))
    return text


def may_be_empty_list(fact: Fact) -> bool:
    """Tell whether a field may hold `[]` in place of an object."""
    if fact.required or fact.many is Many.LIST:
        return False
    needed = fact.nested is not None and any(inner.required for inner in facts_of(fact.nested))
    return fact.form in (Form.OBJECT, Form.NESTED) and not needed


def _nested(
    struct: type[Nested], raw: bytes, path: str, oddities: list[Oddity], *, strict: bool
) -> bytes | None:
    """Return the new JSON of an object or of a list of objects; None if the old JSON stays."""
    if raw.startswith(b"{"):
        return repaired(struct, raw, f"{path}.", oddities, strict=strict)
    if not raw.startswith(b"["):
        return None
    elements = _decode_list(raw)
    changed = False
    if len(elements) > OBJECTS_MAX_COUNT:
        return None
    for index, element in enumerate(elements):
        inner = bytes(element).strip()
        # An element that is not an object never fits. To look into a list in the list would also
        # cost time for each of its levels.
        if not inner.startswith(b"{"):
            return None
        text = repaired(struct, inner, f"{path}[{index}].", oddities, strict=strict)
        if text is not None:
            elements[index], changed = msgspec.Raw(text), True
    return _encode(elements) if changed else None


def _text(raw: bytes, *, whole_only: bool, strict: bool) -> bytes | None:
    """Return a number with a point or an exponent as JSON text; None if the value stays as it is.

    Args:
        raw: A JSON value.
        whole_only: If true, a number with a fraction other than 0 stays as it is.
        strict: If true, a negative number stays as it is.
    """
    if not _NUMBER.fullmatch(raw) or raw.lstrip(b"-").isdigit():
        return None
    number = Decimal(raw.decode())
    if abs(number) > LARGEST_SAFE_NUMBER or (strict and number < 0):
        return None
    if whole_only and number != number.to_integral_value():
        return None
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return _encode("0" if text == "-0" else text)
