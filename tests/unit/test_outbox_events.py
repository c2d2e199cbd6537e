"""The events of the wallet: what a brand would have sent, by the vendor's own rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from consumer.events.normalise import Normaliser
from consumer.events.registry import find
from consumer.ledger.amounts import Amounts
from consumer.ledger.currencies import BUILT_IN
from consumer.ledger.facts import EventFacts
from consumer.ledger.shown import OutboxRow
from consumer.listeners.outbox.events import EventMaker

if TYPE_CHECKING:
    from consumer.events.normalise import Event

FACTS: Final = EventFacts(
    origin="www.b.example",
    exchange_rates={"EUR": "1.08"},
    vendor_id="9",
    bonus_id="1",
    bonus_product="casino",
    bonus_type="WagerFree",
)
ROW: Final = OutboxRow(
    row_id=1, account_id=1, ledger_id=42, brand="b", player_id="p-1", currency="EUR", sequence=7,
    kind="BET", source="acme", external_id="t-1", round_id="r-1", game_id="g-1",
    reversed_id=None, reversed_kind=None, reversed_real_units=None, reversed_bonus_units=None,
    pair_id=None, pair_real_units=None, pair_bonus_units=None, bonus_id=None,
    at_us=1_795_000_000_123_456, real_units=-1000, bonus_units=-230, real_after_units=9000,
    bonus_after_units=770, held_after_units=0, amount_units=1230,
    facts=msgspec.json.encode(FACTS).decode(),
)  # fmt: skip
MAKER: Final = EventMaker(Amounts(BUILT_IN))


def events_of(**changes: object) -> list[Event]:
    """Return the events of a row, by the strict rules of their types."""
    row = msgspec.structs.replace(ROW, **changes)
    events = []
    for outgoing in MAKER.events_of(row):
        event_type = find(outgoing.message_type)
        assert event_type is not None
        event = Normaliser(event_type, "b", strict=True).normalise(outgoing.body, 0.0)
        assert event.oddities == ()
        events.append(event)
    return events


def data_of(event: Event) -> dict[str, Any]:
    """Return the fields of an event."""
    data: dict[str, Any] = json.loads(event.body)["data"]
    return data


@pytest.mark.parametrize(
    ("changes", "subjects"),
    [
        ({}, ["game.bet"]),
        ({"kind": "WIN", "real_units": 1230, "bonus_units": 0}, ["game.win"]),
        ({"kind": "WIN", "amount_units": 0, "real_units": 0, "bonus_units": 0}, ["game.loss"]),
        ({"kind": "PROMO_REWARD", "real_units": 1230, "bonus_units": 0}, ["game.win"]),
        (
            {
                "kind": "ROLLBACK", "reversed_id": 40, "reversed_kind": "BET",
                "reversed_real_units": -5, "reversed_bonus_units": 0,
            },
            ["game.rollback"],
        ),
        (
            {
                "kind": "ROLLBACK", "reversed_id": 40, "reversed_kind": "BET",
                "reversed_real_units": -5, "reversed_bonus_units": 0, "pair_id": 41,
                "pair_real_units": 9, "pair_bonus_units": 0,
            },
            ["game.rollback", "game.rollback"],
        ),
        ({"kind": "DEPOSIT", "source": ":deposit"}, ["wallet.deposit_approved"]),
        ({"kind": "BONUS_ISSUE"}, ["bonus.created"]),
        ({"kind": "BONUS_CONVERT", "bonus_id": 40}, ["bonus.completed"]),
        ({"kind": "BONUS_FORFEIT", "bonus_id": 40}, ["bonus.forfeited"]),
    ],
)  # fmt: skip
def test_each_movement_has_its_events(changes: dict[str, Any], subjects: list[str]) -> None:
    """And then the new balances."""
    assert [event.subject for event in events_of(**changes)] == [*subjects, "wallet.balance"]


def test_bet_tells_both_parts_and_the_balance_around_it() -> None:
    """In whole units of the currency."""
    bet, balances = (data_of(event) for event in events_of())
    assert (bet["activity_id"], bet["amount"]) == ("w-42", "12.30")
    assert (bet["wager_amount"], bet["bonus_wager_amount"]) == ("10.00", "2.30")
    assert (bet["balance_before"], bet["balance_after"]) == ("110.00", "97.70")
    assert {one["key"]: one["amount"] for one in balances["balances"]} == {
        "real_money": "90.00", "bonus_money": "7.70"
    }  # fmt: skip


def test_rollback_has_the_id_and_the_amount_of_its_bet() -> None:
    """Of both halves, if a win went back with its bet."""
    bet, win, _ = events_of(
        kind="ROLLBACK", reversed_id=40, reversed_kind="BET", reversed_real_units=-500,
        reversed_bonus_units=-30, pair_id=41, pair_real_units=900, pair_bonus_units=0,
    )  # fmt: skip
    told = [(data_of(one)["activity_id"], data_of(one)["amount"]) for one in (bet, win)]
    assert told == [("w-40", "5.30"), ("w-41", "9.00")]
    assert bet.identity.key != win.identity.key


def test_end_of_a_bonus_has_the_id_of_its_issue() -> None:
    """So a subscriber knows which bonus has ended."""
    issued, _ = events_of(kind="BONUS_ISSUE")
    ended, _ = events_of(kind="BONUS_CONVERT", ledger_id=50, bonus_id=42)
    assert data_of(issued)["user_bonus_id"] == data_of(ended)["user_bonus_id"] == "w-42"


def test_the_same_row_makes_the_same_events() -> None:
    """So a second try is recognised."""
    assert [event.body for event in events_of()] == [event.body for event in events_of()]
