"""CUSTOM: events that only this brand has. IT_PING: a test message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.tools.sample.base import BrandEvent, Recipe, about, browser_of, joined

if TYPE_CHECKING:
    from consumer.tools.sample.world import World

LEVELS: Final = ("bronze", "silver", "gold", "platinum")


def make_custom(world: World) -> BrandEvent:
    """Make an event that only this brand has."""
    notification = world.random.choice(("LEVEL_UP", "MISSION_COMPLETED", "KYC_APPROVED"))
    data = {
        "LEVEL_UP": {"level": world.random.choice(LEVELS), "points": world.number()[:4]},
        "MISSION_COMPLETED": {"mission": f"mission-{world.random.randrange(1, 40)}"},
        "KYC_APPROVED": {"document": world.random.choice(("passport", "id_card"))},
    }[notification]
    return {
        "notification_type": notification,
        **about(world, world.player()),
        "data": data,
        **browser_of(world),
    }


CUSTOM: Final = Recipe(
    name="CUSTOM",
    make=make_custom,
    weight=30,
    id_field="notification_type",
    wrong=("data", "abc"),
    identity=joined("user_id", "timestamp"),
    identity_is_id=False,
)


def make_it_ping(world: World) -> BrandEvent:
    """Make a message that only tests whether messages arrive."""
    return {"ping_id": world.unique_id(), **about(world, world.player())}


IT_PING: Final = Recipe(
    name="IT_PING",
    make=make_it_ping,
    weight=5,
    id_field="ping_id",
    wrong=("origin", 5),
    conflict_field="user_id",
    identity=joined("ping_id"),
)
