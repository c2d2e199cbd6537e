"""Refuses an id that a mistake gives to many events of a sender.

Responsible for two mistakes of languages and libraries, found in public bug reports. With such an
id, every event but the first would be a duplicate or a conflict:

- The text of a value that is no id, such as `undefined` or the UUID of zeros:
  https://github.com/dotnet-architecture/eShopOnContainers/issues/508.
- A number that was rounded before it was written as text. Spreadsheets write `1.23457E+15`, and PHP
  and Lua write `1.2345678901235E+15`: https://github.com/rxi/json.lua/issues/29. Java writes a long
  id in a double as `1.2345678901234567E19`.

Only the ids that identify an event are looked at. A JSON number that may have been rounded is not
rewritten in `repair.py`, so it is refused too.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final

from consumer.events.base import Form
from consumer.events.facts import facts_of
from consumer.events.refuse import invalid
from consumer.events.repair import LARGEST_SAFE_NUMBER, may_be_rounded

if TYPE_CHECKING:
    from consumer.events.base import EventType, Fields


def _spelt(*words: str) -> tuple[str, ...]:
    """Return words in each case that languages write them in."""
    cases = [(word, word.lower(), word.upper(), word.capitalize()) for word in words]
    return tuple(dict.fromkeys(spelt for each in cases for spelt in each))


def _in_brackets(words: tuple[str, ...]) -> frozenset[str]:
    pairs = [(before, after) for before in ("", *BRACKETS[0]) for after in ("", *BRACKETS[1])]
    return frozenset(f"{before}{word}{after}" for word in words for before, after in pairs)


_ZEROS: Final = "00000000-0000-0000-0000-000000000000"
BRACKETS: Final = ("({<", ")}>")
"""What may stand before and behind such a text: C writes `(null)`, Go `<nil>`, .NET `{0000…}`."""
NO_PLAYER: Final = _spelt("undefined", "[object Object]", _ZEROS, _ZEROS.replace("-", ""))
"""What JavaScript and .NET make of an id that was never set. No player chooses such a name."""
NOTHING: Final = _spelt("null", "None", "nil", "NaN")
"""What C, Python, Go, Ruby, SQL and JavaScript make of an id that was never set."""
ZERO: Final = "0"
"""What Go, Java and C make of a number that was never set."""
NEVER_A_PLAYER: Final = _in_brackets(NO_PLAYER)
NEVER_SET: Final = NEVER_A_PLAYER | _in_brackets(NOTHING) | {ZERO}
are_set: Final = NEVER_SET.isdisjoint
"""True if every value of an identity was set. It is bound once, because each event calls it."""
A_SET_ID: Final = "the event's own id (was the field forgotten?)"
A_SET_PART: Final = "an id (was the field forgotten?)"
A_SET_PLAYER: Final = "the player's id (was the field forgotten?)"
A_WHOLE_ID: Final = "all digits of the id (was it a number that was rounded?)"
has_exponent: Final = re.compile(r"\.[0-9]{1,20}[eE]").search
"""Finds the exponent of a number with a point in a text."""
_SCIENTIFIC: Final = re.compile(
    # `7e20` is left out, because it may be an id in hexadecimal digits.
    r"-?[0-9](?:\.[0-9]{1,20}[eE]\+?|[eE]\+)[0-9]{1,3}"
)


def may_be_null(event_type: EventType, name: str) -> bool:
    """Tell whether one of `ids_of` may be `null` or `None`: players choose such names."""
    return name == event_type.user


def may_be_zero(event_type: EventType) -> bool:
    """Tell whether one of `ids_of` may be zero, as a player, a round or a ticket may be.

    If zero is the only id, it would make all events the same event.
    """
    return len(ids_of(event_type)) > 1 or ids_of(event_type) == (event_type.user,)


@cache
def ids_of(event_type: EventType) -> tuple[str, ...]:
    """Return the names of the ids that an event of this type is identified by."""
    named = event_type.identifying
    facts = facts_of(event_type.fields)
    return tuple(fact.name for fact in facts if fact.form is Form.ID and fact.name in named)


def refuse_shared(event_type: EventType, fields: Fields, values: tuple[str, ...]) -> None:
    """Refuse an event if one of the ids that identify it was never set, or was rounded.

    Args:
        event_type: The event's type.
        fields: The event's fields in their normal form.
        values: The event's identity.

    Raises:
        Rejected: `invalid`, with the name of the field.
    """
    for name in ids_of(event_type):
        text = getattr(fields, name)
        # Some types are identified by their body if an id is absent.
        if text not in values:
            continue
        if may_be_null(event_type, name):
            if text in NEVER_A_PLAYER:
                raise invalid(name, A_SET_PLAYER, text)
        elif text in NEVER_SET and not (text == ZERO and may_be_zero(event_type)):
            raise invalid(name, A_SET_PART if len(ids_of(event_type)) > 1 else A_SET_ID, text)
        if _SCIENTIFIC.fullmatch(text) and _is_rounded(text):
            raise invalid(name, A_WHOLE_ID, text)


def _is_rounded(text: str) -> bool:
    return abs(Decimal(text)) > LARGEST_SAFE_NUMBER or may_be_rounded(text, 1)
