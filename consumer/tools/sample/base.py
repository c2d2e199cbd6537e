"""What a sample states about itself, as the catalogue does for what it reads.

Not for the events themselves (`families/`, one file a family as in `consumer/events/`), and not
for duplicates and broken ones (`generate.py`).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from consumer.tools.sample.world import CURRENCIES, ORIGIN, Event, Player, World

__all__ = ["Event", "SampleType", "about", "joined", "money_of", "sample"]


class SampleType(msgspec.Struct, frozen=True, kw_only=True):
    """How to make events of one type, and how to recognise them in the sink.

    Attributes:
        name: the message type.
        make: the next event.
        weight: how often it comes among all types; of about 1,000 together.
        id_field: a required id; the broken events leave it out.
        wrong: a field, and what the broken events put there; not one that tells events apart.
        conflict_field: a deciding field, which a conflicting event has another value in; empty:
            the type has none.
        identity: what tells an event from all others of its type, found without our catalogue.
        identity_is_id: it is the CloudEvents id. Otherwise that is a hash, and the same function
            is asked about the data that came out: to compute the hash here once more would prove
            nothing, and each event is still recognised.
    """

    name: str
    make: Callable[[World], Event]
    weight: int
    id_field: str
    wrong: tuple[str, object] = ("amount", "abc")
    conflict_field: str = ""
    identity: Callable[[Event], str]
    identity_is_id: bool = True


def sample(  # noqa: PLR0913  # the attributes of SampleType
    name: str,
    *,
    weight: int,
    id_field: str,
    identity: Callable[[Event], str],
    wrong: tuple[str, object] = ("amount", "abc"),
    conflict_field: str = "",
    identity_is_id: bool = True,
) -> Callable[[Callable[[World], Event]], SampleType]:
    """Turn the function that makes events of a type into a `SampleType`."""

    def wrap(make: Callable[[World], Event]) -> SampleType:
        return SampleType(
            name=name,
            make=make,
            weight=weight,
            id_field=id_field,
            wrong=wrong,
            conflict_field=conflict_field,
            identity=identity,
            identity_is_id=identity_is_id,
        )

    return wrap


def joined(*names: str) -> Callable[[Event], str]:
    """Return an identity that is some fields with colons between."""

    def identity(event: Event) -> str:
        return ":".join(str(event[name]) for name in names)

    return identity


def about(world: World, player: Player) -> Event:
    """Return what nearly every event carries."""
    return {"user_id": player.user_id, "origin": ORIGIN, "timestamp": world.timestamp()}


def money_of(player: Player) -> Event:
    """Return a player's currency and its rate."""
    return {"currency": player.currency, "exchange_rate": CURRENCIES[player.currency]}
