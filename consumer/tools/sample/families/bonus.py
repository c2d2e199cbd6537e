"""BONUS: from being given to one of its ends."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from consumer.tools.sample.base import Event, about, money_of, sample

if TYPE_CHECKING:
    from consumer.tools.sample.world import World

BONUSES: Final = (
    ("671", "WelcomeBonus", "Casino", "WELCOME100"),
    ("672", "ReloadBonus", "Casino", "RELOAD50"),
    ("680", "CashbackBonus", "Casino", ""),
    ("690", "RiskFreeBet", "Sportsbook", "GOAL"),
    ("695", "NoDeposit", "Lotto", ""),
)
"""Id, type, product, code."""
ENDS: Final = ("Completed", "Completed", "AutoCompleted", "Forfeited", "Expired", "Lost", "Lost")
WAGERED_TIMES: Final = 35
ZERO: Final = Decimal("0.00")


def _identity(event: Event) -> str:
    # The only status that may come several times.
    when = f":{event['timestamp']}" if event["status"] == "Ongoing" else ""
    return f"{event['user_bonus_id']}:{event['status']}{when}"


@sample("BONUS", weight=60, id_field="user_bonus_id", conflict_field="amount", identity=_identity)
def bonus(world: World) -> Event:
    """Make a new bonus, or the next step of an earlier one."""
    earlier = world.earlier("BONUS", 0.6)
    if earlier is not None:
        return _next(world, earlier)
    player = world.player()
    bonus_id, kind, product, code = world.random.choice(BONUSES)
    amount = Decimal(world.random.choice((5, 10, 25, 50, 100)))
    created: Event = {
        "amount": amount,
        "bonus_code": code,
        "bonus_id": bonus_id,
        "bonus_turned_real": ZERO,
        **money_of(player),
        "locked_amount": ZERO,
        "product": product,
        "required_wagering_amount": amount * WAGERED_TIMES,
        "status": "Created",
        "type": kind,
        "user_bonus_id": world.number(),
        **about(world, player),
    }
    if world.chance(0.3):
        created["fasttrack_references"] = _references(world)
    if world.chance(0.1):
        # Free spins are told of only once they are played, with what was won.
        played = {"type": "FreeSpins", "status": "Completed", "bonus_turned_real": amount}
        return created | played
    player.bonus_balance += amount
    world.wait("BONUS", created)
    return created


def _next(world: World, earlier: Event) -> Event:
    now = {"timestamp": world.timestamp()}
    if world.chance(0.3):
        ongoing = earlier | {"status": "Ongoing"} | now
        world.wait("BONUS", ongoing)
        return ongoing
    player = world.player_of(earlier)
    amount = Decimal(str(earlier["amount"]))
    player.bonus_balance = max(player.bonus_balance - amount, ZERO)
    status = world.random.choice(ENDS)
    if "Completed" not in status:
        return earlier | {"status": status} | now
    player.balance += amount
    return earlier | {"status": status, "bonus_turned_real": amount} | now


def _references(world: World) -> Event:
    """Return what the CRM sent with the bonus; its activity_id is not one of ours."""
    return {
        "id": world.random.randrange(10**6),
        "action_id": world.random.randrange(10**4),
        "action_group_id": world.random.randrange(10**3),
        "action_communication_profile_id": world.random.randrange(10),
        "activity_id": world.random.randrange(10**6),
        "trigger_hash": world.unique_id()[:8],
    }
