"""The text of a conflict: which fields differ, as far as that can be known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from consumer.events.conflict import conflict_text
from consumer.events.normalise import Event, Normaliser
from consumer.events.registry import CATALOGUE, find
from tests.support.generated import write
from tests.support.samples import casino, payment
from tests.support.vendor import PAGES

if TYPE_CHECKING:
    from consumer.events.base import EventType

DECIDING = "user_id, type, amount, currency, game_id, round_id, vendor_id"


def read(body: bytes, message_type: str = "CASINO") -> Event:
    """Normalise one body."""
    event_type = find(message_type)
    assert event_type is not None
    return Normaliser(event_type, "brand-a").normalise(body, 0.0)


def between(**changes: object) -> str:
    """Return the text of a conflict with the casino page's example; `...` leaves a field out."""
    return conflict_text(read(casino(**changes)), read(casino()))


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({"amount": 12.31}, 'amount: expected "12.3", got "12.31"'),
        ({"amount": ...}, 'amount: expected "12.3", got nothing'),
        ({"amount": None}, 'amount: expected "12.3", got null'),
        ({"type": "win"}, 'type: expected "Bet", got "Win"'),
        (
            {"user_id": 1, "amount": "12.300", "currency": "USD"},
            'user_id: expected "player-17", got "1"; currency: expected "EUR", got "USD"',
        ),
    ],
)
def test_differing_fields_are_named_with_both_values(
    changes: dict[str, Any], differing: str
) -> None:
    """Where the earlier event is at hand; what means the same is not listed."""
    expected = f'id "6f9619ff-8b86" was sent before with other values: {differing}'
    assert between(**changes) == expected


def test_all_deciding_fields_are_named_where_only_the_store_knows() -> None:
    """It keeps a hash of them."""
    expected = (
        f'id "6f9619ff-8b86" was sent before with another value in at least one of {DECIDING}'
    )
    assert conflict_text(read(casino(amount=1))) == expected


def test_values_are_cut() -> None:
    """An id may have 256 characters, a currency any number."""
    text = conflict_text(
        read(payment(payment_id="p" * 256, currency="y" * 999), "PAYMENT"),
        read(payment(payment_id="p" * 256, currency="x" * 999), "PAYMENT"),
    )
    assert "p" * 59 + "…" in text
    assert f'currency: expected "{"x" * 59}…, got "{"y" * 59}…' in text
    assert "p" * 61 not in text


@pytest.mark.parametrize("event_type", CATALOGUE, ids=lambda event_type: event_type.name)
def test_every_deciding_field_of_every_type_can_be_told(event_type: EventType) -> None:
    """Exactly where the fingerprints differ."""
    (page,) = (example for example in PAGES if example.message_type == event_type.name)
    first = read(write(page.body), event_type.name)
    for name in event_type.deciding:
        value = {"type": "Debit" if event_type.name == "PAYMENT" else "Win"}.get(name, "7")
        if event_type.name in ("CASINO", "PAYMENT") or name != "type":
            other = read(write(page.body | {name: value}), event_type.name)
            differs = other.identity.fingerprint != first.identity.fingerprint
            assert (f"{name}: expected" in conflict_text(other, first)) is differs
