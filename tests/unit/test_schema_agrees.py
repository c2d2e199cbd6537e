"""The schemas and the code agree, on thousands of events of all types.

`--hypothesis-profile=long` looks at fifty times as many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st
from jsonschema import Draft202012Validator

from consumer.events.normalise import Normaliser
from consumer.events.registry import CATALOGUE
from consumer.tools.schemas import json_schema
from tests.support.generated import Event, events, read, write

if TYPE_CHECKING:
    from consumer.events.base import EventType

each_type = pytest.mark.parametrize("event_type", CATALOGUE, ids=lambda one: one.name)
WRONG = st.sampled_from([None, True, -1, 10**60, "", "x", [], ["x"], {}, {"x": 1}, "-1", " 1"])


def spoilt(source: st.DataObject, event: Event) -> Event:
    """Put some wrong values into an event, at any depth."""
    found: Any = event
    while found:
        key = source.draw(st.sampled_from(sorted(found) if isinstance(found, dict) else [0]))
        inner = found[key]
        if not inner or not isinstance(inner, (dict, list)) or source.draw(st.booleans()):
            found[key] = source.draw(WRONG)
            break
        found = inner
    return event


@each_type
def test_what_comes_out_fits_the_schema(event_type: EventType) -> None:
    """Every event that a lenient listener accepts."""
    normaliser = Normaliser(event_type, "brand-a")
    validator = Draft202012Validator(json_schema.outgoing(event_type))

    @settings(max_examples=settings().max_examples // 2, deadline=None)
    @given(events(event_type))
    def check(event: Event) -> None:
        validator.validate(read(normaliser.normalise(write(event), 0.0).body))

    check()


@each_type
@pytest.mark.parametrize("strict", [False, True])
def test_what_fits_the_schema_is_accepted(event_type: EventType, *, strict: bool) -> None:
    """No brand that tests against it is refused."""
    normaliser = Normaliser(event_type, "brand-a", strict=strict)
    validator = Draft202012Validator(json_schema.incoming(event_type, strict=strict))

    @settings(max_examples=settings().max_examples // 4, deadline=None)
    @given(events(event_type), st.data())
    def check(event: Event, source: st.DataObject) -> None:
        body = write(spoilt(source, event))
        if validator.is_valid(read(body)):
            normaliser.normalise(body, 0.0)

    check()
