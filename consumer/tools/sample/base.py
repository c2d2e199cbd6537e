"""What the sample brand states about each message type: how to make its events, and break them.

The recipes of all message types are in `families/`. `generate.py` makes duplicates and broken
events from the events of a recipe.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from consumer.tools.sample.world import (
    CURRENCIES,
    ORIGIN,
    USER_AGENTS,
    BrandEvent,
    SamplePlayer,
    World,
)

__all__ = ["BrandEvent", "Recipe", "about", "browser_of", "joined", "money_of"]


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How to make events of one message type, and how to recognise them in the sink.

    Attributes:
        name: The message type.
        make: The function that makes the next event.
        weight: How often an event of this type is made among all types. All weights together are
            about 1,100.
        id_field: The name of a required id. Some broken events leave it out.
        wrong: The name of a field, and the wrong value that some broken events have in the field.
            The field is not part of the identity, so that two broken events are never the same.
        conflict_field: The name of a deciding field. A conflict has another value in it than the
            event that it contradicts. Empty means that the type has no deciding field.
        identity: A function that returns what tells an event from all others of its type. It does
            not use our catalogue, because the catalogue is checked against it.
        identity_is_id: If true, the identity is the CloudEvents id. If false, the id is a hash.
            Computing the same hash here would prove nothing, so `identity` is called with the data
            that came out, and each event is still recognised.
    """

    name: str
    make: Callable[[World], BrandEvent]
    weight: int
    id_field: str = "user_id"
    wrong: tuple[str, object] = ("amount", "abc")
    conflict_field: str = ""
    identity: Callable[[BrandEvent], str]
    identity_is_id: bool = True


def joined(*names: str) -> Callable[[BrandEvent], str]:
    """Return an identity that consists of some fields, with colons between them."""

    def identity(event: BrandEvent) -> str:
        return ":".join(str(event[name]) for name in names)

    return identity


def about(world: World, player: SamplePlayer) -> BrandEvent:
    """Return the fields that nearly every event has."""
    return {"user_id": player.user_id, "origin": ORIGIN, "timestamp": world.timestamp()}


def browser_of(world: World) -> BrandEvent:
    """Return the fields that describe a player's browser."""
    return {"user_agent": world.random.choice(USER_AGENTS), "ip_address": world.ip_address()}


def money_of(player: SamplePlayer) -> BrandEvent:
    """Return a player's currency and its exchange rate."""
    return {"currency": player.currency, "exchange_rate": CURRENCIES[player.currency]}
