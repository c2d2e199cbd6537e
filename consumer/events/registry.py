"""All message types, by name. A new type is one more line here and nothing elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.events.casino import CASINO
from consumer.events.payment import PAYMENT

if TYPE_CHECKING:
    from consumer.events.base import EventType

CATALOGUE: Final[tuple[EventType, ...]] = (CASINO, PAYMENT)

_BY_NAME: Final = {event_type.name.lower(): event_type for event_type in CATALOGUE}


def find(name: str) -> EventType | None:
    """Return the type of that name, whatever its case; None: there is none."""
    return _BY_NAME.get(name.lower())


def subject_families() -> tuple[str, ...]:
    """Return the subjects of all types as wildcards, such as `game.*`, sorted."""
    first_tokens = {
        subject.partition(".")[0]
        for event_type in CATALOGUE
        for subject in event_type.subjects.values()
    }
    return tuple(f"{token}.*" for token in sorted(first_tokens))
