"""From bytes to a clean event: every field's normal form, and every way to be refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from consumer.errors import Reason, Rejected
from consumer.events.normalise import Event, Normaliser
from consumer.events.registry import find
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from tests.support.corpus import BROKEN, ODD
from tests.support.fates import reason, sent
from tests.support.samples import casino, payment


def read(body: bytes, message_type: str = "CASINO", brand: str = "brand-a") -> Event:
    """Normalise one body."""
    event_type = find(message_type)
    assert event_type is not None
    return Normaliser(event_type, brand).normalise(body, 0.0)


def data(body: bytes) -> dict[str, Any]:
    """Return the `data` of the event that a CASINO body becomes."""
    found: dict[str, Any] = json.loads(read(body).body)["data"]
    return found


def test_envelope_is_a_cloud_event() -> None:
    """Every attribute of the envelope stands where CloudEvents wants it."""
    envelope = json.loads(read(casino()).body)
    assert envelope.pop("data")["activity_id"] == "6f9619ff-8b86"
    assert envelope == {
        "specversion": "1.0",
        "id": "6f9619ff-8b86",
        "source": "/brand-a/casino",
        "type": "game.bet",
        "subject": "player-17",
        "time": "2015-03-02T08:27:58.100000Z",
        "datacontenttype": "application/json",
        "brand": "brand-a",
    }


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({}, "game.bet"),
        ({"type": "Win"}, "game.win"),
        ({"type": "Loss"}, "game.loss"),
        ({"type": "win"}, "game.win"),
        ({"status": "Rollback"}, "game.rollback"),
        ({"type": "Win", "status": "rollback"}, "game.rollback"),
        ({"status": ...}, "game.bet"),
        ({"status": None}, "game.bet"),
    ],
)
def test_casino_subject_follows_type_and_status(changes: dict[str, Any], subject: str) -> None:
    """The subject comes from the table, whatever the case of the deciding values."""
    assert read(casino(**changes)).subject == subject


@pytest.mark.parametrize("status", ["Requested", "Approved", "Rejected", "Cancelled", "Rollback"])
@pytest.mark.parametrize(
    ("kind", "family"), [("Credit", "wallet.deposit_"), ("Debit", "withdrawal.")]
)
def test_payment_subject_follows_type_and_status(kind: str, family: str, status: str) -> None:
    """Each step of a payment has a subject of its own."""
    event = read(payment(type=kind, status=status), "PAYMENT")
    assert event.subject == f"{family}{status.lower()}"


@pytest.mark.parametrize("kind", ["Authorization", "Capture", "Void"])
def test_payment_card_steps_have_one_subject_each(kind: str) -> None:
    """Authorization, capture and void do not depend on the status."""
    assert read(payment(type=kind), "PAYMENT").subject == f"wallet.{kind.lower()}"


def test_number_and_text_are_one_id() -> None:
    """`1` and `"1"` are the same identity, and come out as text."""
    as_number, as_text = read(casino(activity_id=1)), read(casino(activity_id="1"))
    assert as_number.identity == as_text.identity
    assert as_number.body == as_text.body


def test_rollback_is_another_event_than_its_bet() -> None:
    """A rollback may repeat its bet's activity_id."""
    bet, rollback = read(casino()), read(casino(status="Rollback"))
    assert bet.identity.key != rollback.identity.key
    assert json.loads(rollback.body)["id"] == "6f9619ff-8b86:rollback"


def test_one_payment_id_is_one_event_for_each_step() -> None:
    """Requested, Approved and Rollback of one payment are three events."""
    steps = ("Requested", "Approved", "Rollback")
    keys = {read(payment(status=step), "PAYMENT").identity.key for step in steps}
    assert len(keys) == 3


def test_brand_and_type_are_part_of_the_key() -> None:
    """Two brands may use the same ids."""
    assert read(casino(), brand="brand-b").identity.key != read(casino()).identity.key


@pytest.mark.parametrize(
    "resend",
    [
        casino().replace(b'"amount": 12.3', b'"amount": 12.30'),
        casino(amount="12.3000"),
        casino(timestamp="2016-01-01T00:00:00Z"),
        casino(balance_after=1),
        casino(game_name="Another"),
        b" " + casino().replace(b", ", b",\n"),
    ],
)
def test_honest_resend_has_the_same_fingerprint(resend: bytes) -> None:
    """Spacing, trailing zeros, a new time or balance are no other event."""
    assert read(resend).identity == read(casino()).identity


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 12.4},
        {"user_id": "x"},
        {"currency": "USD"},
        {"type": "Win"},
        {"round_id": "9"},
        {"game_id": "9"},
        {"vendor_id": "9"},
        {"amount": ...},
    ],
)
def test_other_deciding_field_has_another_fingerprint(changes: dict[str, Any]) -> None:
    """What makes a second delivery a conflict."""
    changed = read(casino(**changes)).identity
    assert changed.key == read(casino()).identity.key
    assert changed.fingerprint != read(casino()).identity.fingerprint


def test_unknown_fields_pass_as_they_came() -> None:
    """Nothing is dropped; numbers beyond a float's reach keep their digits."""
    body = casino(other="X").replace(b'"X"', b'{"n": 12345678901234567.890, "e": 1e400}')
    event = read(body)
    assert b'"other":{"n": 12345678901234567.890, "e": 1e400}' in event.body
    assert [one.name for one in event.oddities] == ["unknown_field"]


@pytest.mark.parametrize(
    "number", ["1e99999999999999999999", "1e-99999999999999999999", "9" * 5000]
)
def test_number_beyond_all_bounds_passes_in_a_hashed_body(number: str) -> None:
    """Neither Decimal nor int can hold it; what only passes is no reason to refuse an event."""
    known = {
        "notification_type": "x",
        "user_id": 1,
        "origin": "o",
        "timestamp": "2026-01-01T00:00:00Z",
    }
    body = json.dumps(known | {"data": {"n": "X"}}).replace('"X"', number).encode()
    event = read(body, "CUSTOM")
    assert number.encode() in event.body
    assert event.identity == read(b" " + body, "CUSTOM").identity


def test_absent_fields_stay_absent_and_null_stays_null() -> None:
    """`data` holds what was sent, no more."""
    found = data(casino(game_name=None, balance_after=..., meta=None))
    assert found["game_name"] is None
    assert found["meta"] is None
    assert "balance_after" not in found


def test_last_of_two_equal_keys_wins() -> None:
    """As documented; JSON leaves it open."""
    assert data(casino().replace(b"{", b'{"amount": 1, ', 1))["amount"] == "12.3"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("12.30", "12.30"),
        ("1e2", "100"),
        ("1E-8", "0.00000001"),
        ("-0.50", "-0.50"),
        ("0", "0"),
        ("12345678901234567890.12", "12345678901234567890.12"),
    ],
)
def test_numbers_come_out_exact_and_plain(sent: str, expected: str) -> None:
    """As JSON number or as text, never through a binary float."""
    assert data(casino(amount=sent))["amount"] == expected
    assert data(casino(amount="X").replace(b'"X"', sent.encode()))["amount"] == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_any_number_keeps_its_value(number: Decimal) -> None:
    """Whatever its form, Decimal reads the same value from what comes out."""
    try:
        written = data(casino(amount=str(number)))["amount"]
    except Rejected:
        assert max(abs(number.adjusted()), -int(number.as_tuple().exponent)) > 60
    else:
        assert Decimal(written) == number
        assert "E" not in written


@pytest.mark.parametrize("sent", ["Bet       ", " bet"])
def test_spaces_around_a_listed_value_are_counted(sent: str) -> None:
    """A database fills a column of fixed width with spaces."""
    event = read(casino(type=sent))
    assert data(casino(type=sent))["type"] == "Bet"
    assert [(odd.name, odd.found) for odd in event.oddities] == [("space_around_value", sent)]
    with pytest.raises(Rejected, match="type: expected Bet or Win or Loss, got"):
        read(casino(type="B et"))


def test_unknown_value_that_decides_nothing_passes_and_is_counted() -> None:
    """A game type of tomorrow is no reason to refuse a bet."""
    event = read(casino(game_type="Holodeck"))
    assert [one.name for one in event.oddities] == ["unknown_value"]


@pytest.mark.parametrize(
    "name", [name for name, case in BROKEN.items() if case[0] in ("CASINO", "PAYMENT")]
)
def test_broken_body_is_rejected_with_its_reason(name: str) -> None:
    """The corpus of bad input, against the decoder alone."""
    message_type, body, reason = BROKEN[name]
    with pytest.raises(Rejected) as caught:
        read(body, message_type or "")
    assert caught.value.reason == reason


@pytest.mark.parametrize("name", ODD)
def test_odd_body_is_a_correct_event(name: str) -> None:
    """What looks wrong and is sent all the same."""
    activity_id, body, data = ODD[name]
    event = json.loads(read(body).body)
    assert event["id"] == activity_id
    assert {**event["data"], **data} == event["data"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (casino(amount="abc"), 'amount: expected number, got "abc"'),
        (casino(activity_id=...), "activity_id: required, but missing"),
        (casino(user_id=True), "user_id: expected text or whole number, got true"),
        (casino(round_id=True), "round_id: expected text or whole number, got true"),
        (casino(type="Wager"), 'type: expected Bet or Win or Loss, got "Wager"'),
        (casino(meta=5), "meta: expected object, got 5"),
    ],
)
def test_error_names_field_expectation_and_what_was_found(body: bytes, detail: str) -> None:
    """What a brand's engineer needs to mend it."""
    with pytest.raises(Rejected) as caught:
        read(body)
    assert caught.value.detail == detail


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_rejected(body: bytes) -> None:
    """Nothing else escapes."""
    try:
        read(body)
    except Rejected:
        return


@given(st.data())
def test_mutated_event_is_an_event_or_rejected(source: st.DataObject) -> None:
    """Cut, flipped and spliced events never raise anything else."""
    body = bytearray(casino())
    for _ in range(source.draw(st.integers(1, 4))):
        at = source.draw(st.integers(0, len(body) - 1))
        body[at : at + source.draw(st.integers(0, 3))] = source.draw(st.binary(max_size=3))
        body = body or bytearray(b"{")
    try:
        json.loads(read(bytes(body)).body)
    except Rejected:
        return


def read_fields(name: str, fields: dict[str, Any]) -> Event:
    """Read an event of any type."""
    return read(json.dumps(fields).encode(), name)


@pytest.mark.parametrize("name", ["CASINO", "SPORTSBOOK"])
def test_id_and_source_are_unique(name: str) -> None:
    """As CloudEvents asks: an id with a colon is not another one's rollback."""
    fields = {**json.loads(casino()), "odds": 1, "bet_type": "Single", "bets": []}
    approved = read_fields(name, {**fields, "activity_id": "17:rollback"})
    rollback = read_fields(name, {**fields, "activity_id": "17", "status": "Rollback"})
    assert approved.identity.key != rollback.identity.key
    assert json.loads(approved.body)["id"] != json.loads(rollback.body)["id"]


@pytest.mark.parametrize("fraction", [".1000000", ".100000000"])
def test_zeros_at_the_end_of_a_time_are_no_other_event(fraction: str) -> None:
    """.NET writes seven digits, Go leaves zeros out: one brand, two senders, one login."""
    fields = {"user_id": "u", "origin": "o", "timestamp": "2020-01-01T00:00:00.1Z"}
    again = {**fields, "timestamp": f"2020-01-01T00:00:00{fraction}Z"}
    assert read_fields("LOGIN_V2", fields).identity == read_fields("LOGIN_V2", again).identity


@pytest.mark.parametrize("name", ["timestamp", "draw_date"])
def test_last_leap_second_is_not_our_bug(name: str) -> None:
    """A sender's mistake is `invalid`, or passes; `internal` wakes somebody up."""
    fields = {
        **json.loads(casino()),
        "lines": [],
        name: "9999-12-31T23:59:60Z",
    }
    work = Work(sent(json.dumps(fields).encode(), "LOTTERY_V2"))
    Decoder().decode(Batch([work], 0.0, 0.0))
    assert reason(work) is not Reason.INTERNAL


def test_one_ticket_number_in_two_lotteries_is_not_a_duplicate() -> None:
    """Numbers are small there; another lottery has to be another event, or a conflict."""
    fields = {
        "ticket_id": "1",
        "draw_id": "7",
        "currency": "EUR",
        "exchange_rate": 1,
        "amount": 2,
        "origin": "o",
        "timestamp": "2020-01-01T00:00:00Z",
        "user_id": "u",
        "type": "Bet",
        "lines": [],
    }
    one = read_fields("LOTTERY_V2", {**fields, "lottery_id": "10"})
    other = read_fields("LOTTERY_V2", {**fields, "lottery_id": "11"})
    assert one.identity != other.identity
