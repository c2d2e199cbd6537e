"""Hashes values by their meaning, so that equal events have equal hashes.

An honest resend may write `12.3` for `12.30`, put its keys in another order, or have other spaces,
and the hash stays the same. Text is never changed: `"1.50"` in a note is not the same as `"1.5"`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import UNSET

from consumer.events.base import Fields, Form, Nested
from consumer.events.facts import facts_of

DIGEST_BYTES: Final = 16
EXPONENT_MAX_DIGITS: Final = 18
"""A number with a longer exponent is not compared by its value, but by its text."""
PIECE_CHARACTERS: Final = 16 * 1024
_NUMBER: Final = re.compile(
    rf"(-?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?)0*([0-9]{{1,{EXPONENT_MAX_DIGITS}}}))?"
)
_encode: Final = msgspec.json.Encoder(order="sorted").encode


class _SentNumber(str):
    """A JSON number, as it was sent."""

    __slots__ = ()


_decode: Final = msgspec.json.Decoder(float_hook=_SentNumber).decode

Canonical = None | bool | str | msgspec.Raw | list["Canonical"] | dict[str, "Canonical"]


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


def digest_field(struct: type[Fields], name: str, sent: msgspec.Raw) -> str:
    """Return the hash of one field of an event in its normal form, given as JSON."""
    return _hash(_known(struct, {name: _read(sent)}))


def number(text: str) -> str:
    """Write a decimal number so that equal numbers look alike: `12.30` as `123e-1`.

    It takes time in proportion to the text, because a sender may write a million digits.
    """
    parts = _NUMBER.fullmatch(text)
    if parts is None:
        return text.lower()
    sign, whole, fraction, exponent_sign, exponent = parts.groups(default="")
    figures = (whole + fraction).lstrip("0")
    kept = figures.rstrip("0")
    if not kept:
        return "0"
    point = int(exponent_sign + exponent) if exponent else 0
    return f"{sign}{kept}e{point - len(fraction) + len(figures) - len(kept)}"


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
        return _in_place(_read(value))
    if isinstance(value, dict):
        return {key: _canonical(held) for key, held in value.items()}
    if isinstance(value, list):
        return [_canonical(element) for element in value]
    return _single(value)


def _in_place(tree: object) -> Canonical:
    """Bring values that nobody else has into their canonical form, without a second copy."""
    if type(tree) is list:
        for index, element in enumerate(tree):
            tree[index] = _in_place(element)
        return tree
    if type(tree) is dict:
        for key, held in tree.items():
            tree[key] = _in_place(held)
        return tree
    return _single(tree)


def _single(value: object) -> Canonical:
    # A letter before text and numbers keeps "5" and 5 apart.
    if type(value) is str:
        return f"t{value}" if len(value) <= PIECE_CHARACTERS else _long(value)
    if type(value) in (int, _SentNumber):
        return _number(str(value))
    return value if value is None or isinstance(value, bool) else f"t{value}"


def _long(text: str) -> msgspec.Raw:
    """Return the JSON of a long text, written in pieces.

    A text with an emoji takes four bytes for each character, and so does the memory in which it is
    encoded.
    """
    starts = range(0, len(text), PIECE_CHARACTERS)
    pieces = [_encode(text[start : start + PIECE_CHARACTERS])[1:-1] for start in starts]
    return msgspec.Raw(b"".join((b'"t', *pieces, b'"')))


def _read(value: msgspec.Raw) -> object:
    """Decode JSON that passes as it came, with numbers of any size."""
    try:
        return _decode(value)
    except msgspec.ValidationError:
        # The JSON has an integer of more than 4300 digits. `json` is slower than msgspec, but
        # reads such numbers.
        return json.loads(bytes(value), parse_int=_SentNumber, parse_float=_SentNumber)


def _number(text: str) -> str:
    return f"n{number(text)}"
