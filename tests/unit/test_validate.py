"""`consumer validate` inside: the pipeline's verdict and words, and all of what is wrong."""

from __future__ import annotations

import functools
import json
import random
import time
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from consumer.errors import Misfit, Reason, Rejected
from consumer.events.conflict import conflict_text
from consumer.events.normalise import Normaliser
from consumer.events.registry import CATALOGUE, find
from consumer.tools.validation.cut import EventFile, Record
from consumer.tools.validation.habits import AHEAD_MAX_S, habits, of_the_future
from consumer.tools.validation.validator import Remark, Severity, Validator, about_file
from tests.support.corpus import BROKEN
from tests.support.mutate import mutated
from tests.support.samples import casino, payment

BALANCE = {"amount": 1, "currency": "EUR", "key": "real_money", "exchange_rate": 1}
ODD_VALUES: list[object] = [
    *(None, True, 7, -1, "", "abc", "1e99", [], [1], {}, {"a": 1}),
    *("x" * 300, "2026-02-30T10:00:00Z", "Bet", "Rollback", "a\nb"),
]


def validator(name: str = "CASINO", *, strict: bool = False) -> Validator:
    """Return a validator of a type."""
    event_type = find(name)
    assert event_type is not None
    return Validator(event_type, strict=strict)


def look(*bodies: bytes, name: str = "CASINO", strict: bool = False) -> list[Remark]:
    """Return the findings about events that stand in lines 1, 2 and so on."""
    looking = validator(name, strict=strict)
    records = [Record(line, line, body) for line, body in enumerate(bodies, 1)]
    return [one for record in records for one in looking.look(record)]


def fields(findings: list[Remark], severity: Severity = Severity.ERROR) -> list[str]:
    """Return what fields the findings of a severity are about."""
    return [one.field for one in findings if one.severity is severity]


@functools.cache
def normaliser(name: str, *, strict: bool) -> Normaliser:
    """Return the normaliser of a type; to prepare it takes longer than an event."""
    event_type = find(name)
    assert event_type is not None
    return Normaliser(event_type, "b", strict=strict)


def refused(body: bytes, name: str, *, strict: bool = False) -> str | None:
    """Return the dead letter's error; None: there would be none."""
    try:
        normaliser(name, strict=strict).normalise(body, 0.0)
    except Rejected as rejected:
        return rejected.detail
    return None


def test_a_good_event_is_not_talked_about() -> None:
    """No finding, and it is counted."""
    looking = validator()
    assert looking.look(Record(1, 1, casino())) == []
    assert (looking.tally.events_count, looking.tally.good_count) == (1, 1)


def test_all_misfits_are_told() -> None:
    """Of different kinds: wrong shape, missing, wrong value, no such time."""
    body = casino(amount="abc", user_id=True, currency=..., type="Wager", timestamp="yesterday")
    told = fields(look(body))
    assert set(told) == {"amount", "user_id", "currency", "type", "timestamp"}
    assert len(told) == 5


def test_misfits_inside_objects_have_their_paths() -> None:
    """Of each object in a list."""
    balances = [BALANCE | {"amount": "much", "currency": 1}, BALANCE, 5, BALANCE | {"tone": 1}]
    findings = look(json.dumps({"balances": balances}).encode(), name="USER_BALANCES_UPDATE")
    inside = [one.field for one in findings if one.field.startswith("balances")]
    assert inside == [
        "balances[0].currency",
        "balances[0].amount",
        "balances[2]",
        "balances[3].tone",
    ]


@pytest.mark.parametrize("name", [name for name, one in BROKEN.items() if one[0] == "CASINO"])
def test_the_first_error_is_the_dead_letters(name: str) -> None:
    """Word for word, with its reason."""
    _, body, reason = BROKEN[name]
    first = look(body)[0]
    assert (first.severity, first.reason) == (Severity.ERROR, reason)
    assert first.message == refused(body, "CASINO")


@settings(max_examples=200, deadline=None)
@given(
    changes=st.dictionaries(
        st.sampled_from(sorted([*json.loads(payment()), "pay_id", "Amount"])),
        st.sampled_from([..., *ODD_VALUES]),
    ),
    strict=st.booleans(),
)
def test_the_verdict_is_the_pipelines(changes: dict[str, Any], *, strict: bool) -> None:
    """Whatever is sent: wrong here exactly where it becomes a dead letter, with its error first."""
    body = payment(**changes)
    errors = [
        one for one in look(body, name="PAYMENT", strict=strict) if one.severity is Severity.ERROR
    ]
    first = errors[0].message if errors else None
    assert first == refused(body, "PAYMENT", strict=strict)
    # Nothing is told that would not be an error once the others are mended.
    assert len({one.field for one in errors}) == len(errors)


@pytest.mark.parametrize("strict", [False, True])
def test_mutated_events_of_every_type_have_the_pipelines_verdict(*, strict: bool) -> None:
    """Flipped, cut, spliced; wrong types, huge numbers and deep nesting at any depth."""
    source = random.Random(11)
    for _ in range(600):
        event_type = source.choice(CATALOGUE)
        body = mutated(source, event_type)
        findings = look(body, name=event_type.name, strict=strict)
        errors = [one.message for one in findings if one.severity is Severity.ERROR]
        assert (errors[0] if errors else None) == refused(body, event_type.name, strict=strict)


def test_warnings_are_the_pipelines_oddities() -> None:
    """Of events that pass: the same ones, of the same fields, at any depth.

    Besides them, `validate` warns of habits that no listener counts.
    """
    source = random.Random(12)
    for event_type in CATALOGUE * 40:
        body = mutated(source, event_type)
        if refused(body, event_type.name) is None:
            event = Normaliser(event_type, "b").normalise(body, 0.0)
            own = {name for name, _ in habits(event_type.fields, body)}
            findings = [one for one in look(body, name=event_type.name) if one.reason not in own]
            assert sorted((one.reason, one.field) for one in findings) == sorted(
                (odd.name, odd.field.rstrip("."))
                for odd in event.oddities  # a field called ""
            )


def test_strict_tells_what_lenient_lets_pass() -> None:
    """All fields that the vendor's schema requires, and a negative amount."""
    body = casino(round_id=..., is_round_end=None, game_name="", amount=-1)
    assert fields(look(body)) == []
    assert set(fields(look(body, strict=True))) == {
        *("round_id", "is_round_end", "game_name", "amount")
    }


def test_oddities_are_warnings() -> None:
    """They are told, and change nothing."""
    findings = look(casino(game_type="Fruit", timestamp="2026-01-31 12:00:00", colour="red"))
    assert {one.reason for one in findings} == {"unknown_value", "no_zone", "unknown_field"}
    assert {one.severity for one in findings} == {Severity.WARNING}
    assert "Slots or Live Casino or Table" in [one.expected for one in findings]


@pytest.mark.parametrize(
    ("sent", "meant"), [("tipo", "type"), ("gameName", "game_name"), ("amout", "amount")]
)
def test_a_mistyped_field_is_recognised(sent: str, meant: str) -> None:
    """Where the right one is missing."""
    findings = look(casino(**{sent: "x", meant: ...}))
    assert f"a known field (did you mean {meant}?)" in [one.expected for one in findings]


def test_an_honest_resend_is_a_warning() -> None:
    """Told with the line of the first."""
    findings = look(casino(), casino(activity_id="b"), casino(amount="12.30"))
    assert [one.message for one in findings] == ["line 3 repeats line 1"]
    assert findings[0].severity is Severity.WARNING


def test_other_deciding_fields_are_a_conflict() -> None:
    """In the dead letter's words, and then where."""
    [found] = look(casino(), casino(amount=13))
    conflicting = Normaliser(CATALOGUE[0], "b").normalise(casino(amount=13), 0.0)
    assert (found.severity, found.reason) == (Severity.ERROR, Reason.CONFLICT)
    assert found.message == f"{conflict_text(conflicting)}: see line 1"


def test_a_large_event_is_warned_about() -> None:
    """Over what NATS takes by default."""
    [found] = look(casino(meta={"a": "x" * 1_100_000}))
    assert (found.severity, found.reason) == (Severity.WARNING, "too_large")


def test_a_body_that_was_not_read_is_too_large() -> None:
    """Nothing else is said about it."""
    [found] = validator().look(Record(1, 1, b"", 20_000_000))
    assert found.message == str(Misfit("event", "at most 16777216 bytes", "20000000"))
    assert (found.severity, found.reason) == (Severity.ERROR, "too_large")


def test_what_is_odd_about_a_file_is_told() -> None:
    """A byte order mark, and line ends of Windows."""
    file = EventFile(BytesIO(b"\xef\xbb\xbf{}\r\n{}\r\n"))
    looking = validator()
    assert len(list(file)) == 2
    assert [one.reason for one in about_file(file, looking.tally)] == ["bom", "crlf"]
    assert looking.tally.warnings_count == 2


@pytest.mark.parametrize(("sent", "got"), [(True, "true"), ([], "[]"), ("x", '"x"')])
def test_a_count_is_expected_to_be_a_number(sent: object, got: str) -> None:
    """Whatever it is read as inside."""
    [found] = look(payment(deposit_count=sent), name="PAYMENT")
    assert found.message == f"deposit_count: expected number, got {got}"


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("roundId", "round_id"),
        ("RoundID", "round_id"),
        ("userid", "user_id"),
        ("gameName", "game_name"),
        ("activityId", "activity_id"),
        ("tipo", "type"),
    ],
)
def test_field_in_another_spelling_is_suggested(sent: str, meant: str) -> None:
    """A name that is equal but for case and underscores is meant, whatever else is absent."""
    findings = look(casino(**{meant: ..., sent: "x", "vendor_id": ..., "status": ...}))
    assert f"did you mean {meant}?" in " ".join(one.message for one in findings)


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        (casino(amount=None), "null_number", "amount"),
        (casino(timestamp="2262-01-31T12:00:00Z"), "future_time", "timestamp"),
        (casino(user_id=653247040368672800), "large_number_id", "user_id"),
        (casino(user_id="\ufeffu1"), "space_around_id", "user_id"),
        (casino(user_id="u1 "), "space_around_id", "user_id"),
        (casino(round_id="\u200b636"), "space_around_id", "round_id"),
        (casino().replace(b'"type"', b'"amount": "9", "type"'), "key_twice", "amount"),
        (casino(meta="X").replace(b'"X"', b'{"a": 1, "a": 2}'), "key_twice", "a"),
    ],
)
def test_what_is_probably_a_mistake_is_warned_about(body: bytes, reason: str, field: str) -> None:
    """The event passes, and means something else than its sender thinks."""
    [found] = look(body)
    assert (found.severity, found.reason, found.field) == (Severity.WARNING, reason, field)


def test_a_time_of_the_next_day_is_no_mistake() -> None:
    """A second more is, and the time is told as it was read."""
    noon_s, noon = 1_769_860_800.0, "2026-01-31T12:00:00.000000Z"
    assert of_the_future("timestamp", noon_s, noon_s - AHEAD_MAX_S) == []
    [(name, misfit)] = of_the_future("timestamp", noon_s, noon_s - AHEAD_MAX_S - 1)
    assert (name, misfit.field, misfit.found) == ("future_time", "timestamp", noon)


def test_mistakes_inside_lists_have_their_path() -> None:
    """Counted from 0."""
    balances = [{"amount": None, "currency": "EUR", "key": "real_money", "exchange_rate": 1}]
    event_type = find("USER_BALANCES_UPDATE")
    assert event_type is not None
    body = json.dumps({"balances": balances}).encode()
    found = habits(event_type.fields, body)
    assert [(name, misfit.field) for name, misfit in found] == [
        ("null_number", "balances[0].amount")
    ]


def test_wrapper_of_an_event_is_told() -> None:
    """In the column of what was expected too, because a table has no other place."""
    [first, *_] = look(b'{"payload": ' + casino() + b"}")
    assert first.expected == "required; the event seems to be inside payload"
    assert first.message == (
        "activity_id: required, but missing; the event seems to be inside payload"
    )


def test_value_of_another_field_is_pointed_out() -> None:
    """A rollback is told by the status of a CASINO event, and not by its type."""
    (finding,) = look(casino(type="Rollback"))
    assert finding.message == (
        'type: expected Bet or Win or Loss, got "Rollback"; Rollback is a value of status'
    )


def test_search_for_a_key_that_comes_twice_takes_no_time() -> None:
    """A line of a file may be an object with many keys."""
    body = json.dumps({f"k{number}": 1 for number in range(30_000)})[:-1] + ', "k7": 2}'
    began_s = time.perf_counter()
    assert [misfit.field for _, misfit in habits(CATALOGUE[0].fields, body.encode())] == ["k7"]
    assert time.perf_counter() - began_s < 1.0
