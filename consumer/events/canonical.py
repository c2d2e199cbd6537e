"""One form for everything that means the same, for hashes.

An honest resend may write `12.3` for `12.30`, put its keys in another order, or its spaces: the
hash stays. Text is never touched: `"1.50"` in a note is not `"1.5"`.
"""

from __future__ import annotations

import json
import typing
from decimal import Decimal, InvalidOperation
from functools import cache
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import UNSET

from consumer.events.base import Fields, Kind, Part
from consumer.events.fields import part_of
from consumer.options.values import annotated_extra

DIGEST_BYTES: Final = 16

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


class _Boundless(str):
    """A JSON number whose exponent has more than 18 digits, as it was sent."""

    __slots__ = ()


Canonical = None | bool | str | list["Canonical"] | dict[str, "Canonical"]


def digest(value: object) -> str:
    """Hash a value in its canonical form: 32 hexadecimal digits.

    Args:
        value: of normalised events: structs, what they hold, and JSON that passes as it came.
    """
    return _hash(_canonical(value))


def digest_whole(kind: type[Fields], data: Fields | dict[str, object]) -> str:
    """Hash a whole event, equal for both forms that its data has.

    Args:
        kind: what the type carries; says which text of a dictionary is a number.
        data: in normal form: the struct, or a dictionary where it has parts or unknown fields.
    """
    return _hash(_known(kind, data) if isinstance(data, dict) else _canonical(data))


def number(text: str) -> str:
    """Write a decimal number so that equal ones look alike: `12.30` as `123e-1`."""
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
def numbers_of(kind: type[Fields | Part]) -> frozenset[str]:
    """Return the fields of a struct that are numbers, which normal form writes as text."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return frozenset(
        name for name, hint in hints.items() if annotated_extra(hint).get("kind") is Kind.NUMBER
    )


@cache
def _parts_of(kind: type[Fields | Part]) -> dict[str, type[Part]]:
    """Return the fields of a struct that hold objects, alone or in a list."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {name: part for name, hint in hints.items() if (part := part_of(hint)) is not None}


def _hash(canonical: Canonical) -> str:
    return blake2b(_encode(canonical), digest_size=DIGEST_BYTES).hexdigest()


def _known(kind: type[Fields | Part], whole: dict[str, object]) -> Canonical:
    numbers, parts = numbers_of(kind), _parts_of(kind)
    found: dict[str, Canonical] = {}
    for name, value in whole.items():
        part = parts.get(name)
        if name in numbers and isinstance(value, str):
            found[name] = _number(value)
        elif part is not None and isinstance(value, dict):
            found[name] = _known(part, value)
        elif part is not None and isinstance(value, list):
            found[name] = [_known(part, one) for one in value]
        else:
            found[name] = _canonical(value)
    return found


def _canonical(value: object) -> Canonical:
    if isinstance(value, (Fields, Part)):
        numbers = numbers_of(type(value))
        return {
            name: _number(one) if name in numbers and isinstance(one, str) else _canonical(one)
            for name in value.__struct_fields__
            if (one := getattr(value, name)) is not UNSET
        }
    if isinstance(value, msgspec.Raw):
        return _canonical(_read(value))
    if isinstance(value, dict):
        return {key: _canonical(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_canonical(one) for one in value]
    if isinstance(value, (Decimal, int, _Boundless)) and not isinstance(value, bool):
        return _number(str(value))
    return value if value is None or isinstance(value, bool) else f"t{value}"


def _read(value: msgspec.Raw) -> object:
    """Decode what passes as it came, whatever its numbers."""
    try:
        return _decode(value)
    except (msgspec.ValidationError, InvalidOperation):
        # An integer of more than 4300 digits, or an exponent of more than 18. Slower, but exact.
        return json.loads(bytes(value), parse_int=Decimal, parse_float=_exact)


def _exact(text: str) -> Decimal | _Boundless:
    try:
        return Decimal(text)
    except InvalidOperation:
        return _Boundless(text)


def _number(text: str) -> str:
    # Told from text by its first letter.
    return f"n{number(text)}"
