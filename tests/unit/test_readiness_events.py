"""Whether the events of the wallet are whole: each once, and in the order of its account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from consumer.tools.readiness.answers import ReportedEvent
from consumer.tools.readiness.events import EventsSeen

if TYPE_CHECKING:
    from collections.abc import Iterable


def event(
    number: int, sequence: int | None, kind: str = "game.bet", currency: str = "EUR"
) -> ReportedEvent:
    """Return an event of player `p`, with a sequence if it is of the wallet."""
    data: dict[str, object] = {"vendor_id": "sandbox", "game_id": "slot", "currency": currency}
    if kind == "wallet.balance":
        data = {"balances": [{"currency": currency, "amount": 1}]}
    return ReportedEvent(
        source=f"/b/{kind}",
        id=f"w-{number}",
        type=kind,
        data=msgspec.Raw(msgspec.json.encode(data)),
        subject="p",
        sequence="" if sequence is None else str(sequence),
    )


def seen(events: Iterable[ReportedEvent]) -> EventsSeen:
    """Return what these events tell."""
    found = EventsSeen()
    for one in events:
        found.add(one)
    return found


def test_events_in_order_are_whole() -> None:
    """A movement has several events with one sequence. The first may have any."""
    told = [event(7, 7), event(7, 7, "wallet.balance"), event(8, 8), event(8, 8, "wallet.balance")]
    found = seen([*told, event(1, None)])
    assert (found.wallet_count, found.own_count, found.faults) == (4, 1, {})
    assert found.rounds == {"slot": 2}


def test_accounts_have_their_own_order() -> None:
    """A player has one in each currency, also where only the balance says which."""
    dollars = [event(2, 1, currency="USD"), event(2, 1, "wallet.balance", "USD")]
    assert seen([event(1, 5), *dollars, event(3, 6)]).faults == {}


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([event(1, 1), event(3, 3)], "sequence 3 comes after 1"),
        ([event(2, 2), event(1, 1)], "sequence 1 comes after 2"),
        ([event(1, 1), event(1, 1)], "w-1 comes twice"),
    ],
)
def test_what_is_missing_or_doubled_is_told(events: list[ReportedEvent], words: str) -> None:
    """With the player and the currency."""
    (fault,) = seen(events).faults.values()
    assert fault == f"player p, EUR: {words}"
