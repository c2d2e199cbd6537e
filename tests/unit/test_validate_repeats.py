"""`consumer validate` tells the changes that are lost because a resend is put out only once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from consumer.events.registry import find
from consumer.tools.validation.cut import Record
from consumer.tools.validation.validator import Remark, Severity, Validator
from tests.support import vendor
from tests.support.samples import casino, payment


def look(*bodies: bytes, name: str = "CASINO") -> list[Remark]:
    """Return the remarks about events that stand in lines 1, 2 and so on."""
    event_type = find(name)
    assert event_type is not None
    looking = Validator(event_type)
    records = [Record(line, line, body) for line, body in enumerate(bodies, 1)]
    return [one for record in records for one in looking.look(record)]


def lost(*bodies: bytes, name: str = "CASINO") -> dict[str, str | None]:
    """Return the fields whose changes are lost, each with the value that is lost."""
    remarks = look(*bodies, name=name)
    return {one.field: one.found for one in remarks if one.reason == "lost_change"}


def test_lost_change_is_told_behind_its_repetition() -> None:
    """With the value that is lost, and the line that counts."""
    repeated, change = look(casino(), casino(vendor_name="X"))
    assert repeated.reason == "repeated"
    assert (change.line, change.severity, change.reason) == (2, Severity.WARNING, "lost_change")
    assert change.message == ('vendor_name: expected as in line 1 (this change is lost), got "X"')


def test_lost_changes_are_counted_as_warnings() -> None:
    """The event itself counts as a repetition."""
    event_type = find("CASINO")
    assert event_type is not None
    looking = Validator(event_type)
    for line, body in enumerate((casino(), casino(game_name="X", origin="Y")), 1):
        looking.look(Record(line, line, body))
    assert (looking.tally.repeated_count, looking.tally.warnings_count) == (1, 2)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"game_name": "X"}, {"game_name": '"X"'}),
        ({"timestamp": "2026-01-01T00:00:00Z"}, {"timestamp": '"2026-01-01T00:00:00Z"'}),
        ({"balance_after": 1, "vendor_name": "X"}, {"balance_after": "1", "vendor_name": '"X"'}),
        ({"is_round_end": True}, {"is_round_end": "true"}),
        ({"meta": {"key1": "other"}}, {"meta": '{"key1": "other"}'}),
        ({"game_name": ...}, {"game_name": None}),
        ({"fresh": 7}, {"fresh": "7"}),
        ({"fresh": 7, "other": 8}, {"fresh, other": "another value in at least one"}),
    ],
)
def test_every_field_that_decides_nothing_is_compared(
    changes: dict[str, Any], told: dict[str, str | None]
) -> None:
    """Known or not, and also if it is gone."""
    assert lost(casino(), casino(**changes)) == told


def test_unknown_field_that_is_gone_is_a_lost_change() -> None:
    """Its name is not known any more."""
    assert lost(casino(fresh=7), casino()) == {"": None}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"balance_after": "23.4"}, {"balance_after": "23.400"}),
        ({"balance_after": "100"}, {"balance_after": "1E2"}),
        ({"meta": {"a": 1, "b": 2}}, {"meta": {"b": 2, "a": 1}}),
        ({"fresh": {"a": 1.5, "b": 2}}, {"fresh": {"b": 2, "a": 1.50}}),
        ({"timestamp": "2026-01-01T00:00:00Z"}, {"timestamp": "2026-01-01T01:00:00+01:00"}),
        ({"status": ...}, {"status": None}),
        ({"status": ...}, {"status": "Approved"}),
        ({"status": "Approved"}, {"status": None}),
    ],
)
def test_same_meaning_is_no_lost_change(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Only the repetition is told."""
    remarks = look(casino(**first), casino(**second))
    assert [one.reason for one in remarks if one.reason != "unknown_field"] == ["repeated"]


def test_changes_are_lost_against_the_first_of_several() -> None:
    """It is the only event that is put out."""
    bodies = [casino(vendor_name=name) for name in ("A", "B", "A")]
    assert [one.line for one in look(*bodies) if one.reason == "lost_change"] == [2]


def test_conflict_loses_nothing() -> None:
    """It becomes a dead letter, which keeps everything."""
    assert lost(casino(), casino(amount=7, game_name="X")) == {}


def test_other_identities_are_not_compared() -> None:
    """A payment with another status is another event."""
    assert lost(payment(status="Requested"), payment(status="Approved"), name="PAYMENT") == {}


def test_field_that_is_gone_is_told_in_its_own_words() -> None:
    """It is not missing: the first event counts."""
    _, change = look(casino(), casino(game_name=...))
    wanted = "game_name: line 1 has another value, and only that value is put out"
    assert (change.message, change.found) == (wanted, None)


def test_other_order_of_what_is_hashed_is_no_lost_change() -> None:
    """The identity has a hash of the balances in any order."""
    balance = {"amount": 1, "currency": "EUR", "key": "real_money", "exchange_rate": 1}
    both = [balance, balance | {"key": "bonus_money"}]
    first = vendor.BALANCES.changed("", balances=both).body
    second = vendor.BALANCES.changed("", balances=both[::-1]).body
    bodies = [json.dumps(body).encode() for body in (first, second)]
    assert [one.reason for one in look(*bodies, name="USER_BALANCES_UPDATE")] == ["repeated"]


def test_time_that_identifies_only_sometimes_may_be_lost() -> None:
    """A bonus has one event for each status, except while it is going on."""
    bodies = [
        json.dumps(vendor.BONUS.changed("", status="Created", timestamp=time).body).encode()
        for time in ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    ]
    assert lost(*bodies, name="BONUS") == {"timestamp": '"2026-01-02T00:00:00Z"'}
