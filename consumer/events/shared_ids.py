"""Refuses ids that many events of a sender would have, although each event has an id of its own.

Responsible for two mistakes of languages and libraries, found in public bug reports. With such an
id, every event but the first would be dropped as a duplicate:

- The text of a value that was never set, such as `undefined` or the UUID of zeros:
  https://github.com/dotnet-architecture/eShopOnContainers/issues/508.
- A number that was rounded before it was written as text. Spreadsheets write `1.23457E+15`, and PHP
  and Lua write `1.2345678901235E+15`: https://github.com/rxi/json.lua/issues/29.

Only the ids that identify an event are looked at. Numbers with an exponent that are no text are
refused for the same reason in `repair.py`.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from consumer.events.base import Form
from consumer.events.facts import facts_of
from consumer.events.refuse import invalid
from consumer.events.repair import may_be_rounded

if TYPE_CHECKING:
    from consumer.events.base import Fields

_TEXTS: Final = (
    "undefined|[object Object]|null|NULL|None|nil|<nil>|NaN|00000000-0000-0000-0000-000000000000"
)
NEVER_SET: Final = frozenset(_TEXTS.split("|"))
"""What JavaScript, .NET, Go, Python, Ruby and SQL make of an id that was never set."""
are_set: Final = NEVER_SET.isdisjoint
"""Tells whether no value of an identity was never set. As a constant it is quicker: every event is
asked."""
A_SET_ID: Final = "the event's own id (was the field forgotten?)"
A_WHOLE_ID: Final = "all digits of the id (was it a number that was rounded?)"
_SCIENTIFIC: Final = re.compile(r"-?[0-9]\.[0-9]{1,20}[eE]\+[0-9]{1,3}")


def refuse_shared(fields: Fields, values: tuple[str, ...]) -> None:
    """Refuse an event if one of the ids that identify it was never set, or was rounded.

    Args:
        fields: The event's fields in their normal form.
        values: The event's identity.

    Raises:
        Rejected: `invalid`, with the name of the field.
    """
    for fact in facts_of(type(fields)):
        text = getattr(fields, fact.name)
        if fact.form is not Form.ID or text not in values:
            continue
        if text in NEVER_SET:
            raise invalid(fact.name, A_SET_ID, text)
        if _SCIENTIFIC.fullmatch(text) and may_be_rounded(Decimal(text), 1):
            raise invalid(fact.name, A_WHOLE_ID, text)
