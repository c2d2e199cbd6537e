"""An id that many events of a sender would have is refused; an id that only looks odd passes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from consumer.errors import Rejected
from consumer.events.normalise import Event, Normaliser
from consumer.events.registry import CATALOGUE, find
from consumer.events.shared_ids import ids_of
from consumer.tools.schemas import json_schema
from tests.support import vendor

if TYPE_CHECKING:
    from consumer.events.base import EventType

EXAMPLES = {
    example.message_type: example
    for example in vars(vendor).values()
    if isinstance(example, vendor.Example)
}
ZEROS = "00000000-0000-0000-0000-000000000000"


def read(name: str, **changes: Any) -> Event:  # noqa: ANN401  # any JSON value
    """Normalise the example of a type with other values."""
    event_type = find(name)
    assert event_type is not None
    body = json.dumps(EXAMPLES[name].body | changes).encode()
    return Normaliser(event_type, "b").normalise(body, 0.0)


@pytest.mark.parametrize(
    ("event_type", "field"),
    [(one, field) for one in CATALOGUE for field in ids_of(one)],
    ids=lambda one: getattr(one, "name", one),
)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("undefined", r"\(was the field forgotten\?\)"),
        ("1.2345678901234567E19", "all digits of the id"),
        ("1E+15", "all digits of the id"),
    ],
)
def test_every_id_of_an_identity_is_looked_at(
    event_type: EventType, field: str, text: str, expected: str
) -> None:
    """In every type, at every place of the identity."""
    needed = dict.fromkeys(ids_of(event_type), "7")
    with pytest.raises(Rejected, match=f"^invalid: {field}: expected .*{expected}"):
        read(event_type.name, **needed | {field: text})


@pytest.mark.parametrize(
    "text",
    [
        *("1.2345678901234567E19", "1.23456789012345677E18", "-1.2345678901234567e18"),
        *("1E+15", "1.23457E+15", "1.2345678901235e+15", "1.23457e+015", "9.007199254740994E15"),
    ],
)
def test_rounded_number_in_text_is_refused(text: str) -> None:
    """Java's doubles beyond 2^53, and what spreadsheets, PHP and Lua cut off."""
    with pytest.raises(Rejected, match="activity_id: expected all digits of the id"):
        read("CASINO", activity_id=text)


@pytest.mark.parametrize(
    "text",
    [
        *("1.234567E7", "9.007199254740992E15", "1.2345678e+07", "1.5E-3"),
        *("7e20", "1E15", "12.5E3", "3.14159", "a+b", "1.e4", "user.e1"),
    ],
)
def test_other_text_with_an_exponent_is_an_id(text: str) -> None:
    """It has all its digits; or it may be an id in hexadecimal digits."""
    assert read("CASINO", activity_id=text).id == text


@pytest.mark.parametrize(
    "text",
    [
        *("0", 0, 0.0, "(null)", "Undefined", "NULL", "<nil>", "<null>", "none", "nan"),
        *(ZEROS, ZEROS.replace("-", ""), f"{{{ZEROS}}}", f"({ZEROS})"),
    ],
)
@pytest.mark.parametrize("status", ["Approved", "Rollback"])
def test_id_that_was_never_set_is_refused(text: object, status: str) -> None:
    """In every spelling: each further event would be dropped as a duplicate of the first."""
    with pytest.raises(Rejected, match="activity_id: expected the event's own id"):
        read("CASINO", activity_id=text, status=status)


@pytest.mark.parametrize("name", ["PAYMENT", "BONUS", "LOTTERY", "CART", "USER_MIGRATION"])
def test_zero_is_refused_as_the_only_id(name: str) -> None:
    """Beside it, the identity has no more than fixed words."""
    event_type = find(name)
    assert event_type is not None
    (field,) = ids_of(event_type)
    with pytest.raises(Rejected, match=f"{field}: expected the event's own id"):
        read(name, **{field: 0})


def test_zero_beside_other_ids_is_an_id() -> None:
    """A player, a round or a draw may have that number."""
    assert read("GAME_ROUND", user_id=0, round_id="0").id == "0:0"
    assert read("LOTTERY_V2", ticket_id="0", draw_id=0).id == "17:0:0:Bet"


@pytest.mark.parametrize("text", ["None", "null", "nil", "NaN", "0"])
@pytest.mark.parametrize("name", ["LOGIN_V2", "USER_MIGRATION_APPROVE", "GAME_ROUND"])
def test_player_may_be_called_null(name: str, text: str) -> None:
    """Players choose such names, and the identity has a time or the id of a round as well."""
    assert read(name, user_id=text).id.startswith(f"{text}:")


@pytest.mark.parametrize("text", ["undefined", "[object Object]", ZEROS, f"{{{ZEROS}}}"])
def test_player_that_was_never_set_is_refused(text: str) -> None:
    """In words about the player; and only if the player is a part of the identity."""
    with pytest.raises(Rejected, match=r"user_id: expected the player's id \(was the field"):
        read("LOGIN_V2", user_id=text)
    assert read("CASINO", user_id=text).id == "6f9619ff-8b86"


def test_error_names_the_id_that_identifies() -> None:
    """The player's id comes first among the fields, but does not identify the event."""
    with pytest.raises(Rejected, match="activity_id: expected the event's own id"):
        read("CASINO", user_id="null", activity_id="null")


@pytest.mark.parametrize("text", ["undefined", "null", "(NULL)", "0", 0, 0.0, f"{{{ZEROS}}}", "7"])
@pytest.mark.parametrize("event_type", CATALOGUE, ids=lambda one: one.name)
def test_published_schema_says_the_same(event_type: EventType, text: object) -> None:
    """Of each id that identifies the events of a type, unless the body may do so instead."""
    body_may_do = "hash of the body without" in event_type.identified_by[0]
    ids = ids_of(event_type)
    validator = Draft202012Validator(json_schema.incoming(event_type))
    for field in ids if len(ids) == 1 or not body_may_do else ():
        try:
            read(event_type.name, **{field: text})
        except Rejected:
            accepted = False
        else:
            accepted = True
        assert validator.is_valid(EXAMPLES[event_type.name].body | {field: text}) is accepted
