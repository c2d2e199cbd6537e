"""Refuses an event that has a deciding field under another spelling of its name.

Responsible for what serializers and typing errors make of a name: `Status`, `roundId`. Most unknown
fields pass. But without `status`, a rollback with `Status` would be read as its bet, and dropped as
a duplicate of the bet. And without `amount`, two bets of one id with other values in `Amount` would
be one event. Not responsible for required fields: the decoder misses these itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from consumer.events.base import Form
from consumer.events.facts import facts_of
from consumer.events.hints import UNREADABLE, plain
from consumer.events.refuse import contradicted, misspelt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.events.base import EventType, Fields
    from consumer.events.steps import Oddity

ABSENT: Final = (None, UNSET, "")
_decode: Final = msgspec.json.Decoder().decode


class Spellings:
    """Looks at the unknown fields of the events of one type.

    Args:
        event_type: The type of all events.

    Attributes:
        choices: The fields with a value from a list. They may not have two values.
        optional: The other deciding fields that may be absent.
        implying: The fields that say what the absence of a field in `implied` means. They are
            looked at only then.
        implied: The fields of `EventType.implied`.
        names: All fields that are looked at. If there are none, `refuse` need not be called.
    """

    def __init__(self, event_type: EventType) -> None:
        facts = facts_of(event_type.fields)
        self.choices = tuple(fact.name for fact in facts if fact.form is Form.CHOICE)
        self.optional = tuple(
            fact.name
            for fact in facts
            if fact.name in event_type.deciding
            and not fact.required
            and fact.name not in self.choices
        )
        self.implying = event_type.implied_by
        self.implied = tuple(event_type.implied)
        self.names = names = (*self.choices, *self.optional, *self.implying)
        self._meant = {plain(name): name for name in names}
        self._ends = frozenset("_-").union(*((name[-1], name[-1].upper()) for name in names))

    def refuse(self, fields: Fields, data: Mapping[str, object], oddities: list[Oddity]) -> None:
        """Refuse an event if an unknown field is another spelling of a deciding field.

        A null says nothing, so it passes.

        Args:
            fields: The known fields in their normal form.
            data: All fields. Those that are not known are as they came.
            oddities: What is odd about the event; the unknown fields are among it.

        Raises:
            Rejected: `invalid`, with both names.
        """
        ends = self._ends
        # Most unknown fields end with another character, which is the quickest way to see it.
        for odd in [odd for odd in oddities if odd.field[-1:] in ends]:
            name = self._meant.get(plain(odd.field)) if odd.name == "unknown_field" else None
            raw = data[odd.field] if name else None
            if name and isinstance(raw, msgspec.Raw) and bytes(raw).strip() != b"null":
                self._compare(fields, name, odd.field, bytes(raw))

    def _compare(self, fields: Fields, name: str, found: str, sent: bytes) -> None:
        value = getattr(fields, name)
        if value in ABSENT:
            said = name in self.implying and all(
                getattr(fields, implied) not in ABSENT for implied in self.implied
            )
            if not said:
                raise misspelt(name, found)
        elif name in self.choices and _text(sent) != value.lower():
            raise contradicted(name, value, found, sent)


def _text(sent: bytes) -> str:
    """Return a text as a choice is compared; empty for any other value."""
    try:
        text = _decode(sent)
    except UNREADABLE:
        return ""
    return text.strip(" ").lower() if isinstance(text, str) else ""
