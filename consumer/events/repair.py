"""Rewrites values that came in another JSON type than they should, if they have only one meaning.

Responsible for four habits of languages and libraries, found in public bug reports:

- Ids that are numbers with a point or an exponent, such as `132.0`. The vendor's schemas call some
  ids numbers, and pandas and Lua write every number with a point.
- Flags that are `1`, `0`, or text, as MySQL, web forms and spreadsheets have them.
- `[]` in place of an object that may be left out: PHP writes every empty array so.
- `{"0": …, "2": …}` in place of a list: PHP writes a list so if an element was taken out of it, as
  `array_filter` does: https://github.com/composer/composer/pull/12643.

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
from consumer.events.refuse import shown
from consumer.events.steps import Oddity

if TYPE_CHECKING:
    from consumer.events.base import Fields, Nested

LARGEST_SAFE_NUMBER: Final = 2**53
"""A binary float beyond this number may stand for several whole numbers, so the sender's language
may have rounded two ids to the same number."""
ROUNDED_LEAST_DIGITS: Final = 6
"""Programs that round a number before they write it with an exponent keep 6 digits (C, C++), 14
(Lua, PHP) or 15 (spreadsheets), and write a `+`: https://github.com/rxi/json.lua/issues/29."""
_NUMBER: Final = re.compile(rb"-?[0-9]{1,64}(?:\.[0-9]{1,64})?(?:[eE][+-]?[0-9]{1,2})?")

_decode_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode: Final = msgspec.json.Encoder().encode


REWRITTEN_MAX_BYTES: Final = 1024 * 1024
"""A larger body is not rewritten. Python code looks into each object in the body, which is slow, so
without this bound a small compressed body could hold the event loop for many seconds."""
OBJECTS_MAX_COUNT: Final = 1000
"""The largest number of objects in an event that are looked into. An event with more objects stays
as it is: lists of lists could otherwise hold a million of them."""


FLAGS: Final = {
    "1": True,
    "0": False,
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
"""The texts that are read as true or false. The numbers 1 and 0 are too. Python and .NET write
`True`, and spreadsheets write `TRUE`."""
_REPAIRABLE: Final = re.compile(
    r"Expected `(?:int \| str.*, got `float`|bool.*, got `(?:int|float|str)`|object.*, got `array`"
    r"|(?:str \| )?array.*, got `object`)"
)
"""msgspec's errors about values that may be rewritten."""
_EMPTY_LIST: Final = re.compile(rb"\[\s*\]")
LIST_KEY: Final = re.compile(r"0|[1-9][0-9]{0,8}")
"""A key of PHP's arrays that are lists."""


def may_be_repaired(message: str, body: bytes) -> bool:
    """Tell whether decoding failed at a value that may be rewritten.

    Args:
        message: The text of msgspec's error.
        body: The event as JSON.
    """
    return _REPAIRABLE.match(message) is not None and len(body) <= REWRITTEN_MAX_BYTES


class _TooManyObjectsError(Exception):
    """The event has more objects than are looked into."""


def repaired(
    struct: type[Fields], body: bytes, oddities: list[Oddity], *, strict: bool
) -> bytes | None:
    """Rewrite the values of an event that have only one meaning.

    Args:
        struct: The event's fields.
        body: The event as JSON.
        oddities: The list that gets an entry for each value that is rewritten.
        strict: If true, values that the vendor's own schema refuses are not rewritten.

    Returns:
        The event as JSON; None if no value had to be rewritten, or if the event has too many
        objects.

    Raises:
        msgspec.DecodeError: The body is not an object.
    """
    found: list[Oddity] = []
    try:
        written = _Repair(found, strict=strict).rewritten(struct, body, "")
    except _TooManyObjectsError:
        return None
    oddities += found
    return written


class _Repair:
    """The repair of one event.

    Args:
        oddities: The list that gets an entry for each value that is rewritten.
        strict: If true, values that the vendor's own schema refuses are not rewritten.
    """

    def __init__(self, oddities: list[Oddity], *, strict: bool) -> None:
        self._oddities = oddities
        self._strict = strict
        self._left_count = OBJECTS_MAX_COUNT + 1  # the event itself is an object too

    def rewritten(self, struct: type[Fields | Nested], body: bytes, path: str) -> bytes | None:
        """Return the new JSON of an object; None if it stays.

        Args:
            struct: The object's fields.
            body: The object as JSON.
            path: The path of the object with a dot behind it; empty for the event itself.
        """
        self._left_count -= 1
        if self._left_count < 0:
            raise _TooManyObjectsError
        sent = _decode_object(body)
        written: dict[str, bytes] = {}
        for fact in facts_of(struct):
            raw = bytes(sent.get(fact.name, b"")).strip()
            listed = self._listed(fact, raw, f"{path}{fact.name}")
            raw = listed or raw
            if fact.nested is not None and not _EMPTY_LIST.fullmatch(raw):
                text = self._nested(fact.nested, raw, f"{path}{fact.name}")
            else:
                text = self._value(fact, raw, f"{path}{fact.name}")
            if text is not None or listed is not None:
                written[fact.name] = text or raw
        changed = {name: msgspec.Raw(text) for name, text in written.items()}
        return _encode(sent | changed) if changed else None

    def _listed(self, fact: Fact, raw: bytes, path: str) -> bytes | None:
        """Return the list that an object stands for, and note the oddity. None if it is no list."""
        strict = self._strict and not fact.page_only
        if strict or fact.many is Many.ONE or not raw.startswith(b"{"):
            return None
        values = list_of(raw, nested=fact.nested is not None)
        if values is None:
            return None
        self._oddities.append(Oddity("numbered_list", path, shown(raw)))
        return _encode(values)

    def _nested(self, struct: type[Nested], raw: bytes, path: str) -> bytes | None:
        """Return the new JSON of an object or of a list of objects; None if the old JSON stays."""
        if raw.startswith(b"{"):
            return self.rewritten(struct, raw, f"{path}.")
        if not raw.startswith(b"["):
            return None
        elements = _decode_list(raw)
        if len(elements) > self._left_count:
            raise _TooManyObjectsError
        changed = False
        for index, element in enumerate(elements):
            inner = bytes(element).strip()
            # An element that is not an object never fits. To look into a list in the list would
            # also cost time for each of its levels.
            if not inner.startswith(b"{"):
                return None
            text = self.rewritten(struct, inner, f"{path}[{index}].")
            if text is not None:
                elements[index], changed = msgspec.Raw(text), True
        return _encode(elements) if changed else None

    def _value(self, fact: Fact, raw: bytes, path: str) -> bytes | None:
        """Return the new JSON of a single value, and note the oddity; None if the value stays."""
        strict = self._strict and not fact.page_only
        name, text = "", None
        if fact.form is Form.ID and not (strict and fact.sent_as is SentAs.TEXT):
            name = "number_with_point"
            whole_only = fact.sent_as is SentAs.TEXT
            text = _text(raw, whole_only=whole_only, strict=strict and fact.not_negative)
        elif strict or fact.many is Many.LIST:
            return None
        elif fact.form is Form.FLAG:
            name, text = "other_flag", _flag(raw)
        elif may_be_empty_list(fact) and _EMPTY_LIST.fullmatch(raw):
            name, text = "empty_list", b"{}"
        if text is not None:
            self._oddities.append(Oddity(name, path, raw.decode()))
        return text


def list_of(raw: bytes, *, nested: bool) -> list[msgspec.Raw] | None:
    """Return the values of an object whose keys are the places of a list; None for other objects.

    Args:
        raw: The object as JSON.
        nested: If true, the values are objects. If false, the keys may be the real values: the
            numbers 7 and 13 of a ticket as `{"7": 1, "13": 1}`. Then fewer than half of the keys
            may have been taken out.
    """
    sent = _decode_object(raw)
    if not 0 < len(sent) <= OBJECTS_MAX_COUNT or not all(map(LIST_KEY.fullmatch, sent)):
        return None
    if not nested and max(map(int, sent)) >= 2 * len(sent):
        return None
    return list(sent.values())


def may_be_empty_list(fact: Fact) -> bool:
    """Tell whether a field may hold `[]` in place of an object."""
    if fact.required or fact.many is Many.LIST:
        return False
    needed = fact.nested is not None and any(inner.required for inner in facts_of(fact.nested))
    return fact.form in (Form.OBJECT, Form.NESTED) and not needed


def _flag(raw: bytes) -> bytes | None:
    """Return a value as a flag; None if it means neither true nor false."""
    if raw[:1] == b'"' == raw[-1:]:
        flag = FLAGS.get(raw[1:-1].decode())
        return None if flag is None else b"true" if flag else b"false"
    number = Decimal(raw.decode()) if _NUMBER.fullmatch(raw) else None
    return b"true" if number == 1 else b"false" if number == 0 else None


def may_be_rounded(text: str, least_digits: int = ROUNDED_LEAST_DIGITS) -> bool:
    """Tell whether the exponent of a number stands for digits that were not written.

    `1.23457e+07` may be any of a hundred ids, and `1.2345678e+07` has all its digits. Java, Gson
    and Jackson write no `+`, and all digits: `1.234567E7` is 12345670.

    Args:
        text: A number, as it was sent.
        least_digits: A number with fewer digits counts as written in full: some languages write
            1000 as `1e+3`.
    """
    _, digits, exponent = Decimal(text).as_tuple()
    adds_digits = isinstance(exponent, int) and exponent > 0
    return adds_digits and "+" in text and len(digits) >= least_digits


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
    if abs(number) > LARGEST_SAFE_NUMBER or may_be_rounded(raw.decode()):
        return None
    if strict and number < 0:
        return None
    if whole_only and number != number.to_integral_value():
        return None
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return _encode("0" if text == "-0" else text)
