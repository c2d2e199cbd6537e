"""Answers what a brand asks of its list of games.

As long as a provider has no game on the list, any `game_id` is good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta

from consumer.http.answer import Problem
from consumer.http.parameters import read_query
from consumer.ledger.games import USUAL_TYPE, LedgerGames, ListedGame
from consumer.wallet.bodies import (
    SentBody,
    SentName,
    bad_request,
    part_of,
    read_sent,
)
from consumer.wallet.books import PageLimit
from consumer.wallet.settings import SANDBOX_PROVIDER

if TYPE_CHECKING:
    from consumer.http.answer import Answer
    from consumer.http.request import Request
    from consumer.ledger.base import Ledger
    from consumer.wallet.desk import BrandDesk
    from consumer.wallet.settings import WalletSettings

SESSION_PLACE: Final = "{session}"
LaunchUrl = Annotated[
    str,
    Meta(
        max_length=2000,
        pattern=r"^https?://[^\s\x00-\x1f\x7f-\x9f]+$(?!\n)",
        description="where the game is played; `{session}` in it stands for the session",
    ),
]


class GameBody(SentBody, frozen=True, kw_only=True):
    """The body that puts a game on the list."""

    name: SentName
    type: SentName = USUAL_TYPE
    launch_url: LaunchUrl | None = None


class GamesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of the list."""

    after: Annotated[
        str,
        Meta(
            max_length=300,
            pattern=r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)",
            description="the `next` of the page before; empty: the start",
        ),
    ] = ""
    limit_count: PageLimit = msgspec.field(default=100, name="limit")


class Games:
    """Answers the requests.

    Args:
        desk: Finds the ledger and the brand of a request.
        settings: The options of the wallet.
    """

    def __init__(self, desk: BrandDesk, settings: WalletSettings) -> None:
        self._desk = desk
        self._settings = settings

    async def show_all(self, request: Request) -> Answer:
        """Return a page of the list, sorted by provider and game."""

        async def carry(ledger: Ledger, brand: str) -> dict[str, object]:
            query = read_query(request, GamesQuery)
            provider, _, game_id = query.after.partition("/")
            found = await LedgerGames(ledger).page(brand, (provider, game_id), query.limit_count)
            told: dict[str, object] = {"games": [_told(one) for one in found]}
            if len(found) == query.limit_count:
                told["next"] = f"{found[-1].provider}/{found[-1].game_id}"
            return told

        return await self._desk.answer(request, carry)

    async def put(self, request: Request) -> Answer:
        """Put a game on the list, or replace it."""
        sent = await read_sent(request, GameBody)
        if sent.launch_url is not None and SESSION_PLACE not in sent.launch_url:
            raise bad_request(f"launch_url: expected {SESSION_PLACE} in it")

        async def carry(ledger: Ledger, brand: str) -> dict[str, object]:
            provider = part_of(request, "provider")
            if provider not in self._settings.providers or provider == SANDBOX_PROVIDER:
                raise Problem(404, "not_found", f"there is no provider {provider}")
            place = (brand, provider, part_of(request, "game_id"))
            game = ListedGame(*place, sent.name, sent.type, sent.launch_url)
            await LedgerGames(ledger).put(game)
            return _told(game)

        return await self._desk.answer(request, carry)

    async def remove(self, request: Request) -> Answer:
        """Take a game from the list."""

        async def carry(ledger: Ledger, brand: str) -> dict[str, object]:
            provider, game_id = part_of(request, "provider"), part_of(request, "game_id")
            if provider == SANDBOX_PROVIDER or not await LedgerGames(ledger).remove(
                brand, provider, game_id
            ):
                raise Problem(404, "not_found", "there is no such game on the list")
            return {"provider": provider, "game_id": game_id, "removed": True}

        return await self._desk.answer(request, carry)


def _told(game: ListedGame) -> dict[str, object]:
    told: dict[str, object] = {
        "provider": game.provider,
        "game_id": game.game_id,
        "name": game.name,
        "type": game.type,
    }
    return told if game.launch_url is None else {**told, "launch_url": game.launch_url}
