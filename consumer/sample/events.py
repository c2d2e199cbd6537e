"""One function a message type: the next event of that type in a sample casino.

A new type is one more function with `@sample`, and nothing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from consumer.sample.world import CURRENCIES, GAMES, ORIGIN, PAYMENT_VENDORS, Player, World

Event = dict[str, object]


class SampleType(msgspec.Struct, frozen=True):
    """How to make events of one type, and how to recognise them in the sink.

    Attributes:
        make: the next event.
        id_field: the required id; the broken events leave it out.
        number_field: a number; the broken events put text there.
        identity: the CloudEvents id it must come out with, found without asking our catalogue.
    """

    make: Callable[[World], Event]
    id_field: str
    number_field: str
    identity: Callable[[Event], str]


SAMPLES: Final[dict[str, SampleType]] = {}
"""By message type."""


def sample(
    name: str, *, id_field: str, number_field: str, identity: Callable[[Event], str]
) -> Callable[[Callable[[World], Event]], Callable[[World], Event]]:
    """Register the function that makes events of a type."""

    def register(make: Callable[[World], Event]) -> Callable[[World], Event]:
        SAMPLES[name] = SampleType(make, id_field, number_field, identity)
        return make

    return register


def _casino_identity(event: Event) -> str:
    rollback = ":rollback" if event.get("status") == "Rollback" else ""
    return f"{event['activity_id']}{rollback}"


@sample("CASINO", id_field="activity_id", number_field="amount", identity=_casino_identity)
def casino(world: World) -> Event:
    """Make a bet, or what follows from an earlier one: its win, its loss, its rollback."""
    waiting = world.pending.setdefault("CASINO", [])
    if waiting and world.random.random() < 0.5:  # noqa: PLR2004  # each bet has one outcome
        return _outcome(world, waiting.pop(world.random.randrange(len(waiting))))
    player = world.player()
    stake = min(world.money(0, 20) + Decimal("0.10"), player.balance)
    game_id, game_name, game_type, vendor_id, vendor_name = world.random.choice(GAMES)
    bet: Event = {
        "activity_id": world.unique_id(),
        **_booking(player, stake, -stake),
        "bonus_wager_amount": Decimal("0.00"),
        "currency": player.currency,
        "exchange_rate": CURRENCIES[player.currency],
        "game_id": game_id,
        "game_name": game_name,
        "game_type": game_type,
        "is_round_end": False,
        "origin": ORIGIN,
        "round_id": world.number(),
        "timestamp": world.timestamp(),
        "type": "Bet",
        "user_id": player.user_id,
        "vendor_id": vendor_id,
        "vendor_name": vendor_name,
        "wager_amount": stake,
        "status": "Approved",
    }
    waiting.append(bet)
    return bet


def _outcome(world: World, bet: Event) -> Event:
    player = next(one for one in world.players if one.user_id == bet["user_id"])
    stake = Decimal(str(bet["amount"]))
    drawn = world.random.random()
    if drawn < 0.02:  # noqa: PLR2004  # rollbacks are rare
        # Under its bet's id, as the vendor allows: another event all the same.
        return bet | {**_booking(player, stake, stake), "status": "Rollback"} | _now(world)
    won = stake * world.random.randrange(1, 8) if drawn < 0.4 else Decimal("0.00")  # noqa: PLR2004  # about what casinos pay
    changes: Event = {
        "activity_id": world.unique_id(),
        **_booking(player, won, won),
        "is_round_end": True,
        "type": "Win" if won else "Loss",
        "wager_amount": won,
    }
    return bet | changes | _now(world)


def _payment_identity(event: Event) -> str:
    return f"{event['payment_id']}:{event['type']}:{event['status']}"


@sample("PAYMENT", id_field="payment_id", number_field="amount", identity=_payment_identity)
def payment(world: World) -> Event:
    """Make a requested deposit or withdrawal, or the next step of an earlier one."""
    waiting = world.pending.setdefault("PAYMENT", [])
    if waiting and world.random.random() < 0.5:  # noqa: PLR2004  # each request has one end
        request = waiting.pop(world.random.randrange(len(waiting)))
        ends = ("Approved", "Approved", "Approved", "Rejected", "Cancelled")
        return request | {"status": world.random.choice(ends)} | _now(world)
    player = world.player()
    vendor_id, vendor_name = world.random.choice(PAYMENT_VENDORS)
    request = {
        "amount": Decimal(world.random.choice((10, 20, 25, 50, 100, 250))),
        "bonus_code": world.random.choice(("", "", "", "WELCOME100")),
        "currency": player.currency,
        "exchange_rate": CURRENCIES[player.currency],
        "fee_amount": Decimal("0.00"),
        "note": "",
        "origin": ORIGIN,
        "payment_id": world.number(),
        "status": "Requested",
        "timestamp": world.timestamp(),
        "type": world.random.choice(("Credit", "Credit", "Debit")),
        "user_id": player.user_id,
        "vendor_id": vendor_id,
        "vendor_name": vendor_name,
    }
    waiting.append(request)
    return request


def _booking(player: Player, amount: Decimal, change: Decimal) -> Event:
    before = player.balance
    player.balance = before + change
    return {"amount": amount, "balance_before": before, "balance_after": player.balance}


def _now(world: World) -> Event:
    return {"timestamp": world.timestamp()}
