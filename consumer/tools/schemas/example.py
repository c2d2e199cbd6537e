"""An example of each type, small but complete, as it is sent and as it is put out.

Responsible for the examples of schemas and pages. They are made from the catalogue, so that a new
type has an example without any further code.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from consumer.events.base import Form, SentAs
from consumer.events.facts import Many
from consumer.events.normalise import Normaliser
from consumer.tools.schemas.describe import Described, describe

if TYPE_CHECKING:
    from consumer.events.base import EventType, Fields, Nested

BRAND: Final = "brand-a"
ARRIVED_S: Final = 1_425_284_879.25

_TEXTS: Final = {
    "bonus_code": "WELCOME100",
    "criterion_name": "Full Time Result",
    "description": "Two rows for Saturday",
    "event_name": "Home FC - Away FC",
    "game_name": "Dead or Alive",
    "game_type": "Slots",
    "name": "Dead or Alive",
    "notification_type": "level_up",
    "outcome_label": "Home FC",
    "product": "euro-weekly",
    "product_name": "Euro Weekly",
    "tags": "vip,newsletter",
    "type": "ticket",
}
"""The values of text fields, by the names of the fields. The vendor's pages show some of them."""
_VALUES: Final[dict[Form, Any]] = {
    Form.NUMBER: 12.3,
    Form.COUNT: 2,
    Form.TIME: "2015-03-07T18:00:00Z",
    Form.FLAG: True,
    Form.OBJECT: {"key": "value"},
}


def sent(event_type: EventType) -> dict[str, Any]:
    """Return an event as a brand sends it.

    The event has the fields that lenient or strict listeners require, the fields that identify it,
    and its deciding fields.
    """
    wanted = {*event_type.strict, *event_type.deciding}
    wanted |= set(" ".join(event_type.identified_by).replace(",", "").split())
    return _object(event_type.fields, wanted)


def put_out(event_type: EventType) -> dict[str, Any]:
    """Return the event that a subscriber gets when a brand has sent `sent(event_type)`."""
    body = msgspec.json.encode(sent(event_type))
    event: dict[str, Any] = json.loads(
        Normaliser(event_type, BRAND).normalise(body, ARRIVED_S).body
    )
    return event


def _object(struct: type[Fields | Nested], wanted: set[str]) -> dict[str, Any]:
    return {
        field.name: _values(field)
        for field in describe(struct)
        if field.fact.required or field.name in wanted
    }


def _values(field: Described) -> Any:  # noqa: ANN401  # any JSON value
    value = _value(field)
    return [value] if field.fact.many is Many.LIST else value


def _value(field: Described) -> Any:  # noqa: ANN401  # any JSON value
    fact = field.fact
    if fact.nested is not None:
        return _object(fact.nested, set())
    if field.examples:
        return field.examples[0]
    if fact.values:
        return fact.values[0]
    if fact.form is Form.ID:
        # The vendor's schema has to accept the example, and it wants digits in some ids.
        digits = fact.only_digits or fact.sent_as is SentAs.NUMBER
        name = fact.name.removesuffix("_id").replace("_", "-")
        return ("17" if fact.only_digits else 17) if digits else f"{name}-17"
    return _VALUES.get(fact.form) or _TEXTS.get(fact.name, fact.name.replace("_", " "))
