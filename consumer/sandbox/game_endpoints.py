"""Describes what the pages of the test games ask for as endpoints, and answers them.

No key is asked for: a session is secret, and is the right to play with its player's money. A player
has no key of the brand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.http.answer import JSON, Answer
from consumer.http.endpoint import RETRY, AnswerForm, BodyForm, Endpoint
from consumer.http.parameters import read_query
from consumer.sandbox.bodies import BODY_MAX_BYTES, GameRoundBody, GameStateQuery
from consumer.sandbox.game_examples import (
    PLAYED,
    PLAYED_SCHEMA,
    STATE,
    STATE_SCHEMA,
    WANTED_ROUND,
)
from consumer.wallet.bodies import read_json
from consumer.wallet.endpoints import ok_form, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.http.request import Request
    from consumer.sandbox.game_server import GameServer

CheckSession = Callable[[str, str], Awaitable[None]]
"""Takes a brand and a session. Raises `Problem`."""
NO_STORE: Final = {"cache-control": "no-store"}
"""A body with a session, or with somebody's money, is kept by no cache."""
_PLACES: Final = {"game": {"type": "string", "description": "`slot` or `dice`"}}


class GamePages:
    """Answers the pages of the test games.

    Args:
        server: Plays.
        check: Refuses what is no session, before a call is made for it.
    """

    def __init__(self, server: GameServer, check: CheckSession) -> None:
        self._server = server
        self._check = check

    async def state(self, request: Request) -> Answer:
        """Return a game and the player's money."""
        query = read_query(request, GameStateQuery)
        game_id = request.parameters["game"]
        await self._check(query.brand, query.session)
        return _told(await self._server.state(game_id, query.brand, query.session))

    async def play(self, request: Request) -> Answer:
        """Play a round."""
        body = read_json(await request.read_body(BODY_MAX_BYTES), GameRoundBody)
        await self._check(body.brand, body.session)
        return _told(await self._server.play(request.parameters["game"], body))


def sandbox_game_endpoints(pages: GamePages) -> tuple[Endpoint, ...]:
    """Return the endpoints."""
    return (
        Endpoint(
            name="sandbox_game_state",
            method="GET",
            path="/sandbox/games/{game}/state",
            summary="Show a test game and its player's money",
            description="The session is the only right that is needed.",
            handle=pages.state,
            needs_key=False,
            places=_PLACES,
            query=GameStateQuery,
            answers=(ok_form(STATE_SCHEMA, STATE, "The game."), *_refusals(plays=False)),
        ),
        Endpoint(
            name="sandbox_game_round",
            method="POST",
            path="/sandbox/games/{game}/rounds",
            summary="Play a round of a test game",
            description="The test game sends signed callbacks to the wallet, as a provider's game "
            "does, with the faults that are switched on. The answer shows each of them. After "
            "20 s at the latest it says `open`, and the round goes on without the page.",
            handle=pages.play,
            needs_key=False,
            places=_PLACES,
            body=BodyForm(
                media_types=(JSON,),
                schema={JSON: schema_of(GameRoundBody)},
                examples={JSON: WANTED_ROUND},
            ),
            answers=(ok_form(PLAYED_SCHEMA, PLAYED, "The round."), *_refusals(plays=True)),
        ),
    )


def _told(document: dict[str, object]) -> Answer:
    return Answer(200, msgspec.json.encode(document), headers=NO_STORE)


def _refusals(*, plays: bool) -> Iterator[AnswerForm]:
    """Yield the answers when nothing is shown or played."""
    yield _form(404, "SESSION_NOT_FOUND", "the wallet has no such session")
    if plays:
        yield _form(422, "BAD_REQUEST", "stake: expected 0.20 or 1.00 or 5.00 or 20.00")
        yield _form(429, "TOO_MANY_ROUNDS", "this session has 4 rounds under way")
    yield _form(503, "UNAVAILABLE", "the wallet does not answer")


def _form(status: int, code: str, detail: str) -> AnswerForm:
    example = {"reason": code.lower(), "code": code, "detail": detail}
    return AnswerForm(
        status=status,
        meaning="Nothing was played.",
        examples={code.lower(): example},
        headers=RETRY if status in (429, 503) else {},
    )
