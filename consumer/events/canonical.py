"""Hashes values by their meaning, so that equal events have equal hashes.

An honest resend may write `12.3` for `12.30`, put its keys in another order, or have other spaces,
and the hash stays the same. Text is never changed: `"1.50"` in a note is not the same as `"1.5"`.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from functools import cache
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import UNSET

from consumer.events.base import Fields, Form, Nested
from consumer.events.facts import facts_of

DIGEST_BYTES: Final = 16

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


class _Boundless(str):
    """A JSON number whose exponent has more than 18 digits, as it was sent."""

    __slots__ = ()


Canonical = None | bool | str | list["Canonical"] | dict[str, "Canonical"]


def digest(value: object) -> str:
    """Return the hash of a value in its canonical form, as 32 hexadecimal digits.

    Args:
        value: A part of a normalised event: a struct, the value of one of its fields, or JSON that
            passes as it came.
    """
    return _hash(_canonical(value))


def digest_whole(struct: type[Fields], data: Fields | dict[str, object]) -> str:
    """Return the hash of a whole event, which is the same for both forms that its data may have.

    Args:
        struct: The type's fields. They say which text of a dictionary is a number.
        data: The event in its normal form: the struct, or a dictionary if the event may have
            nested objects or has unknown fields.
    """
    return _hash(_known(struct, data) if isinstance(data, dict) else _canonical(data))


def number(text: str) -> str:
    """Write a decimal number so that equal numbers look alike: `12.30` as `123e-1`."""
    try:
        sign, digits, exponent = Decimal(text).as_tuple()
    except InvalidOperation:
        return text.lower()
    if not isinstance(exponent, int):
        return text
    figures = "".join(map(str, digits)).lstrip("0")
    kept = figures.rstrip("0")
    if not kept:
        return "0"
    return f"{'-' if sign else ''}{kept}e{exponent + len(figures) - len(kept)}"


@cache
def numbers_of(struct: type[Fields | Nested]) -> frozenset[str]:
    """Return the names of a struct's numbers, which are text in their normal form."""
    return frozenset(fact.name for fact in facts_of(struct) if fact.form is Form.NUMBER)


@cache
def _nested_of(struct: type[Fields | Nested]) -> dict[str, type[Nested]]:
    """Return the struct of each field that holds an object or a list of objects."""
    return {fact.name: fact.nested for fact in facts_of(struct) if fact.nested is not None}


def _hash(canonical: Canonical) -> str:
    return blake2b(_encode(canonical), digest_size=DIGEST_BYTES).hexdigest()


def _known(struct: type[Fields | Nested], whole: dict[str, object]) -> Canonical:
    numbers, nested_of = numbers_of(struct), _nested_of(struct)
    found: dict[str, Canonical] = {}
    for name, value in whole.items():
        nested = nested_of.get(name)
        if name in numbers and isinstance(value, str):
            found[name] = _number(value)
        elif nested is not None and isinstance(value, dict):
            found[name] = _known(nested, value)
        elif nested is not None and isinstance(value, list):
            found[name] = [_known(nested, element) for element in value]
        else:
            found[name] = _canonical(value)
    return found


def _canonical(value: object) -> Canonical:
    if isinstance(value, (Fields, Nested)):
        numbers = numbers_of(type(value))
        return {
            name: _number(held) if name in numbers and isinstance(held, str) else _canonical(held)
            for name in value.__struct_fields__
            if (held := getattr(value, name)) is not UNSET
        }
    if isinstance(value, msgspec.Raw):
        return _canonical(_read(value))
    if isinstance(value, dict):
        return {key: _canonical(held) for key, held in value.items()}
    if isinstance(value, list):
        return [_canonical(element) for element in value]
    if isinstance(value, (Decimal, int, _Boundless)) and not isinstance(value, bool):
        return _number(str(value))
    # A letter before text and numbers keeps "5" and 5 apart.
    return value if value is None or isinstance(value, bool) else f"t{value}"


def _read(value: msgspec.Raw) -> object:
    """Decode JSON that passes as it came, with numbers of any size."""
    try:
        return _decode(value)
    except (msgspec.ValidationError, InvalidOperation):
        # The JSON has an integer of more than 4300 digits, or an exponent of more than 18 digits.
        # `json` is slower than msgspec, but these hooks let it read such numbers exactly.
        return json.loads(bytes(value), parse_int=Decimal, parse_float=_exact)


def _exact(text: str) -> Decimal | _Boundless:
    try:
        return Decimal(text)
    except InvalidOperation:
        return _Boundless(text)


def _number(text: str) -> str:
    return f"n{number(text)}"
