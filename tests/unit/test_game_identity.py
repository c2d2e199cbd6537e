"""GAME: switched off, on and off again is three events; the same message twice is one.

Why, and what cannot be told apart: docs/decisions/0009-game-identity.md.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from consumer.events.normalise import Event, Normaliser
from consumer.events.registry import CATALOGUE, find
from consumer.tools.validation.cut import Record
from consumer.tools.validation.validator import Validator
from tests.support.vendor import EXAMPLES, GAME, Example

if TYPE_CHECKING:
    from consumer.events.base import EventType

TIMES = ("2026-01-01T10:00:00Z", "2026-01-01T10:00:01Z", "2026-01-01T10:00:02Z")
NO_TIMES = (
    ...,
    None,
    "",
    "yesterday",
    "2026-01-01",
    "0001-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z",
)
"""What is sent as `last_modified` where the brand does not say when it changed the entry."""


def type_of(example: Example) -> EventType:
    """Return the type of an example."""
    event_type = find(example.message_type)
    assert event_type is not None
    return event_type


def body(*, is_live: bool, last_modified: object = ...) -> bytes:
    """Return an entry that is on or off; `...` leaves a field out."""
    changed = GAME.changed("", is_live=is_live, last_modified=last_modified)
    return json.dumps(changed.body).encode()


def read(sent: bytes, occurrence: str = "") -> Event:
    """Normalise one body of a message."""
    return Normaliser(type_of(GAME), "brand-a").normalise(sent, 0.0, occurrence)


@pytest.mark.parametrize("no_time", NO_TIMES)
def test_off_on_off_is_three_events_by_their_messages(no_time: object) -> None:
    """The first and the third look the same, and nothing in them says when they were sent."""
    states = [body(is_live=is_live, last_modified=no_time) for is_live in (False, True, False)]
    events = [read(sent, f"games/0/{offset}") for offset, sent in enumerate(states)]
    assert len({event.identity.key for event in events}) == 3
    assert len({event.id for event in events}) == 3


def test_off_on_off_is_three_events_by_the_brands_times() -> None:
    """Where the brand says when it changed the entry, nothing else is needed."""
    states = zip((False, True, False), TIMES, strict=True)
    events = [read(body(is_live=is_live, last_modified=time)) for is_live, time in states]
    assert len({event.identity.key for event in events}) == 3


def test_redelivered_message_is_the_same_event() -> None:
    """After a crash or a doubt, the source delivers the same message again."""
    off = body(is_live=False)
    assert read(off, "games/0/1") == read(off, "games/0/1")


def test_resend_is_the_same_event_where_the_brand_says_its_time() -> None:
    """Whatever message brings it, with its keys in whatever order."""
    off = body(is_live=False, last_modified=TIMES[0])
    resent = json.dumps(json.loads(off), sort_keys=True).encode()
    assert read(off, "games/0/1").identity == read(resent, "games/0/7").identity


def test_without_a_message_the_body_alone_identifies() -> None:
    """As in releases before this one: for whoever reads a body that no source has delivered."""
    assert read(body(is_live=False)).identity == read(body(is_live=False)).identity
    assert read(body(is_live=False)).id == read(body(is_live=False), "m").id.partition(":")[0]


@pytest.mark.parametrize("event_type", CATALOGUE, ids=lambda event_type: event_type.name)
def test_message_counts_only_where_the_type_says_so(event_type: EventType) -> None:
    """So the pipeline asks for it only there."""
    normalise = Normaliser(event_type, "brand-a").normalise
    bodies = [
        json.dumps(example.changed("", last_modified=...).body).encode()
        for example in EXAMPLES
        if type_of(example) is event_type
    ]
    keys = {
        normalise(sent, 0.0, occurrence).identity.key
        for sent in bodies
        for occurrence in ("one", "another")
    }
    assert len(keys) == len(bodies) * (2 if event_type.uses_occurrence else 1)


def test_validate_takes_each_line_for_a_message() -> None:
    """A file in which a game goes off, on and off again has no repetition."""
    validator = Validator(type_of(GAME))
    for line, is_live in enumerate((False, True, False), 1):
        assert validator.look(Record(line, line, body(is_live=is_live))) == []
    assert (validator.tally.good_count, validator.tally.repeated_count) == (3, 0)
