"""BONUS: a bonus from its beginning to its end."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from consumer.tools.sample.base import BrandEvent, Recipe, about, money_of

if TYPE_CHECKING:
    from consumer.tools.sample.world import World

BONUSES: Final = (
    ("671", "WelcomeBonus", "Casino", "WELCOME100"),
    ("672", "ReloadBonus", "Casino", "RELOAD50"),
    ("680", "CashbackBonus", "Casino", ""),
    ("690", "RiskFreeBet", "Sportsbook", "GOAL"),
    ("695", "NoDeposit", "Lotto", ""),
)
"""Each bonus's id, type, product and code."""
ENDS: Final = ("Completed", "Completed", "AutoCompleted", "Forfeited", "Expired", "Lost", "Lost")
WAGERED_RATIO: Final = 35
"""The amount that has to be wagered for a bonus, divided by the amount of the bonus."""
ZERO: Final = Decimal("0.00")


def _identity(event: BrandEvent) -> str:
    # Several events of a bonus may have the status Ongoing, but only one event has each other
    # status.
    when = f":{event['timestamp']}" if event["status"] == "Ongoing" else ""
    return f"{event['user_bonus_id']}:{event['status']}{when}"


def make_bonus(world: World) -> BrandEvent:
    """Make a new bonus, or the next step of an earlier one."""
    earlier = world.take_earlier("BONUS", 0.6)
    if earlier is not None:
        return _next(world, earlier)
    player = world.player()
    bonus_id, bonus_type, product, code = world.random.choice(BONUSES)
    amount = Decimal(world.random.choice((5, 10, 25, 50, 100)))
    created: BrandEvent = {
        "amount": amount,
        "bonus_code": code,
        "bonus_id": bonus_id,
        "bonus_turned_real": ZERO,
        **money_of(player),
        "locked_amount": ZERO,
        "product": product,
        "required_wagering_amount": amount * WAGERED_RATIO,
        "status": "Created",
        "type": bonus_type,
        "user_bonus_id": world.number(),
        **about(world, player),
    }
    if world.chance(0.3):
        created["fasttrack_references"] = _references(world)
    if world.chance(0.1):
        # The event about free spins is sent after they were played. It says what the player won.
        played = {"type": "FreeSpins", "status": "Completed", "bonus_turned_real": amount}
        return created | played
    player.bonus_balance += amount
    world.put_aside("BONUS", created)
    return created


BONUS: Final = Recipe(
    name="BONUS",
    make=make_bonus,
    weight=60,
    id_field="user_bonus_id",
    conflict_field="amount",
    identity=_identity,
)


def _next(world: World, earlier: BrandEvent) -> BrandEvent:
    now = {"timestamp": world.timestamp()}
    if world.chance(0.3):
        ongoing = earlier | {"status": "Ongoing"} | now
        world.put_aside("BONUS", ongoing)
        return ongoing
    player = world.player_of(earlier)
    amount = Decimal(str(earlier["amount"]))
    player.bonus_balance = max(player.bonus_balance - amount, ZERO)
    status = world.random.choice(ENDS)
    if "Completed" not in status:
        return earlier | {"status": status} | now
    player.balance += amount
    return earlier | {"status": status, "bonus_turned_real": amount} | now


def _references(world: World) -> BrandEvent:
    """Return the references that the CRM sent with the bonus.

    Their `activity_id` is not the `activity_id` of an event.
    """
    return {
        "id": world.random.randrange(10**6),
        "action_id": world.random.randrange(10**4),
        "action_group_id": world.random.randrange(10**3),
        "action_communication_profile_id": world.random.randrange(10),
        "activity_id": world.random.randrange(10**6),
        "trigger_hash": world.unique_id()[:8],
    }
