"""PAYMENT: deposits and withdrawals. USER_BALANCES_UPDATE: the balances of a player."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from consumer.tools.sample.base import BrandEvent, Recipe, about, joined, money_of

if TYPE_CHECKING:
    from consumer.tools.sample.world import World

VENDORS: Final = (("162", "Skrill"), ("163", "Trustly"), ("170", "Visa"), ("171", "Swish"))


def make_payment(world: World) -> BrandEvent:
    """Make a request for a deposit or withdrawal, or the next step of an earlier request."""
    earlier = world.take_earlier("PAYMENT")
    if earlier is not None:
        return _next(world, earlier)
    player = world.player()
    vendor_id, vendor_name = world.random.choice(VENDORS)
    request: BrandEvent = {
        "amount": Decimal(world.random.choice((10, 20, 25, 50, 100, 250))),
        "bonus_code": world.random.choice(("", "", "", "WELCOME100")),
        **money_of(player),
        "fee_amount": Decimal("0.00"),
        "note": "",
        "payment_id": world.number(),
        "status": "Requested",
        "type": world.random.choice(("Credit", "Credit", "Debit")),
        **about(world, player),
        "vendor_id": vendor_id,
        "vendor_name": vendor_name,
    }
    world.put_aside("PAYMENT", request)
    return request


PAYMENT: Final = Recipe(
    name="PAYMENT",
    make=make_payment,
    weight=80,
    id_field="payment_id",
    conflict_field="amount",
    identity=joined("payment_id", "type", "status"),
)


def _next(world: World, earlier: BrandEvent) -> BrandEvent:
    player = world.player_of(earlier)
    change = Decimal(str(earlier["amount"])) * (1 if earlier["type"] == "Credit" else -1)
    if earlier["status"] == "Approved":
        player.balance = max(player.balance - change, Decimal("0.00"))
        return earlier | {"status": "Rollback", "timestamp": world.timestamp()}
    ends = ("Approved", "Approved", "Approved", "Approved", "Rejected", "Cancelled")
    status = world.random.choice(ends) if player.balance + change >= 0 else "Rejected"
    end = earlier | {"status": status, "timestamp": world.timestamp()}
    if status == "Approved":
        player.balance += change
        if world.chance(0.03):
            world.put_aside("PAYMENT", end)
    return end


def make_user_balances_update(world: World) -> BrandEvent:
    """Make the present balances of a player."""
    player = world.player()
    accounts = {"real_money": player.balance, "bonus_money": player.bonus_balance}
    return {
        "balances": [
            {"key": key, "amount": amount, **money_of(player)} for key, amount in accounts.items()
        ],
        **about(world, player),
    }


USER_BALANCES_UPDATE: Final = Recipe(
    name="USER_BALANCES_UPDATE",
    make=make_user_balances_update,
    weight=90,
    wrong=("balances", "abc"),
    identity=joined("user_id", "timestamp"),
    identity_is_id=False,
)
