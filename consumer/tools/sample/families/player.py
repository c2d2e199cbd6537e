"""LOGIN_V2, USER_*: players come, change and go; logins most often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.tools.sample.base import Event, about, joined, sample
from consumer.tools.sample.world import USER_AGENTS

if TYPE_CHECKING:
    from consumer.tools.sample.world import World

TAGS: Final = ("vip", "churn-risk", "high-roller", "newsletter", "slots", "weekend")
NO_BRAND: Final = ("origin", 5)

_identity: Final = joined("user_id", "origin", "timestamp")


@sample(
    "LOGIN_V2", weight=100, id_field="user_id", wrong=("is_verified", "yes"), identity=_identity
)
def login(world: World) -> Event:
    """Make a player log in."""
    return {
        **about(world, world.player()),
        "is_impersonated": world.chance(0.01),
        "ip_address": world.ip_address(),
        "user_agent": world.random.choice(USER_AGENTS),
        "is_verified": world.chance(0.8),
    }


@sample("USER_CREATE_V2", weight=15, id_field="user_id", wrong=NO_BRAND, identity=_identity)
def user_create(world: World) -> Event:
    """Make somebody register, who then plays as the others do."""
    return {
        **about(world, world.player()),
        "note": "",
        "user_agent": world.random.choice(USER_AGENTS),
        "ip_address": world.ip_address(),
    }


@sample("USER_UPDATE_V2", weight=30, id_field="user_id", wrong=NO_BRAND, identity=_identity)
def user_update(world: World) -> Event:
    """Make something about a player change."""
    return about(world, world.player())


@sample("USER_BLOCK_V2", weight=5, id_field="user_id", wrong=NO_BRAND, identity=_identity)
def user_block(world: World) -> Event:
    """Make a player be blocked, or not any more."""
    return about(world, world.player())


@sample("USER_CONSENTS_V2", weight=12, id_field="user_id", wrong=NO_BRAND, identity=_identity)
def user_consents(world: World) -> Event:
    """Make a player allow or forbid something."""
    return about(world, world.player())


@sample(
    "USER_TAG",
    weight=10,
    id_field="user_id",
    wrong=("tags", ["vip"]),
    identity=joined("user_id", "timestamp"),
    identity_is_id=False,
)
def user_tag(world: World) -> Event:
    """Make a player's tags change."""
    tags = world.random.sample(TAGS, world.random.randrange(4))
    return {**about(world, world.player()), "tags": ",".join(sorted(tags))}


@sample(
    "USER_MIGRATION",
    weight=5,
    id_field="migration_reference",
    wrong=NO_BRAND,
    conflict_field="user_id",
    identity=joined("migration_reference"),
)
def user_migration(world: World) -> Event:
    """Make a player ask to move here from another brand."""
    migration = {**about(world, world.player()), "migration_reference": world.unique_id()}
    world.wait("USER_MIGRATION", migration)
    return migration


@sample(
    "USER_MIGRATION_APPROVE",
    weight=5,
    id_field="user_id",
    wrong=NO_BRAND,
    identity=joined("user_id", "timestamp"),
)
def user_migration_approve(world: World) -> Event:
    """Make it be allowed to one of those who asked."""
    asked = world.earlier("USER_MIGRATION", 1.0)
    return about(world, world.player_of(asked) if asked else world.player())
