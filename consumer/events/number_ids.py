"""Rewrites ids that came as JSON numbers with a point or an exponent, such as `132.0`, as text.

The vendor's schemas call some ids numbers, and some languages write every number with a point.
Such an id is rare, so the structs that events are decoded into do not accept it. When decoding has
failed, the id is rewritten here, and the event is decoded once more. Whole numbers without a point
are decoded at once, and `steps.py` writes them as text.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.events.base import Form, SentAs
from consumer.events.facts import facts_of
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


def may_be_number_id(message: str, body: bytes) -> bool:
    """Tell whether decoding failed at an id that came as a number with a point.

    Args:
        message: The text of msgspec's error.
        body: The event as JSON.
    """
    is_id = message.startswith("Expected `int | str") and "got `float`" in message
    return is_id and len(body) <= REWRITTEN_MAX_BYTES


def with_ids_as_text(
    struct: type[Fields | Nested],
    body: bytes,
    path: str,
    oddities: list[Oddity],
    *,
    strict: bool,
) -> bytes | None:
    """Rewrite the ids of an object that came as numbers with a point as text.

    Args:
        struct: The object's fields.
        body: The object as JSON.
        path: The path of the object with a dot behind it; empty for the event itself.
        oddities: The list that gets an entry for each id that is rewritten.
        strict: If true, numbers that the vendor's own schema refuses are not rewritten.

    Returns:
        The object as JSON; None if no id had to be rewritten.

    Raises:
        msgspec.DecodeError: The body is not an object.
    """
    sent = _decode_object(body)
    written: dict[str, bytes] = {}
    for fact in facts_of(struct):
        raw = bytes(sent.get(fact.name, b"")).strip()
        text = None
        if fact.nested is not None:
            text = _nested(fact.nested, raw, f"{path}{fact.name}", oddities, strict=strict)
        elif fact.form is Form.ID and fact.sent_as is not SentAs.TEXT:
            text = _text(raw, strict=strict and fact.not_negative)
            if text is not None:
                oddities.append(Oddity("number_with_point", f"{path}{fact.name}", raw.decode()))
        if text is not None:
            written[fact.name] = text
    changed = {name: msgspec.Raw(text) for name, text in written.items()}
    return _encode(sent | changed) if changed else None


def _nested(
    struct: type[Nested], raw: bytes, path: str, oddities: list[Oddity], *, strict: bool
) -> bytes | None:
    """Return the new JSON of an object or of a list of objects; None if the old JSON stays."""
    if raw.startswith(b"{"):
        return with_ids_as_text(struct, raw, f"{path}.", oddities, strict=strict)
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
        text = with_ids_as_text(struct, inner, f"{path}[{index}].", oddities, strict=strict)
        if text is not None:
            elements[index], changed = msgspec.Raw(text), True
    return _encode(elements) if changed else None


def _text(raw: bytes, *, strict: bool) -> bytes | None:
    """Return a number with a point or an exponent as JSON text; None if the value stays as it is.

    Args:
        raw: A JSON value.
        strict: If true, a negative number stays as it is.
    """
    if not _NUMBER.fullmatch(raw) or raw.lstrip(b"-").isdigit():
        return None
    number = Decimal(raw.decode())
    if abs(number) > LARGEST_SAFE_NUMBER or (strict and number < 0):
        return None
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return _encode("0" if text == "-0" else text)
