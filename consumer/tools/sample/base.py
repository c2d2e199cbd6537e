"""What the sample brand states about each message type: how to make its events, and break them.

The events themselves are in `families/`, which has the same files as `consumer/events/families/`.
Duplicates and broken events are made of them in `generate.py`.
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
            about 1,000.
        id_field: The name of a required id. Some broken events leave it out.
        wrong: The name of a field, and the value that some broken events have in it. The field is
            not part of the identity, so that no two broken events become the same.
        conflict_field: The name of a deciding field. A conflict has another value in it than the
            event that it contradicts. Empty means that the type has no deciding field.
        identity: Returns what tells an event from all others of its type. It does not use our
            catalogue, because it is what the catalogue is checked against.
        identity_is_id: The identity is the CloudEvents id. Otherwise the id is a hash. Computing
            the same hash here would prove nothing. So `identity` is asked about the data that came
            out instead, and each event is still recognised.
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
    """Return what a brand tells about a player's browser."""
    return {"user_agent": world.random.choice(USER_AGENTS), "ip_address": world.ip_address()}


def money_of(player: SamplePlayer) -> BrandEvent:
    """Return a player's currency and its exchange rate."""
    return {"currency": player.currency, "exchange_rate": CURRENCIES[player.currency]}
