"""GAME_ROUND: one event for a whole round. GAME: the brand's catalogue of games.

A brand sends either rounds or bets and wins (`casino.py`), not both.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import UNSET, UnsetType

from consumer.events import timestamp
from consumer.events.base import (
    BODY,
    OCCURRENCE,
    SCHEMAS,
    BrandHost,
    Currency,
    EventType,
    Fields,
    Id,
    OptionalFlag,
    OptionalName,
    OptionalNumber,
    OptionalObject,
    OptionalText,
    OptionalTime,
    Reference,
    Timestamp,
    UserId,
    hint,
    only,
)

ZERO_TIMES_END_S: Final = 86_400.0
"""The end of 1970-01-01. What languages put into a time that nobody has set lies before, so that
it would be the same in every event of such a sender."""

RoundDevice = Annotated[
    str, hint("mobile", "desktop", "app", "unknown", why="What the player plays on.")
]


class GameRound(Fields, kw_only=True, forbid_unknown_fields=True):
    """A round of a casino game with all its bets and wins; for brands that send no CASINO."""

    user_id: UserId
    round_id: Id
    """Unique for each round of a player."""
    game_id: Reference
    """Id of the game."""
    game_name: str
    """Name of the game."""
    game_type: str
    """Kind of game."""
    vendor_id: Reference
    """Id of the game's vendor."""
    vendor_name: OptionalText = UNSET
    """Name of the game's vendor."""
    user_currency: Currency
    device_type: RoundDevice
    timestamp: Timestamp
    origin: BrandHost
    real_bet_user: OptionalNumber = UNSET
    """Real money bet, in the player's currency."""
    real_win_user: OptionalNumber = UNSET
    """Real money won, in the player's currency."""
    bonus_bet_user: OptionalNumber = UNSET
    """Bonus money bet, in the player's currency."""
    bonus_win_user: OptionalNumber = UNSET
    """Bonus money won, in the player's currency."""
    real_bet_base: OptionalNumber = UNSET
    """Real money bet, in the brand's base currency."""
    real_win_base: OptionalNumber = UNSET
    """Real money won, in the brand's base currency."""
    bonus_bet_base: OptionalNumber = UNSET
    """Bonus money bet, in the brand's base currency."""
    bonus_win_base: OptionalNumber = UNSET
    """Bonus money won, in the brand's base currency."""
    total_bet_base: OptionalNumber = UNSET
    """Real and bonus money bet, in the brand's base currency."""
    meta: OptionalObject = UNSET
    """Anything else the brand wants to add."""
    skip_publishing: OptionalFlag = UNSET
    """Not explained by the vendor."""


class Game(Fields, kw_only=True, forbid_unknown_fields=True):
    """A game of the brand's catalogue, new or changed; the last one sent is right."""

    game_id: Id
    """Id of the game."""
    is_live: bool
    """False: taken off the catalogue."""
    name: OptionalName = UNSET
    """Name of the game."""
    slug: OptionalText = UNSET
    """Name of the game in addresses."""
    provider: OptionalText = UNSET
    """Who made it."""
    category: OptionalText = UNSET
    """Where the brand shows it."""
    subcategory: OptionalText = UNSET
    """Where the brand shows it, more exactly."""
    supported_devices: list[str] | UnsetType | None = UNSET
    """What it can be played on: mobile, desktop, app, unknown."""
    last_modified: OptionalTime = UNSET
    """When the brand last changed the entry; another time with every change. An event that has it
    is put out once, however often it is sent. An event that does not have it, or has a time before
    1970-01-02, cannot be told from the next event that looks the same, so it is put out again
    whenever it is sent again."""
    origin: list[str] | str | UnsetType | None = UNSET
    """The brand's host, or several of them."""
    rtp: OptionalNumber = UNSET
    """Return to player, in percent."""


def _game_version(event: Game) -> tuple[str, ...]:
    # A game that is switched off, on and off again is three events, and the first and the third
    # have the same body. Only the brand's own time of the change, or the message itself, tells
    # them apart: docs/decisions/0009.
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
    subject=lambda _: "game.round",
    subjects=only("game.round"),
)

GAME = EventType(
    name="GAME",
    fields=Game,
    sources=("https://fast-track.gitbook.io/integration/real-time-data/games", SCHEMAS),
    identity=_game_version,
    identified_by=("hash of the body", "without last_modified also a hash of the message"),
    uses_occurrence=True,
    deciding=(),
    subject=lambda _: "game.catalog",
    subjects=only("game.catalog"),
    strict=("name",),
    time=None,
    user=None,
)
