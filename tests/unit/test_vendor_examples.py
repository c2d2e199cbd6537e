"""What the vendor's pages show, through the catalogue: subject, id, and what strictness refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from consumer.errors import Reason, Rejected
from consumer.events.normalise import Event, Normaliser
from consumer.events.registry import CATALOGUE, find
from tests.support import vendor
from tests.support.vendor import EXAMPLES, PAGES, VARIANTS, Example

if TYPE_CHECKING:
    from collections.abc import Mapping

NEGATIVE = {
    "CASINO": ("amount", "bonus_wager_amount", "exchange_rate", "locked_wager_amount"),
    "PAYMENT": ("amount", "exchange_rate", "fee_amount", "deposit_count", "withdraw_count"),
    "BONUS": ("amount", "bonus_turned_real", "locked_amount", "required_wagering_amount"),
    "SPORTSBOOK": ("amount", "exchange_rate"),
    "LOTTERY_V2": ("amount", "exchange_rate"),
    "LOTTERY": ("amount", "exchange_rate"),
    "CART": ("cart_id", "amount", "exchange_rate", "discount_amount"),
    "POKER_TOURNAMENT_BUY_IN_V2": ("exchange_rate",),
    "POKER_TOURNAMENT_CASH_OUT_V2": ("exchange_rate",),
}
"""What the vendor's schemas want to be 0 or more."""

EMPTY = {
    "CASINO": ("game_name", "origin"),
    "PAYMENT": ("origin",),
    "BONUS": ("type",),
    "CUSTOM": ("notification_type",),
}
"""What they want not to be empty."""

REFUSED_BY_SCHEMA = {"GAME": {"origin": "www.brand.com"}}
"""What a page shows and the vendor's schema refuses, with what it accepts: GAME has a list."""


def read(
    example: Example, changes: Mapping[str, Any] | None = None, *, strict: bool = False
) -> Event:
    """Normalise one example; a field set to `...` is left out."""
    event_type = find(example.message_type)
    assert event_type is not None
    body = json.dumps(example.changed("", **changes or {}).body).encode()
    return Normaliser(event_type, "brand-a", strict=strict).normalise(body, 0.0)


def page(message_type: str) -> Example:
    """Return the page's example of a type."""
    return next(one for one in PAGES if one.message_type == message_type)


def test_every_type_has_an_example() -> None:
    """A type without one is not known to work."""
    assert [one.message_type for one in PAGES] != []
    assert {one.message_type for one in PAGES} == {one.name for one in CATALOGUE}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)
def test_example_passes_with_its_subject_and_id(example: Example) -> None:
    """Exactly these: subscribers and earlier releases know them."""
    event = read(example)
    assert (event.subject, json.loads(event.body)["id"]) == (example.subject, example.id)


def test_no_two_examples_are_one_event() -> None:
    """They can be sent together."""
    assert len({read(one).identity.key for one in EXAMPLES}) == len(EXAMPLES)


@pytest.mark.parametrize("example", PAGES, ids=lambda one: one.name)
def test_example_of_a_page_is_in_order_and_strict(example: Example) -> None:
    """Nothing in it is odd, and the vendor's own schema takes it."""
    assert read(example).oddities == ()
    changes = REFUSED_BY_SCHEMA.get(example.message_type)
    assert read(example, changes, strict=True).oddities == ()


@pytest.mark.parametrize(
    ("name", "oddity"),
    [("tipo", "unknown_field"), ("unknown game_type", "unknown_value"), ("no zone", "no_zone")],
)
def test_odd_variant_passes_and_is_counted(name: str, oddity: str) -> None:
    """What brands send wrong does no harm, and is seen."""
    (example,) = (one for one in VARIANTS if one.name == f"CASINO: {name}")
    assert [one.name for one in read(example).oddities] == [oddity]


@pytest.mark.parametrize(
    ("message_type", "field"),
    [
        ("CASINO", "activity_id"),
        ("GAME_ROUND", "round_id"),
        ("PAYMENT", "payment_id"),
        ("BONUS", "user_bonus_id"),
        ("SPORTSBOOK", "activity_id"),
        ("LOTTERY_V2", "ticket_id"),
        ("LOTTERY", "transaction_id"),
        ("CART", "cart_id"),
        ("POKER_CASH_GAME_BUY_IN_V2", "table_id"),
        ("POKER_TOURNAMENT_CASH_OUT_V2", "tournament_id"),
        ("LOGIN_V2", "user_id"),
        ("USER_TAG", "user_id"),
        ("USER_MIGRATION", "migration_reference"),
        ("IT_PING", "ping_id"),
        ("GAME", "game_id"),
        ("CUSTOM", "user_id"),
    ],
)
def test_number_and_text_are_one_id(message_type: str, field: str) -> None:
    """`1` and `"1"` are the same identity, in keys and in hashes."""
    example = page(message_type)
    as_number, as_text = read(example, {field: 1}), read(example, {field: "1"})
    assert as_number.identity == as_text.identity
    assert as_number.body == as_text.body


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)
def test_other_key_order_and_spacing_is_the_same_event(example: Example) -> None:
    """As another of the brand's services would write it."""
    event_type = find(example.message_type)
    assert event_type is not None
    resent = json.dumps(example.body, sort_keys=True, indent=1).encode()
    assert Normaliser(event_type, "brand-a").normalise(resent, 9.0).identity == (
        read(example).identity
    )


@pytest.mark.parametrize(
    ("example", "sent", "resent"),
    [
        (vendor.SPORTSBOOK.changed("", activity_id=...), b'"odds": 2.5', b'"odds": 2.50'),
        (vendor.LOTTERY_V2.changed("", ticket_id=...), b'"amount": 4.0', b'"amount": 4'),
        (vendor.GAME.changed("", unknown=1), b"96.8", b"9680e-2"),
        (vendor.CUSTOM.changed("", data={"n": 1.5}), b"1.5", b"1.50"),
        (vendor.BALANCES, b"12.5", b"12.500"),
    ],
)
def test_hash_does_not_depend_on_how_numbers_are_written(
    example: Example, sent: bytes, resent: bytes
) -> None:
    """Of whole events too, those with lists and with unknown fields among them."""
    body = json.dumps(example.body).encode()
    assert sent in body
    event_type = find(example.message_type)
    assert event_type is not None
    normalise = Normaliser(event_type, "brand-a").normalise
    again = normalise(body.replace(sent, resent), 0.0)
    assert again.identity == normalise(body, 0.0).identity


@pytest.mark.parametrize(
    ("example", "field", "values"),
    [
        (vendor.PAYMENT, "status", ("Requested", "Approved", "Rollback")),
        (vendor.CASINO, "status", ("Approved", "Rollback")),
        (vendor.SPORTSBOOK, "status", ("Approved", "Rollback")),
        (vendor.BONUS, "status", ("Created", "Ongoing", "Completed")),
        (vendor.LOTTERY_V2, "type", ("Bet", "Settlement")),
        (vendor.LOTTERY, "status", ("Approved", "Rejected")),
        (vendor.CASH_BUY_IN, "status", ("Approved", "Rollback")),
        (vendor.GAME, "is_live", (True, False)),
        (vendor.USER_TAG, "tags", ("vip", "vip,new")),
    ],
    ids=lambda one: getattr(one, "name", None),
)
def test_each_step_is_an_event_of_its_own(
    example: Example, field: str, values: tuple[object, ...]
) -> None:
    """Under one id of the sender's."""
    keys = {read(example, {field: value}).identity.key for value in values}
    assert len(keys) == len(values)


@pytest.mark.parametrize(("status", "events_count"), [("Ongoing", 2), ("Completed", 1)])
def test_only_ongoing_bonus_comes_again(status: str, events_count: int) -> None:
    """At another time it is another event; any other status happens once."""
    times = ("2026-01-01T10:00:00Z", "2026-01-01T10:00:01Z")
    keys = {read(vendor.BONUS, {"status": status, "timestamp": one}).identity.key for one in times}
    assert len(keys) == events_count


def test_nested_activity_id_is_not_the_bonus_identity() -> None:
    """`fasttrack_references.activity_id` belongs to the CRM."""
    other = vendor.BONUS.body["fasttrack_references"] | {"activity_id": 99}
    assert (
        read(vendor.BONUS, {"fasttrack_references": other}).identity == read(vendor.BONUS).identity
    )


@pytest.mark.parametrize(
    ("message_type", "field"),
    [(event_type.name, field) for event_type in CATALOGUE for field in event_type.strict],
)
def test_strict_wants_what_the_schema_requires(message_type: str, field: str) -> None:
    """The lenient reading does not."""
    read(page(message_type), {field: ...})
    with pytest.raises(Rejected, match=f"{field}: required") as caught:
        read(page(message_type), {field: ...}, strict=True)
    assert caught.value.reason is Reason.INVALID


@pytest.mark.parametrize(
    ("message_type", "field"),
    [(name, field) for name, fields in NEGATIVE.items() for field in fields],
)
def test_strict_refuses_negative_amounts(message_type: str, field: str) -> None:
    """The lenient reading does not: some brands send corrections."""
    value = -1 if field.endswith(("_id", "_count")) else -0.01
    read(page(message_type), {field: value})
    with pytest.raises(Rejected, match=f"{field}: expected 0 or more"):
        read(page(message_type), {field: value}, strict=True)


@pytest.mark.parametrize(
    ("message_type", "field"), [(name, field) for name, fields in EMPTY.items() for field in fields]
)
def test_strict_refuses_empty_names(message_type: str, field: str) -> None:
    """The lenient reading does not."""
    read(page(message_type), {field: ""})
    with pytest.raises(Rejected, match=f"{field}: expected at least one character"):
        read(page(message_type), {field: ""}, strict=True)


def test_strict_refuses_a_negative_balance_inside_a_list() -> None:
    """The error says which one."""
    first, second = vendor.BALANCES.body["balances"]
    balances = [first, second | {"amount": -1}]
    read(vendor.BALANCES, {"balances": balances})
    with pytest.raises(Rejected, match=r"balances\[1\]\.amount: expected 0 or more"):
        read(vendor.BALANCES, {"balances": balances}, strict=True)


def test_strict_refuses_a_time_that_cannot_be_read() -> None:
    """Of the times beside the event's own, which always has to be one."""
    read(vendor.LOTTERY_V2, {"draw_date": "soon"})
    with pytest.raises(Rejected, match="draw_date: expected a time"):
        read(vendor.LOTTERY_V2, {"draw_date": "soon"}, strict=True)
