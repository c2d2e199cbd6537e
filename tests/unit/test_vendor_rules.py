"""The vendor's own JSON Schemas as judge of what is accepted, lenient and strict.

The facts of the schemas stand in `tests/data/vendor_rules.toml`. The catalogue is compared with
them field by field; then events that they take, and events with something spoilt, go through the
decoder and through the published schemas. Whoever has a clone of the vendor's repository can hold
the table against the schemas themselves:

    VENDOR_SCHEMAS=DIR pytest tests/unit/test_vendor_rules.py

where DIR is its folder `pkg/validator/schemas/real-time-events`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import assume, given, settings
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker

from consumer.errors import Rejected
from consumer.events.normalise import Normaliser
from consumer.events.registry import CATALOGUE
from consumer.tools.schemas import json_schema
from tests.support.vendor_rules import (
    FILES,
    RULES,
    TIME,
    Event,
    Rules,
    accepts,
    events,
    faulty,
    of_catalogue,
    of_schema,
    spoilt,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.events.base import EventType

TYPES: Final = [event_type for event_type in CATALOGUE if event_type.has_schema]
SCHEMAS: Final = os.environ.get("VENDOR_SCHEMAS")
IDENTIFYING: Final = ("activity_id", "payment_id", "transaction_id", "migration_reference")
"""Ids that the schemas let be empty. Here an empty one is refused: two events without an id could
not be told from one event that was sent twice. In SPORTSBOOK the body then identifies the event."""
NEVER_ZERO: Final = (*IDENTIFYING, "cart_id", "user_bonus_id")
"""Ids that alone tell a type's events apart. Here 0 is refused: it was never set."""

each_type = pytest.mark.parametrize("event_type", TYPES, ids=lambda event_type: event_type.name)


def rules_of(event_type: EventType) -> Rules:
    """Return the rules that listeners hold a type's events against: the vendor's, and two more.

    A CASINO event of type Loss is taken: the vendor's newest page has one, its schema does not.
    Currency and exchange rate of a cash game are text and a number: its schema takes anything
    there, the page says what they are.
    """
    rules = RULES[event_type.name]
    more: Rules = {}
    if event_type.name == "CASINO":
        more = {"type": {"is": "text", "only": ["Bet", "Loss", "Win"]}}
    elif event_type.name.startswith("POKER_CASH_GAME"):
        more = {"currency": "null or text", "exchange_rate": "null or number"}
    return rules | {"fields": rules["fields"] | more}


def accepted(event_type: EventType, event: Event, *, strict: bool) -> bool:
    """Tell whether a listener takes an event."""
    try:
        Normaliser(event_type, "b", strict=strict).normalise(json.dumps(event).encode(), 0.0)
    except Rejected:
        return False
    return True


def has_its_id(event_type: EventType, event: Event) -> bool:
    """Tell whether the event's id was set; otherwise it is refused whatever the schema says."""
    if any(str(event.get(name)) in ("0", "0.0", "-0.0") for name in NEVER_ZERO):
        return False
    return event_type.name == "SPORTSBOOK" or all(event.get(name) != "" for name in IDENTIFYING)


def vendors_own() -> Iterator[tuple[str, Rules]]:
    """Give name and schema of each type, from a clone of the vendor's repository."""
    for path in sorted(Path(SCHEMAS or "").glob("*.schema.json")):
        name = path.name.partition(".")[0]
        yield FILES.get(name, name.upper()), json.loads(path.read_text(encoding="utf-8"))


def test_every_type_with_a_schema_has_its_rules() -> None:
    """And no other: the two without a schema are documented by pages only."""
    assert {event_type.name for event_type in TYPES} == set(RULES)
    without = {event_type.name for event_type in CATALOGUE} - set(RULES)
    assert without == {"GAME_ROUND", "IT_PING"}


@each_type
def test_the_catalogue_states_the_vendors_rules(event_type: EventType) -> None:
    """Field by field: what is required, of which type, and how narrow."""
    stated, rules = of_catalogue(event_type), RULES[event_type.name]
    if event_type.name == "CASINO":
        rules = rules_of(event_type)
    assert stated["required"] == rules["required"]
    assert stated["fields"] == rules["fields"]


@each_type
def test_each_single_fault_is_judged_as_the_schema_judges_it(event_type: EventType) -> None:
    """Every value of every field, at any depth: lenient, strict, and by the published schema."""
    rules = rules_of(event_type)
    published = Draft202012Validator(json_schema.incoming(event_type, strict=True))
    assert accepts(rules, whole(rules))
    for event in filter(lambda event: has_its_id(event_type, event), faulty(whole(rules))):
        wanted = accepts(rules, event, text_for_number=True)
        assert accepted(event_type, event, strict=True) is wanted, event
        assert published.is_valid(event) is wanted, event
        assert accepted(event_type, event, strict=False) or not wanted, event


@each_type
def test_lenient_accepts_what_the_schema_accepts(event_type: EventType) -> None:
    """Every event, also with whole numbers and ids that are written with a point."""
    rules = rules_of(event_type)

    @settings(max_examples=settings().max_examples // 2, deadline=None)
    @given(spoilt(rules))
    def check(event: Event) -> None:
        assume(has_its_id(event_type, event))
        if accepts(rules, event):
            assert accepted(event_type, event, strict=False)

    check()


@each_type
def test_strict_accepts_exactly_what_the_schema_accepts(event_type: EventType) -> None:
    """And besides only what is documented: a number as text, and a Loss."""
    rules = rules_of(event_type)

    @settings(max_examples=settings().max_examples, deadline=None)
    @given(spoilt(rules))
    def check(event: Event) -> None:
        assume(has_its_id(event_type, event))
        wanted = accepts(rules, event, text_for_number=True)
        assert accepted(event_type, event, strict=True) is wanted

    check()


@each_type
def test_the_published_schema_says_what_strict_does(event_type: EventType) -> None:
    """A brand that tests against `consumer schema --incoming --strict` learns the same."""
    validator = Draft202012Validator(json_schema.incoming(event_type, strict=True))

    @settings(max_examples=settings().max_examples // 2, deadline=None)
    @given(spoilt(rules_of(event_type)))
    def check(event: Event) -> None:
        assert validator.is_valid(event) is accepted(event_type, event, strict=True)

    check()


@pytest.mark.skipif(not SCHEMAS, reason="VENDOR_SCHEMAS does not name a clone of the schemas")
def test_the_table_is_what_the_schemas_say() -> None:
    """All of them, and nothing else."""
    assert {name: of_schema(schema) for name, schema in vendors_own()} == RULES


@pytest.mark.skipif(not SCHEMAS, reason="VENDOR_SCHEMAS does not name a clone of the schemas")
@pytest.mark.parametrize("name", RULES)
def test_the_table_accepts_what_the_schemas_accept(name: str) -> None:
    """The same events, good and spoilt, judged by the schema itself."""
    formats = FormatChecker(())
    formats.checks("date-time")(
        lambda text: not isinstance(text, str) or bool(TIME.fullmatch(text))
    )
    schema: Any = dict(vendors_own())[name]
    validator = Draft7Validator(schema, format_checker=formats)

    for event in faulty(whole(RULES[name])):
        assert accepts(RULES[name], event) is validator.is_valid(event), event

    @settings(deadline=None)
    @given(spoilt(RULES[name]) | events(RULES[name]))
    def check(event: Event) -> None:
        assert accepts(RULES[name], event) is validator.is_valid(event)

    check()
