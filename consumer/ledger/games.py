"""Keeps the list of games, which a brand may make for each of its providers.

While a brand lists no game of a provider, its players may play all games of this provider. Once the
brand lists a game, its players may play only the listed games of this provider. Both databases
understand the statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.ledger.base import Ledger

USUAL_TYPE: Final = "Slots"
"""The type of a game that is not on the list, or whose type is not given."""
_GAME: Final = "SELECT brand, provider, game_id, name, type, launch_url FROM game"
PUT: Final = """
    INSERT INTO game (brand, provider, game_id, name, type, launch_url)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (brand, provider, game_id) DO UPDATE
    SET name = excluded.name, type = excluded.type, launch_url = excluded.launch_url
    RETURNING game_id"""
REMOVE: Final = """
    DELETE FROM game WHERE brand = $1 AND provider = $2 AND game_id = $3 RETURNING game_id"""
PAGE: Final = f"""{_GAME}
    WHERE brand = $1 AND (provider, game_id) > ($2, $3) ORDER BY provider, game_id LIMIT $4"""
FIND: Final = f"{_GAME} WHERE brand = $1 AND provider = $2 AND game_id = $3"
ANY: Final = "SELECT 1 FROM game WHERE brand = $1 AND provider = $2 LIMIT 1"


class ListedGame(msgspec.Struct, frozen=True):
    """A game on the list. Its fields have the order of the columns of the table.

    Attributes:
        brand, provider, game_id: The game, and the brand whose players may play it.
        name: Its name, for the events.
        type: Its type, for the events, such as `Slots`.
        launch_url: The address at which the game is played. It holds `{session}`, which the
            session replaces. None means that the brand has given no address.
    """

    brand: str
    provider: str
    game_id: str
    name: str
    type: str
    launch_url: str | None = None


class LedgerGames:
    """Reads and changes the list.

    Every method raises `LedgerUnavailable` if the database does not answer.

    Args:
        ledger: The ledger.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def put(self, game: ListedGame) -> None:
        """Put a game on the list, or replace it."""
        await self._ledger.rows(PUT, msgspec.structs.astuple(game))

    async def remove(self, brand: str, provider: str, game_id: str) -> bool:
        """Take a game from the list. Return false if it is not there."""
        return bool(await self._ledger.rows(REMOVE, (brand, provider, game_id)))

    async def page(
        self, brand: str, after: tuple[str, str], max_count: int
    ) -> Sequence[ListedGame]:
        """Return the games of a brand behind a provider and a game, sorted by both."""
        return [
            ListedGame(*row) for row in await self._ledger.rows(PAGE, (brand, *after, max_count))
        ]

    async def find(self, brand: str, provider: str, game_id: str) -> tuple[bool, ListedGame | None]:
        """Tell whether a game may be played, and return what the list has about it."""
        found = await self._ledger.rows(FIND, (brand, provider, game_id))
        if found:
            return True, ListedGame(*found[0])
        return not await self._ledger.rows(ANY, (brand, provider)), None
