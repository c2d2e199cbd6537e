"""Ids that came as numbers with a point: written as text exactly, counted, and only where known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from consumer.errors import Rejected
from consumer.events.families.sportsbook import Sportsbook
from consumer.events.normalise import Event, Normaliser
from consumer.events.registry import find
from consumer.events.repair import repaired
from tests.support.vendor import BALANCES, CART, CASINO, LOTTERY_V2, PAYMENT, Example

if TYPE_CHECKING:
    from consumer.events.steps import Oddity


def read(example: Example, field: str, sent: str, *, strict: bool = False) -> Event:
    """Normalise an example in which a field holds this JSON."""
    event_type = find(example.message_type)
    assert event_type is not None
    body = json.dumps(example.body | {field: "MARK"}).replace('"MARK"', sent).encode()
    return Normaliser(event_type, "b", strict=strict).normalise(body, 0.0)


def data(event: Event) -> dict[str, Any]:
    """Return the data that comes out."""
    found: dict[str, Any] = json.loads(event.body)["data"]
    return found


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("132.0", "132"),
        ("132.50", "132.5"),
        ("1e3", "1000"),
        ("1.5E-2", "0.015"),
        ("-7.0", "-7"),
        ("-0.0", "0"),
        ("0.1234567890123456789012345678901234567890", "0.123456789012345678901234567890123456789"),
        ("9007199254740992.0", "9007199254740992"),
        ("1.2345678e+07", "12345678"),
        ("1.0e+15", "1000000000000000"),
    ],
)
def test_number_with_point_is_its_exact_text(sent: str, text: str) -> None:
    """Never through a binary float; and it is counted."""
    event = read(CASINO, "game_id", sent)
    assert data(event)["game_id"] == text
    assert [(odd.name, odd.field, odd.found) for odd in event.oddities] == [
        ("number_with_point", "game_id", sent)
    ]


@pytest.mark.parametrize(("example", "field"), [(CART, "cart_id"), (PAYMENT, "payment_id")])
def test_point_makes_no_other_event(example: Example, field: str) -> None:
    """One service of the brand's writes every number with a point, another does not."""
    assert read(example, field, "991.0").identity == read(example, field, "991").identity


def test_ids_inside_lists_are_found() -> None:
    """With their paths."""
    lines = '[{"line_id": 1, "numbers": [1]}, {"line_id": 2.0, "new": 1.50}]'
    event = read(LOTTERY_V2, "lines", lines)
    assert [line["line_id"] for line in data(event)["lines"]] == ["1", "2"]
    assert ("number_with_point", "lines[1].line_id") in [(o.name, o.field) for o in event.oddities]
    assert b'"new":1.50' in event.body


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("9007199254740993.0", "text or whole number"),
        ("1.23457e+07", "text or whole number"),
        ("1.2345678901235e+15", "text or whole number"),
        ("1e99", "text or whole number"),
        ("1." + "0" * 70, "text or whole number"),
        ("1e999999999", "number of at most 128 digits"),
    ],
)
def test_number_that_may_have_been_rounded_is_refused(sent: str, expected: str) -> None:
    """Two ids may have become the same number in the sender's language."""
    with pytest.raises(Rejected, match=f"payment_id: expected {expected}, got "):
        read(PAYMENT, "payment_id", sent)


def test_id_that_is_text_for_everybody_may_be_whole() -> None:
    """Pandas and Lua write every number with a point; no source calls a player's id a number."""
    assert data(read(CASINO, "user_id", "17.0"))["user_id"] == "17"
    with pytest.raises(Rejected, match=r"user_id: expected text or whole number, got 17\.5"):
        read(CASINO, "user_id", "17.5")
    with pytest.raises(Rejected, match=r"user_id: expected text or whole number, got 17\.0"):
        read(CASINO, "user_id", "17.0", strict=True)


@pytest.mark.parametrize(
    "sent",
    [
        *("1", "1.0", "1e0", '"1"', '"true"', '"True"', '"TRUE"', ' "1" '),
        *("0", "0.0", "-0", '"0"', '"false"', '"False"', '"FALSE"'),
    ],
)
def test_flag_may_be_a_number_or_text(sent: str) -> None:
    """MySQL has no flags, and web forms, Python's `str` and spreadsheets have only text."""
    event = read(CASINO, "is_round_end", sent)
    assert data(event)["is_round_end"] is any(one in sent.lower() for one in ("1", "true"))
    assert [(odd.name, odd.found) for odd in event.oddities] == [("other_flag", sent.strip())]
    with pytest.raises(Rejected, match="is_round_end: expected true or false, got "):
        read(CASINO, "is_round_end", sent, strict=True)


def test_objects_in_lists_of_lists_are_counted_together() -> None:
    """A small compressed body could hold a million of them, and each costs Python's time."""
    leg = {"is_live": 1, "outcomes": [{}] * 900}
    for count, passes in ((1, True), (2, False)):
        body = json.dumps({"bets": [leg] * count}).encode()
        oddities: list[Oddity] = []
        written = repaired(Sportsbook, body, oddities, strict=False)
        assert ((written is not None), len(oddities)) == (passes, count if passes else 0)


@pytest.mark.parametrize("sent", ["2", "-1", "1.5", '"yes"', '"tRUE"', '"Y"', '""', "[]", "{}"])
def test_flag_of_another_value_is_refused(sent: str) -> None:
    """It might mean anything."""
    with pytest.raises(Rejected, match="is_round_end: expected true or false, got "):
        read(CASINO, "is_round_end", sent)


@pytest.mark.parametrize("sent", ["[]", "[ \n]"])
def test_empty_list_may_be_an_object(sent: str) -> None:
    """PHP has one kind of array, and writes an empty one as a list."""
    event = read(CASINO, "meta", sent)
    assert data(event)["meta"] == {}
    assert [(odd.name, odd.field) for odd in event.oddities] == [("empty_list", "meta")]
    with pytest.raises(Rejected, match="meta: expected object, got "):
        read(CASINO, "meta", sent, strict=True)


BALANCE = '{"amount": 1, "currency": "EUR", "key": "real_money", "exchange_rate": 1}'
BONUS = BALANCE.replace("real", "bonus")


@pytest.mark.parametrize(
    "sent", [f'{{"0": {BALANCE}, "2": {BONUS}}}', f'{{"7":{BALANCE},"3":{BONUS}}}']
)
def test_object_with_numbers_as_keys_may_be_a_list(sent: str) -> None:
    """PHP writes a list so from which an element was taken; the order is as sent."""
    event = read(BALANCES, "balances", sent)
    assert event.identity == read(BALANCES, "balances", f"[{BALANCE}, {BONUS}]").identity
    assert [one["key"] for one in data(event)["balances"]] == ["real_money", "bonus_money"]
    assert [(odd.name, odd.field) for odd in event.oddities] == [("numbered_list", "balances")]
    with pytest.raises(Rejected, match="balances: expected list, got "):
        read(BALANCES, "balances", sent, strict=True)


@pytest.mark.parametrize(
    "sent",
    [
        "{}",
        BALANCE,
        f'{{"real_money": {BALANCE}}}',
        f'{{"00": {BALANCE}}}',
        f'{{"-1": {BALANCE}}}',
        f'{{"0": {BALANCE}, "a": {BALANCE}}}',
        json.dumps({str(number): {} for number in range(1001)}),
    ],
)
def test_other_object_is_no_list(sent: str) -> None:
    """Its keys may say something, or it is too large to look into."""
    with pytest.raises(Rejected, match="balances: expected list, got "):
        read(BALANCES, "balances", sent)


@pytest.mark.parametrize(
    ("sent", "numbers"),
    [
        ('{"0": 7, "1": 13}', [7, 13]),
        ('{"0": 7, "2": 13}', [7, 13]),
        ('{"3": 4, "1": 7}', [4, 7]),
        ('{"7": 1, "13": 1}', None),
        ('{"0": 7, "4": 13}', None),
        ('{"2": 7}', None),
    ],
)
def test_keys_of_single_values_may_be_the_values(sent: str, numbers: list[int] | None) -> None:
    """The numbers of a ticket may come as keys, and would all become 1."""
    lines = f'[{{"line_id": "1", "numbers": {sent}}}]'
    if numbers is not None:
        assert data(read(LOTTERY_V2, "lines", lines))["lines"][0]["numbers"] == numbers
        return
    with pytest.raises(Rejected, match=r"numbers: expected list, got "):
        read(LOTTERY_V2, "lines", lines)


def test_all_habits_at_once() -> None:
    """One pass repairs all of them; the identity is that of the event as it should be."""
    event_type = find("CASINO")
    assert event_type is not None
    odd = {"user_id": 17.0, "is_round_end": 1, "meta": []}
    usual = {"user_id": "17", "is_round_end": True, "meta": {}}
    one, other = (
        Normaliser(event_type, "b").normalise(json.dumps(CASINO.body | changes).encode(), 0.0)
        for changes in (odd, usual)
    )
    assert one.identity == other.identity
    assert data(one) == data(other)
    assert {odd.name for odd in one.oddities} == {"number_with_point", "other_flag", "empty_list"}


def test_strict_refuses_the_numbers_that_the_schema_refuses() -> None:
    """A provider's id may be any text or number, but a number not below 0."""
    assert data(read(PAYMENT, "vendor_id", '"-1.5"', strict=True))["vendor_id"] == "-1.5"
    assert data(read(PAYMENT, "vendor_id", "1.5", strict=True))["vendor_id"] == "1.5"
    with pytest.raises(Rejected, match=r"vendor_id: expected text or whole number, got -1\.5"):
        read(PAYMENT, "vendor_id", "-1.5", strict=True)


def test_another_misfit_is_told_as_it_was_sent() -> None:
    """Of the body that the sender knows, not of the one that was written anew."""
    event_type = find("CASINO")
    assert event_type is not None
    body = json.dumps(CASINO.body | {"game_id": 1.0, "meta": [1.0]}).encode()
    with pytest.raises(Rejected, match=r"meta: expected object, got \[1\.0\]"):
        Normaliser(event_type, "b").normalise(body, 0.0)
