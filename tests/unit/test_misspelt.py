"""A deciding field under another spelling makes no event that says less than was meant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from consumer.errors import Rejected
from consumer.events.normalise import Event, Normaliser
from consumer.events.registry import find
from consumer.tools.schemas import json_schema
from tests.support.vendor import CASINO, GAME_ROUND, PAYMENT, SPORTSBOOK, Example


def read(example: Example, *, strict: bool = False, **changes: Any) -> Event:  # noqa: ANN401  # any JSON value
    """Normalise an example with other fields."""
    event_type = find(example.message_type)
    assert event_type is not None
    body = json.dumps(example.changed("", **changes).body).encode()
    return Normaliser(event_type, "b", strict=strict).normalise(body, 0.0)


def fits(example: Example, **changes: Any) -> bool:  # noqa: ANN401  # any JSON value
    """Tell whether the published schema takes an example with other fields."""
    event_type = find(example.message_type)
    assert event_type is not None
    schema = json_schema.incoming(event_type)
    return bool(Draft202012Validator(schema).is_valid(example.changed("", **changes).body))


ONLY_MISSPELT: list[tuple[Example, str, dict[str, Any]]] = [
    (CASINO, "status", {"status": ..., "Status": "Rollback"}),
    (CASINO, "status", {"status": None, "Status": "Rollback"}),
    (CASINO, "status", {"status": None, "STATUS_": "Approved"}),
    (CASINO, "amount", {"amount": ..., "Amount": 5}),
    (CASINO, "amount", {"amount": None, "AMOUNT": 5}),
    (CASINO, "round_id", {"round_id": ..., "roundId": "1"}),
    (CASINO, "round_id", {"round_id": "", "round-id": "1"}),
    (GAME_ROUND, "real_bet_user", {"real_bet_user": ..., "realBetUser": 1}),
    (SPORTSBOOK, "type", {"type": ..., "Type": "Settlement"}),
    (SPORTSBOOK, "activity_id_reference", {"type": ..., "activityIdReference": "x"}),
    (SPORTSBOOK, "activity_id_reference", {"type": None, "ActivityIdReference": "x"}),
]


@pytest.mark.parametrize(("example", "name", "changes"), ONLY_MISSPELT)
def test_deciding_field_under_another_name_is_refused(
    example: Example, name: str, changes: dict[str, Any]
) -> None:
    """The event would say less than was meant, or be dropped as a duplicate of another."""
    found = next(key for key, value in changes.items() if value not in (..., None, ""))
    wanted = f"invalid: {name}: expected the name {name}, got {found}; this field decides"
    with pytest.raises(Rejected, match=wanted):
        read(example, **changes)
    assert not fits(example, **changes)


@pytest.mark.parametrize(
    ("example", "changes"),
    [
        (CASINO, {"status": "Approved", "Status": "Rollback"}),
        (CASINO, {"status": "Approved", "Status": "x"}),
        (CASINO, {"Status": 1}),
        (CASINO, {"Type": "Win"}),
        (PAYMENT, {"Status": "Requested"}),
    ],
)
def test_choice_with_two_values_is_refused(example: Example, changes: dict[str, Any]) -> None:
    """Nobody can tell which of them is meant; also if the type needs the field."""
    with pytest.raises(Rejected, match=r"expected one value, got .* as [a-z]+ and .* as [A-Z]"):
        read(example, **changes)
    with pytest.raises(Rejected, match="expected one value"):
        read(example, strict=True, **changes)
    assert not fits(example, **changes)


@pytest.mark.parametrize(
    ("example", "changes"),
    [
        (CASINO, {"Status": None}),
        (CASINO, {"status": ..., "Status": None}),
        (CASINO, {"Amount": 7, "roundId": "x"}),
        (CASINO, {"gameName": "x", "game_name": ...}),
        (CASINO, {"meta": {"Status": "Rollback"}}),
        (SPORTSBOOK, {"type": "Bet", "activityIdReference": "x"}),
    ],
)
def test_other_unknown_fields_pass(example: Example, changes: dict[str, Any]) -> None:
    """A null says nothing; a deciding field that is there counts; other fields decide nothing."""
    assert read(example, **changes).id == read(example).id
    assert fits(example, **changes)


@pytest.mark.parametrize("value", ["Approved", "approved", " APPROVED "])
def test_second_spelling_with_the_same_value_passes(value: str) -> None:
    """As serializers write it that have two names for a field."""
    assert read(CASINO, Status=value).identity == read(CASINO).identity
