"""Events of every message type, built by Hypothesis from what the catalogue says of each field.

Numbers are `Decimal`, so that they can be written with all their digits: see `write`.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from hypothesis import strategies as st

from consumer.events.base import Form
from consumer.events.facts import Fact, Many, facts_of
from consumer.events.shared_ids import NEVER_SET

if TYPE_CHECKING:
    from consumer.events.base import EventType, Fields, Nested

Event = dict[str, Any]

TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
"""Lone surrogates are no text: such a body is `malformed`."""
IDS: Final = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
        lambda text: text not in NEVER_SET
    )
    | st.integers().filter(bool)
    | st.integers(10**30, 10**60)
)
"""Without those that are refused because they were never set."""

_write: Final = msgspec.json.Encoder(decimal_format="number").encode


class Spelled(msgspec.Struct, frozen=True):
    """A time as a sender might write it, and what it means.

    Attributes:
        text: as sent.
        moment: in UTC, to the second.
        fraction: its digits.
        zoned: it says its zone.
    """

    text: str
    moment: datetime
    fraction: str
    zoned: bool


def write(event: object) -> bytes:
    """Write JSON; a `Decimal` becomes a number with all its digits, if need be with exponent."""
    return _write(event)


def read(body: bytes) -> Any:  # noqa: ANN401  # any JSON value
    """Read JSON without losing a digit, by the standard library."""
    return json.loads(body, parse_float=Decimal)


@st.composite
def decimals(draw: st.DrawFn) -> Decimal:
    """Draw any number of at most 128 digits on each side of its point."""
    digits = draw(st.integers(0, 10 ** draw(st.integers(0, 128)) - 1))
    figures = tuple(map(int, str(digits)))
    exponent = draw(st.integers(-128, 128 - len(figures)))
    return Decimal((draw(st.integers(0, 1)), figures, exponent))


@st.composite
def times(draw: st.DrawFn) -> Spelled:
    """Draw a time in any spelling that is accepted."""
    earliest, latest = datetime(1970, 1, 3), datetime(9998, 12, 31)  # noqa: DTZ001  # the zone is drawn
    local = draw(st.datetimes(earliest, latest)).replace(microsecond=0)
    fraction = draw(st.from_regex(r"[0-9]{0,9}", fullmatch=True, alphabet="0123456789"))
    minutes = draw(st.none() | st.integers(-1439, 1439))
    day, clock = local.isoformat().split("T")
    if clock[0] == "0" and draw(st.booleans()):
        clock = clock[1:]
    behind = f"{draw(st.sampled_from('.,'))}{fraction}" if fraction else ""
    zone = draw(st.sampled_from(["Z", "z", ""]))
    if minutes is not None:
        zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    text = f"{day}{draw(st.sampled_from('Tt '))}{clock}{behind}{zone}"
    return Spelled(text, local - timedelta(minutes=minutes or 0), fraction, bool(zone))


def json_values() -> st.SearchStrategy[Any]:
    """Return any JSON value."""
    plain = st.none() | st.booleans() | TEXT | decimals() | st.integers()
    return st.recursive(
        plain, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=6
    )


NUMBERS: Final = decimals() | decimals().map(str) | st.integers(-(10**20), 10**20)
COUNTS: Final = st.integers(-9, 10**20) | st.integers(0, 99).map(str)
TIMES: Final = times().map(lambda time: time.text)


@cache
def events(event_type: EventType) -> st.SearchStrategy[Event]:
    """Return events that a lenient listener accepts."""
    return _objects(event_type.fields, event_type.time)


def _objects(struct: type[Fields | Nested], time: str | None) -> st.SearchStrategy[Event]:
    facts = facts_of(struct)
    values = {fact.name: TIMES if fact.name == time else _values(fact) for fact in facts}
    needed = {fact.name for fact in facts if fact.required}
    return st.fixed_dictionaries(
        {name: value for name, value in values.items() if name in needed},
        optional={name: value | st.none() for name, value in values.items() if name not in needed},
    )


def _values(fact: Fact) -> st.SearchStrategy[Any]:
    value = _value(fact)
    match fact.many:
        case Many.LIST:
            return st.lists(value, max_size=3)
        case Many.EITHER:
            return value | st.lists(value, max_size=3)
        case _:
            return value


def _value(fact: Fact) -> st.SearchStrategy[Any]:
    if fact.nested is not None:
        return _objects(fact.nested, None)
    named = st.sampled_from(fact.values or ("",))
    by_form: dict[Form, st.SearchStrategy[Any]] = {
        Form.ID: IDS | st.just("") if fact.may_be_empty else IDS,
        Form.NUMBER: NUMBERS,
        Form.COUNT: COUNTS,
        Form.TIME: TIMES | TEXT,
        Form.CHOICE: named | named.map(str.upper),
        Form.HINT: named | TEXT,
        Form.FLAG: st.booleans(),
        Form.OBJECT: st.dictionaries(TEXT, json_values(), max_size=3),
    }
    return by_form.get(fact.form, TEXT)
