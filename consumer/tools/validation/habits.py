"""Finds what an event may hold by mistake although a listener takes it without a word.

Responsible for five mistakes that cost no dead letter and change what an event means: a key that
comes twice, as merged dictionaries have it; null in place of an amount, which JavaScript writes for
NaN; an id with a space or an invisible character around it, as spreadsheets have it; an id that is
a number beyond 2^53, which JavaScript rounds; and an event of the future, as a wrong clock or a
wrong unit makes it.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from consumer.errors import Misfit
from consumer.events.base import Form
from consumer.events.facts import facts_of
from consumer.events.refuse import shown
from consumer.events.repair import LARGEST_SAFE_NUMBER
from consumer.events.timestamp import from_epoch_s

if TYPE_CHECKING:
    from consumer.events.base import Fields, Nested

AHEAD_MAX_S: Final = 86_400.0
"""A wrong zone moves a time by up to 14 h, so it is not found here. A wrong year or a wrong unit
moves it much further."""
INVISIBLE: Final = "\ufeff\u200b\u200c\u200d\u2060"
"""Characters without a width that text copied from pages and spreadsheets has at its ends."""
_NUMBERS: Final = (Form.NUMBER, Form.COUNT)
_SAFE_DIGITS: Final = len(str(LARGEST_SAFE_NUMBER))


class _Whole(str):
    """A whole number, as it was sent. It may have any number of digits."""

    __slots__ = ()


def habits(struct: type[Fields], body: bytes) -> list[tuple[str, Misfit]]:
    """Return what is probably a mistake in an event, each with the name of an oddity.

    Args:
        struct: The fields of the event.
        body: The event as JSON. If it is not JSON, nothing is found.
    """
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(items)
        if len(read) < len(items):
            counts = Counter(name for name, _ in items)
            twice.extend(name for name, count in counts.items() if count > 1)
        return read

    try:
        sent = json.loads(body, object_pairs_hook=pairs, parse_int=_Whole, parse_float=str)
    except (ValueError, RecursionError):
        return []
    if not isinstance(sent, dict):
        return []
    found = [("key_twice", Misfit(name, "each key once (the last counts)", name)) for name in twice]
    return [*found, *_of_object(struct, sent, "")]


def of_the_future(own_time: str, time_s: float, now_s: float) -> list[tuple[str, Misfit]]:
    """Return a warning if the event's own time is more than a day ahead of now.

    Args:
        own_time: The name of the field.
        time_s: The event's own time, in seconds since 1970.
        now_s: The time of day, in seconds since 1970.
    """
    if time_s - now_s <= AHEAD_MAX_S:
        return []
    expected = "a time that is at most a day ahead of now"
    return [("future_time", Misfit(own_time, expected, from_epoch_s(time_s)))]


def _of_object(
    struct: type[Fields | Nested], sent: dict[str, Any], path: str
) -> list[tuple[str, Misfit]]:
    found: list[tuple[str, Misfit]] = []
    for fact in facts_of(struct):
        name, value = f"{path}{fact.name}", sent.get(fact.name)
        if fact.nested is not None:
            for place, inner in _objects(name, value):
                found += _of_object(fact.nested, inner, f"{place}.")
        elif fact.form is Form.ID and isinstance(value, str):
            found += _of_id(name, value)
        elif fact.form in _NUMBERS and value is None and fact.name in sent:
            found.append(("null_number", Misfit(name, "a number (is it NaN?)", "null")))
    return found


def _of_id(name: str, value: str) -> list[tuple[str, Misfit]]:
    if isinstance(value, _Whole):
        if len(value) > _SAFE_DIGITS + 1 or abs(int(value)) > LARGEST_SAFE_NUMBER:
            expected = "text (JavaScript rounds a number beyond 2^53)"
            return [("large_number_id", Misfit(name, expected, shown(value.encode())))]
    elif value.strip().strip(INVISIBLE).strip() != value:
        expected = "no space or invisible character around it"
        return [("space_around_id", Misfit(name, expected, ascii(value)))]
    return []


def _objects(path: str, value: object) -> list[tuple[str, dict[str, Any]]]:
    """Return the objects in a value, each with its path."""
    if isinstance(value, dict):
        return [(path, value)]
    elements = enumerate(value) if isinstance(value, list) else ()
    return [(f"{path}[{place}]", one) for place, one in elements if isinstance(one, dict)]
