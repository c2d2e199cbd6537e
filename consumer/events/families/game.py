"""GAME_ROUND: an event for a whole round. GAME: the brand's catalogue of games.

A brand sends either rounds or bets and wins (`casino.py`), not both.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import UNSET, UnsetType

from consumer.events import timestamp
from consumer.events.base import (
    BODY,
    NOT_EMPTY,
    OCCURRENCE,
    ONE_VALUE,
    SCHEMAS,
    BrandHost,
    Currency,
    EventType,
    Fields,
    Id,
    MetaObject,
    OptionalNumber,
    OptionalText,
    PageTime,
    Reference,
    SkipPublishing,
    Timestamp,
    UserId,
    hint,
    only,
)

ZERO_TIMES_END_S: Final = 86_400.0
"""The end of 1970-01-01, in seconds since 1970. Languages put an earlier time into a field that
nobody has set. Such a time is the same in every event of a sender, so it tells no events apart."""

RoundDevice = Annotated[
    str, hint("mobile", "desktop", "app", "unknown", why="The device that the player plays on.")
]
SupportedDevice = Annotated[
    str,
    hint(
        "mobile",
        "desktop",
        "app",
        "unknown",
        why="The devices that the game can be played on.",
        schema=("mobile", "desktop", "app", "unknown"),
    ),
]


class GameRound(Fields, kw_only=True, forbid_unknown_fields=True):
    """A round of a casino game with all its bets and wins; for brands that send no CASINO."""

    user_id: UserId
    round_id: Id
    """The id of the round, unique for each round of a player."""
    game_id: Reference
    """The id of the game."""
    game_name: str
    """The name of the game."""
    game_type: str
    """The kind of game."""
    vendor_id: Reference
    """The id of the game's vendor."""
    vendor_name: OptionalText = UNSET
    """The name of the game's vendor."""
    user_currency: Currency
    device_type: RoundDevice
    timestamp: Timestamp
    origin: BrandHost
    real_bet_user: OptionalNumber = UNSET
    """The real money that was bet, in the player's currency."""
    real_win_user: OptionalNumber = UNSET
    """The real money that was won, in the player's currency."""
    bonus_bet_user: OptionalNumber = UNSET
    """The bonus money that was bet, in the player's currency."""
    bonus_win_user: OptionalNumber = UNSET
    """The bonus money that was won, in the player's currency."""
    real_bet_base: OptionalNumber = UNSET
    """The real money that was bet, in the brand's base currency."""
    real_win_base: OptionalNumber = UNSET
    """The real money that was won, in the brand's base currency."""
    bonus_bet_base: OptionalNumber = UNSET
    """The bonus money that was bet, in the brand's base currency."""
    bonus_win_base: OptionalNumber = UNSET
    """The bonus money that was won, in the brand's base currency."""
    total_bet_base: OptionalNumber = UNSET
    """The real money and bonus money that were bet, in the brand's base currency."""
    meta: MetaObject = UNSET
    skip_publishing: SkipPublishing = UNSET


class Game(Fields, kw_only=True, forbid_unknown_fields=True):
    """A new or changed game of the brand's catalogue. The event that was sent last is right."""

    game_id: Annotated[Id, NOT_EMPTY]
    """The id of the game."""
    is_live: bool
    """If false, the game was taken out of the catalogue."""
    name: OptionalText = UNSET
    """The name of the game."""
    slug: OptionalText = UNSET
    """The name of the game in web addresses."""
    provider: OptionalText = UNSET
    """The company that made the game."""
    category: OptionalText = UNSET
    """The place where the brand shows the game."""
    subcategory: OptionalText = UNSET
    """The place where the brand shows the game, more exactly."""
    supported_devices: list[SupportedDevice] | UnsetType | None = UNSET
    last_modified: PageTime = UNSET
    """The time at which the brand last changed the entry, which is another time after each change.
    An event that has this time is put out once, however often it is sent. An event that does not
    have it, or has a time before 1970-01-02, cannot be told from the next event that looks the
    same, so it is put out again whenever it is sent again."""
    origin: Annotated[list[str] | str | UnsetType | None, ONE_VALUE] = UNSET
    """The brand's host, or several hosts."""
    rtp: OptionalNumber = UNSET
    """Return to player, in percent."""


def _game_version(event: Game) -> tuple[str, ...]:
    # A game that is switched off, on, and off again makes three events. The first and the third
    # event have the same body. Only the brand's own time of the change, or the message itself,
    # tells them apart: docs/decisions/0009.
    try:
        changed_s = timestamp.parse(event.last_modified or "").epoch_s
    except ValueError:
        changed_s = 0.0
    return (BODY,) if changed_s >= ZERO_TIMES_END_S else (BODY, OCCURRENCE)


GAME_ROUND = EventType(
    name="GAME_ROUND",
    fields=GameRound,
    sources=(
        "https://www.fasttrack-solutions.com/en/resources/integration/real-time-data/casino/game-rounds",
        SCHEMAS,
    ),
    identity=lambda event: (event.user_id, event.round_id),
    identified_by=("user_id", "round_id"),
    deciding=(
        "game_id",
        "vendor_id",
        "user_currency",
        "real_bet_user",
        "real_win_user",
        "bonus_bet_user",
        "bonus_win_user",
    ),
    subjects=only("game.round"),
    # The vendor's repository had a schema of this type, but its main branch does not have it.
    has_schema=False,
)

GAME = EventType(
    name="GAME",
    fields=Game,
    sources=("https://fast-track.gitbook.io/integration/real-time-data/games", SCHEMAS),
    identity=_game_version,
    identified_by=("hash of the body", "without last_modified also a hash of the message"),
    uses_occurrence=True,
    deciding=(),
    subjects=only("game.catalog"),
    strict=("name",),
    time=None,
    user=None,
)
