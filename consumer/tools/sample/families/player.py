"""LOGIN_V2, USER_*: players register, log in, change, and move between brands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.tools.sample.base import BrandEvent, Recipe, about, browser_of, joined
from consumer.tools.sample.world import USER_AGENTS

if TYPE_CHECKING:
    from consumer.tools.sample.world import World

TAGS: Final = ("vip", "churn-risk", "high-roller", "newsletter", "slots", "weekend")
WRONG_ORIGIN: Final = ("origin", 5)

_identity: Final = joined("user_id", "origin", "timestamp")


def make_login(world: World) -> BrandEvent:
    """Make the login of a player."""
    return {
        **about(world, world.player()),
        "is_impersonated": world.chance(0.01),
        "ip_address": world.ip_address(),
        "user_agent": world.random.choice(USER_AGENTS),
        "is_verified": world.chance(0.8),
    }


LOGIN_V2: Final = Recipe(
    name="LOGIN_V2",
    make=make_login,
    weight=100,
    wrong=("is_verified", "yes"),
    identity=_identity,
)


def make_user_create(world: World) -> BrandEvent:
    """Make the registration of a player."""
    return {
        **about(world, world.player()),
        "note": "",
        **browser_of(world),
    }


USER_CREATE_V2: Final = Recipe(
    name="USER_CREATE_V2",
    make=make_user_create,
    weight=15,
    wrong=WRONG_ORIGIN,
    identity=_identity,
)


def make_change(world: World) -> BrandEvent:
    """Make an event that says only that something about a player changed."""
    return about(world, world.player())


def _change(name: str, weight: int) -> Recipe:
    return Recipe(
        name=name,
        make=make_change,
        weight=weight,
        wrong=WRONG_ORIGIN,
        identity=_identity,
    )


USER_UPDATE_V2: Final = _change("USER_UPDATE_V2", 30)
USER_BLOCK_V2: Final = _change("USER_BLOCK_V2", 5)
USER_CONSENTS_V2: Final = _change("USER_CONSENTS_V2", 12)


def make_user_tag(world: World) -> BrandEvent:
    """Make a change in a player's tags."""
    tags = world.random.sample(TAGS, world.random.randrange(4))
    return {**about(world, world.player()), "tags": ",".join(sorted(tags))}


USER_TAG: Final = Recipe(
    name="USER_TAG",
    make=make_user_tag,
    weight=10,
    wrong=("tags", ["vip"]),
    identity=joined("user_id", "timestamp"),
    identity_is_id=False,
)


def make_user_migration(world: World) -> BrandEvent:
    """Make the request of a player to move here from another brand."""
    migration = {**about(world, world.player()), "migration_reference": world.unique_id()}
    world.put_aside("USER_MIGRATION", migration)
    return migration


USER_MIGRATION: Final = Recipe(
    name="USER_MIGRATION",
    make=make_user_migration,
    weight=5,
    id_field="migration_reference",
    wrong=WRONG_ORIGIN,
    conflict_field="user_id",
    identity=joined("migration_reference"),
)


def make_user_migration_approve(world: World) -> BrandEvent:
    """Make the approval of an earlier request to move here."""
    asked = world.take_earlier("USER_MIGRATION", 1.0)
    return about(world, world.player_of(asked) if asked else world.player())


USER_MIGRATION_APPROVE: Final = Recipe(
    name="USER_MIGRATION_APPROVE",
    make=make_user_migration_approve,
    weight=5,
    wrong=WRONG_ORIGIN,
    identity=joined("user_id", "timestamp"),
)
