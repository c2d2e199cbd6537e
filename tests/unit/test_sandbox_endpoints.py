"""What the page of a test game gets over HTTP, and what it may not do."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

import jsonschema
import pytest
from jsonschema import Draft202012Validator

from consumer.sandbox import game_server, running
from consumer.sandbox.faults import GameFault
from consumer.sandbox.game_endpoints import GamePages, sandbox_game_endpoints
from consumer.sandbox.game_examples import EXCHANGE, PLAYED, PLAYED_SCHEMA, STATE, STATE_SCHEMA
from consumer.sandbox.games.offered import OFFERED
from tests.support.eventually import eventually
from tests.support.http_application import application_of, client_of
from tests.support.sandbox_scene import SandboxScene, sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

WHO: Final = {"brand": "b", "session": "s-usual"}
WANTED: Final[dict[str, Any]] = {**WHO, "stake": "1.00", "choice": {}, "faults": []}
SPIN: Final = "/sandbox/games/slot/rounds"


class Page:
    """A page of the test games.

    Attributes:
        scene: The server and the wallet.
        client: Sends its requests, without a key.
    """

    def __init__(self, scene: SandboxScene, client: httpx.AsyncClient) -> None:
        self.scene = scene
        self.client = client

    async def spin(self, **changes: object) -> httpx.Response:
        """Play the slot."""
        return await self.client.post(SPIN, json={**WANTED, **changes})

    async def state(self, game: str = "slot", **query: str) -> httpx.Response:
        """Ask for a state."""
        return await self.client.get(f"/sandbox/games/{game}/state", params={**WHO, **query})


@pytest.fixture
async def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Page]:
    """Give a page of the test games."""
    async with sandbox(tmp_path, monkeypatch) as scene:
        endpoints = sandbox_game_endpoints(GamePages(scene.server, scene.check_session))
        async with client_of(application_of(endpoints)) as client:
            del client.headers["x-api-key"]
            yield Page(scene, client)


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return the status and the code of a problem document."""
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("game", OFFERED)
async def test_state_shows_the_game_and_the_money(game: str, page: Page) -> None:
    """No cache keeps it."""
    response = await page.state(game)
    told = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert list(told) == list(STATE)
    jsonschema.validate(told, STATE_SCHEMA)
    assert (told["game"], told["currency"], told["balance"]) == (game, "EUR", "100.00")
    assert told["stakes"] == ["0.20", "1.00", "5.00", "20.00"]
    assert [each["name"] for each in told["faults"]] == list(OFFERED[game].faults)


async def test_state_shows_bonus_money(page: Page) -> None:
    """Both kinds, and both together."""
    told = (await page.state(session="s-bonus")).json()
    assert (told["balance"], told["balance_real"], told["balance_bonus"]) == (
        "10.00",
        "7.00",
        "3.00",
    )


@pytest.mark.parametrize("game", OFFERED)
async def test_round_is_told_as_its_schema_says(game: str, page: Page) -> None:
    """With all that a page shows."""
    choice = {"chance": "50", "side": "over"} if game == "dice" else {}
    wanted = {**WANTED, "choice": choice, "faults": ["lose_bet_answer"]}
    response = await page.client.post(f"/sandbox/games/{game}/rounds", json=wanted)
    told = response.json()
    assert response.headers["cache-control"] == "no-store"
    assert list(told) == list(PLAYED)
    jsonschema.validate(told, PLAYED_SCHEMA)
    assert list(told["exchanges"][0]) == list(EXCHANGE)


@pytest.mark.parametrize("schema", [STATE_SCHEMA, PLAYED_SCHEMA], ids=["state", "round"])
def test_example_fits_its_schema(schema: dict[str, object]) -> None:
    """Both stand in the OpenAPI document."""
    Draft202012Validator.check_schema(schema)
    jsonschema.validate(STATE if schema is STATE_SCHEMA else PLAYED, schema)


@pytest.mark.parametrize(
    ("game", "query", "code"),
    [
        ("roulette", {}, "GAME_NOT_FOUND"),
        ("slot", {"brand": "x"}, "BRAND_NOT_FOUND"),
        ("slot", {"session": "s-nobody"}, "SESSION_NOT_FOUND"),
        ("slot", {"session": "s-stranger"}, "SESSION_NOT_FOUND"),
    ],
)
async def test_what_is_not_there_is_404(
    game: str, query: dict[str, str], code: str, page: Page
) -> None:
    """For the state and for a round."""
    assert refusal(await page.state(game, **query)) == (404, code)
    path = f"/sandbox/games/{game}/rounds"
    assert refusal(await page.client.post(path, json={**WANTED, **query})) == (404, code)


@pytest.mark.parametrize(
    "changes",
    [
        {"stake": "0.01"}, {"stake": 1}, {"stake": "1"}, {"stake": "-1.00"}, {"stake": "1000.00"},
        {"choice": {"chance": "50"}}, {"choice": []}, {"choice": {"x": 1}}, {"faults": ["x"]},
        {"faults": ["delay"] * 10}, {"faults": "delay"}, {"session": ""}, {"session": "s\n"},
        {"brand": 1}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
async def test_body_that_does_not_fit_is_refused(changes: dict[str, Any], page: Page) -> None:
    """Nothing is sent to the wallet for it."""
    assert refusal(await page.spin(**changes)) == (422, "BAD_REQUEST")
    assert await page.scene.balance_units() == 100_00


@pytest.mark.parametrize("fault", [GameFault.REORDER, GameFault.LOSE_WIN_ANSWER])
async def test_fault_that_the_dice_does_not_have_is_refused(fault: str, page: Page) -> None:
    """Its win comes together with its bet."""
    wanted = {**WANTED, "choice": {"chance": "50", "side": "over"}, "faults": [fault]}
    response = await page.client.post("/sandbox/games/dice/rounds", json=wanted)
    assert refusal(response) == (422, "BAD_REQUEST")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"\xff", json.dumps(WANTED).encode()[:-1] + b', "stake": "5.00"}'],
    ids=["empty", "list", "cut", "no text", "stake twice"],
)
async def test_body_that_can_be_read_in_two_ways_is_refused(body: bytes, page: Page) -> None:
    """As the wallet does it."""
    headers = {"content-type": "application/json"}
    response = await page.client.post(SPIN, content=body, headers=headers)
    assert refusal(response) == (422, "BAD_REQUEST")


async def test_large_body_is_refused(page: Page) -> None:
    """Before it is read."""
    response = await page.spin(session="s" * 5000)
    assert response.status_code == 413


async def test_query_that_is_not_known_is_refused(page: Page) -> None:
    """A misspelt parameter is no parameter."""
    assert (await page.state(sesion="x")).status_code == 400


@contextlib.asynccontextmanager
async def stuck(page: Page, count: int, *sessions: str) -> AsyncIterator[list[httpx.Response]]:
    """Play rounds that wait for their wallet, and give what they are answered in the end."""
    answers: list[httpx.Response] = []

    async def play(session: str) -> None:
        answers.append(await page.spin(session=session))

    for session in sessions:
        await page.state(session=session)
    page.scene.fails = lambda path: path.endswith("/win")
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            for session in sessions:
                group.create_task(play(session))
        expected_count = count * len(sessions)
        await eventually(lambda: page.scene.server.open_count == expected_count)
        yield answers
        page.scene.fails = lambda _: False


async def test_session_with_too_many_rounds_gets_429(page: Page) -> None:
    """Another session plays on, and so does this one once its rounds have ended."""
    async with stuck(page, 4, "s-usual") as answers:
        response = await page.spin()
        assert refusal(response) == (429, "TOO_MANY_ROUNDS")
        assert response.headers["retry-after"] == "5"
        page.scene.fails = lambda _: False
        assert (await page.spin(session="s-other")).status_code == 200
    assert [each.json()["status"] for each in answers] == ["settled"] * 4
    assert (await page.spin()).json()["status"] == "settled"


async def test_too_many_requests_at_once_get_503(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those for a state count as well."""
    monkeypatch.setattr(game_server, "WAITING_MAX_COUNT", 2)
    async with stuck(page, 1, "s-usual", "s-other"):
        assert refusal(await page.spin(session="s-bonus")) == (503, "UNAVAILABLE")
        assert refusal(await page.state()) == (503, "UNAVAILABLE")
    assert (await page.state()).status_code == 200


async def test_no_round_begins_while_too_many_are_open(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they owe is not dropped for a new round."""
    monkeypatch.setattr(running, "ROUNDS_MAX_COUNT", 1)
    async with stuck(page, 1, "s-usual"):
        assert refusal(await page.spin(session="s-other")) == (503, "UNAVAILABLE")
    assert (await page.spin(session="s-other")).status_code == 200


async def test_closed_server_takes_nothing(page: Page) -> None:
    """The page of a round that is under way is told so at once, because the port waits for it."""
    async with stuck(page, 1, "s-usual") as answers:
        page.scene.server.close()
        assert refusal(await page.spin(session="s-other")) == (503, "UNAVAILABLE")
    assert answers[0].json()["status"] == "open"
