"""LOTTERY_V2: tickets and their results. LOTTERY: subscriptions. CART: whole purchases."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from consumer.tools.sample.base import BrandEvent, Recipe, about, joined, money_of

if TYPE_CHECKING:
    from consumer.tools.sample.world import World

LOTTERIES: Final = (("12", "EuroJackpot"), ("14", "Lotto 6 of 49"), ("17", "Keno"))
LINE_PRICE: Final = Decimal("2.00")
DEVICES: Final = ("mobile", "desktop", "tablet")
ZERO: Final = Decimal("0.00")


def make_lottery_v2(world: World) -> BrandEvent:
    """Make a ticket, or the result of an earlier ticket."""
    earlier = world.take_earlier("LOTTERY_V2")
    if earlier is not None:
        return _result(world, earlier)
    player = world.player_with_money()
    lottery_id, lottery_name = world.random.choice(LOTTERIES)
    lines = [
        {
            "line_id": number,
            "numbers": sorted(world.random.sample(range(1, 50), 5)),
            "special_numbers": sorted(world.random.sample(range(1, 12), 2)),
            "is_quick_pick": world.chance(0.5),
        }
        for number in range(1, world.random.randrange(2, 5))
    ]
    ticket: BrandEvent = {
        "ticket_id": world.number(),
        "lottery_id": lottery_id,
        "draw_id": str(world.random.randrange(800, 900)),
        "lottery_name": lottery_name,
        "lottery_type": "Lottery",
        "draw_date": world.moment(3600, 7 * 86_400),
        **money_of(player),
        "amount": LINE_PRICE * len(lines),
        "type": "Bet",
        "bonus_code": "",
        "discount_amount": ZERO,
        "device_type": world.random.choice(("Mobile", "Desktop", "App")),
        **about(world, player),
        "lines": lines,
    }
    world.put_aside("LOTTERY_V2", ticket)
    return ticket


LOTTERY_V2: Final = Recipe(
    name="LOTTERY_V2",
    make=make_lottery_v2,
    weight=25,
    conflict_field="amount",
    identity=joined("user_id", "ticket_id", "draw_id", "type"),
)


def _result(world: World, ticket: BrandEvent) -> BrandEvent:
    is_won = world.chance(0.1)
    lines = ticket["lines"]
    matched = {"matched_numbers": [7], "matched_special_numbers": [], "is_winning_line": is_won}
    changes: BrandEvent = {
        "type": "Settlement",
        "amount": world.money(range(2, 200)) if is_won else ZERO,
        "timestamp": world.timestamp(),
        "draw_numbers": sorted(world.random.sample(range(1, 50), 5)),
        "draw_special_numbers": sorted(world.random.sample(range(1, 12), 2)),
        "lines": [
            {"line_id": number, **matched}
            for number, _ in enumerate(lines if isinstance(lines, list) else [], 1)
        ],
    }
    bought = {"bonus_code", "discount_amount", "device_type"}
    return {name: value for name, value in (ticket | changes).items() if name not in bought}


def make_lottery(world: World) -> BrandEvent:
    """Make a subscription for some weeks."""
    player = world.player_with_money()
    _, name = world.random.choice(LOTTERIES)
    weeks = world.random.randrange(1, 5)
    amount = LINE_PRICE * weeks
    return {
        "transaction_id": world.number(),
        "amount": amount,
        "account_amount": amount,
        "bonus_amount": ZERO,
        "bonus_code": "",
        **money_of(player),
        "deposit_amount": ZERO,
        "status": "Approved" if world.chance(0.95) else "Rejected",
        **about(world, player),
        "tickets": [
            {
                "ticket_id": world.number(),
                "product": name.lower().replace(" ", "-"),
                "product_name": name,
                "amount": amount,
                "lines_count": 1,
                "draws": [{"timestamp": world.moment(3600, 7 * 86_400)} for _ in range(weeks)],
            }
        ],
    }


LOTTERY: Final = Recipe(
    name="LOTTERY",
    make=make_lottery,
    weight=10,
    id_field="transaction_id",
    conflict_field="amount",
    identity=joined("transaction_id", "status"),
)


def make_cart(world: World) -> BrandEvent:
    """Make a paid cart with some tickets."""
    player = world.player_with_money()
    chosen = world.random.sample(LOTTERIES, world.random.randrange(1, 4))
    items = [
        {
            "id": int(lottery_id),
            "type": "Lottery",
            "name": name,
            "description": f"{name}, {lines} lines",
            "amount": LINE_PRICE * lines,
            "discount_amount": ZERO,
            "bonus_code": "",
        }
        for lottery_id, name in chosen
        for lines in [world.random.randrange(1, 7)]
    ]
    amount = sum((Decimal(str(item["amount"])) for item in items), ZERO)
    return {
        "cart_id": int(world.number()),
        "amount": amount,
        **money_of(player),
        "status": "Successful",
        "type": "Checkout",
        "device_type": world.random.choice(DEVICES),
        "discount_amount": ZERO,
        "bonus_code": "",
        **about(world, player),
        "payments": [{"type": world.random.choice(("Wallet", "Deposit")), "amount": amount}],
        "items": items,
    }


CART: Final = Recipe(
    name="CART",
    make=make_cart,
    weight=10,
    id_field="cart_id",
    conflict_field="amount",
    identity=joined("cart_id", "status"),
)
