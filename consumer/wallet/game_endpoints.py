"""Describes the list of games as endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.access.key import Scope
from consumer.http.endpoint import AnswerForm, BodyForm, Endpoint, because
from consumer.wallet.endpoints import GAME_PLACES, JSON, away_form, ok_form, schema_of
from consumer.wallet.games import GameBody, GamesQuery

if TYPE_CHECKING:
    from consumer.wallet.games import Games

_TEXT: Final = {"type": "string"}
_LAUNCH_URL: Final = "https://games.acme.example/book-of-sun?session={session}"
_SENT: Final = {"name": "Book of Sun", "type": "Slots", "launch_url": _LAUNCH_URL}
_EXAMPLE: Final = {"provider": "acme", "game_id": "book-of-sun", **_SENT}
_GAME: Final = {
    "title": "ListedGame",
    "type": "object",
    "properties": dict.fromkeys(_EXAMPLE, _TEXT),
}
_GAMES: Final = {
    "title": "ListedGames",
    "type": "object",
    "properties": {
        "games": {"type": "array", "items": _GAME},
        "next": {
            "type": "string",
            "description": "`after` of the next page; absent on the last one",
        },
    },
}
_REMOVED: Final = {
    "title": "RemovedGame",
    "type": "object",
    "properties": {"provider": _TEXT, "game_id": _TEXT, "removed": {"const": True}},
}


def game_endpoints(games: Games) -> tuple[Endpoint, ...]:
    """Return the endpoints."""
    nothing = AnswerForm(
        status=404,
        meaning="There is no such provider, or no such game on the list.",
        examples=because("not_found", "there is no provider acme"),
    )
    return (
        Endpoint(
            name="wallet_list_games",
            method="GET",
            path="/v1/games",
            summary="List the games",
            description="Sorted by provider and game. As long as a provider has none on the list, "
            "any `game_id` is good.",
            handle=games.show_all,
            scope=Scope.WALLET_OPERATOR,
            query=GamesQuery,
            answers=(ok_form(_GAMES, {"games": [_EXAMPLE]}), away_form()),
        ),
        Endpoint(
            name="wallet_put_game",
            method="PUT",
            path="/v1/games/{provider}/{game_id}",
            summary="Put a game on the list, or replace it",
            description="From now on, bets on games of this provider are taken only if the game is "
            "on the list. Its name and type are in the events, and its `launch_url` is in the "
            "answer of `POST /v1/sessions`, with the session in place of `{session}`.",
            handle=games.put,
            scope=Scope.WALLET_OPERATOR,
            places=GAME_PLACES,
            body=BodyForm(
                media_types=(JSON,), schema={JSON: schema_of(GameBody)}, examples={JSON: _SENT}
            ),
            answers=(
                ok_form(_GAME, _EXAMPLE),
                nothing,
                AnswerForm(
                    status=422,
                    meaning="The body cannot be read.",
                    examples=because("bad_request", "launch_url: expected {session} in it"),
                ),
                away_form(),
            ),
        ),
        Endpoint(
            name="wallet_remove_game",
            method="DELETE",
            path="/v1/games/{provider}/{game_id}",
            summary="Take a game from the list",
            description="No bets are taken on it any more, unless no game of its provider is left "
            "on the list. Wins of bets and rollbacks are still taken.",
            handle=games.remove,
            scope=Scope.WALLET_OPERATOR,
            places=GAME_PLACES,
            answers=(
                ok_form(_REMOVED, {"provider": "acme", "game_id": "book-of-sun", "removed": True}),
                nothing,
                away_form(),
            ),
        ),
    )
