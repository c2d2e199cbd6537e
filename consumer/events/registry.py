"""Lists all message types, and finds a type by its name. A new type gets a line in `CATALOGUE`."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from consumer.events.families import (
    balance,
    bonus,
    casino,
    custom,
    game,
    lottery,
    payment,
    player,
    poker,
    sportsbook,
)

if TYPE_CHECKING:
    from consumer.events.base import EventType

CATALOGUE: Final[tuple[EventType, ...]] = (
    casino.CASINO,
    game.GAME_ROUND,
    game.GAME,
    payment.PAYMENT,
    balance.USER_BALANCES_UPDATE,
    bonus.BONUS,
    sportsbook.SPORTSBOOK,
    lottery.LOTTERY_V2,
    lottery.LOTTERY,
    lottery.CART,
    poker.POKER_CASH_GAME_BUY_IN_V2,
    poker.POKER_CASH_GAME_CASH_OUT_V2,
    poker.POKER_TOURNAMENT_BUY_IN_V2,
    poker.POKER_TOURNAMENT_CASH_OUT_V2,
    player.LOGIN_V2,
    player.USER_CREATE_V2,
    player.USER_UPDATE_V2,
    player.USER_BLOCK_V2,
    player.USER_CONSENTS_V2,
    player.USER_TAG,
    player.USER_MIGRATION,
    player.USER_MIGRATION_APPROVE,
    custom.CUSTOM,
    custom.IT_PING,
)

_BY_NAME: Final = {
    name.lower(): event_type
    for event_type in CATALOGUE
    for name in (event_type.name, *event_type.aliases)
}


def find(name: str) -> EventType | None:
    """Return the type with this name, in upper or lower case; None if there is no such type."""
    return _BY_NAME.get(name.lower())


def nearest(name: str) -> str:
    """Return the type's name that a wrong name probably means; empty if no name is near.

    It takes about a millisecond for a long name, so a listener asks for a few names only.
    """
    names = [event_type.name for event_type in CATALOGUE]
    return next(iter(difflib.get_close_matches(name.upper(), names, 1)), "")


def subjects() -> tuple[str, ...]:
    """Return the subjects of all types, without prefix, sorted."""
    found = {subject for event_type in CATALOGUE for subject in event_type.subjects.values()}
    return tuple(sorted(found))


def subject_families() -> tuple[str, ...]:
    """Return the subjects of all types as wildcards, such as `game.*`, sorted."""
    first_tokens = {subject.partition(".")[0] for subject in subjects()}
    return tuple(f"{token}.*" for token in sorted(first_tokens))
