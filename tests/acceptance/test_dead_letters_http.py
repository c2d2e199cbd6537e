"""Dead letters over HTTP, with a real daemon on real NATS and Redis."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

import pytest

from consumer.access.key import Scope
from consumer.deliveries.origin import Environment
from consumer.listeners.http.paths import MANY_PATH
from consumer.tools.embedded.servers import free_port
from tests.brokers.nats import Nats
from tests.brokers.redis import Redis
from tests.support.daemon import Daemon
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator
    from pathlib import Path

    import httpx

PATH = "/v1/dead-letters"
SCOPES = (Scope.INGEST, Scope.DEAD_LETTERS_READ, Scope.DEAD_LETTERS_REPLAY)
COUNT = 300
MANY_COUNT = 1800
MEGABYTE = 1024 * 1024
WINDOW_S = 0.5
ANSWER_MAX_S = 12.0
LINES = {"content-type": "application/x-ndjson"}


@pytest.fixture
async def scene(tmp_path: Path, nats_url: str, redis_url: str) -> AsyncIterator[HttpScene]:
    """Return the surroundings of a daemon."""
    async with HttpScene(tmp_path, nats_url, redis_url) as scene:
        yield scene


@pytest.fixture
def own_nats(tmp_path: Path) -> Iterator[Nats]:
    """Return a NATS server that a test may kill. It takes messages of 1 MiB."""
    with Nats(tmp_path / "nats", max_payload_bytes=MEGABYTE) as nats:
        yield nats


@contextlib.asynccontextmanager
async def clients(scene: HttpScene) -> AsyncIterator[tuple[httpx.AsyncClient, ...]]:
    """Yield clients with a live key, a test key, and a live key of another brand."""
    texts = (
        await scene.key(scopes=SCOPES),
        await scene.key(Environment.TEST, scopes=SCOPES),
        await scene.key(brand="others", scopes=SCOPES),
    )
    async with contextlib.AsyncExitStack() as stack:
        yield tuple([await stack.enter_async_context(scene.client(text)) for text in texts])


async def post_broken(client: httpx.AsyncClient, body: bytes) -> str:
    """Post an event that becomes a dead letter, and return the reason."""
    told = await client.post("/v1/integration/casino", content=body)
    assert told.status_code == 400, told.text
    reason: str = told.json()["reason"]
    return reason


@contextlib.asynccontextmanager
async def refused_events(
    scene: HttpScene, count: int
) -> AsyncIterator[tuple[Daemon, httpx.AsyncClient]]:
    """Make letters of good events, of a type that the listener did not take until now.

    Yields the daemon that takes them, and a client with a live key.
    """
    scene.tables["listeners"]["api"]["types"] = ["PAYMENT"]
    lines = [b'{"type":"CASINO","data":%b}' % casino(activity_id=f"e{i}") for i in range(count)]
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for start in range(0, count, COUNT):
            # A key with many rejected events is stopped, so each batch has another key.
            async with scene.client(await scene.key()) as client:
                body = b"\n".join(lines[start : start + COUNT])
                told = await client.post(MANY_PATH, content=body, headers=LINES)
                assert told.status_code == 200, told.text
    del scene.tables["listeners"]["api"]["types"]
    with scene.daemon() as daemon:
        async with scene.client(await scene.key(scopes=SCOPES)) as client:
            await daemon.is_ready()
            yield daemon, client


async def at_once(*calls: Coroutine[Any, Any, httpx.Response]) -> list[httpx.Response]:
    """Return the answers to calls that are made at the same moment."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(call) for call in calls]
    return [task.result() for task in tasks]


async def replay_all(client: httpx.AsyncClient) -> None:
    """Replay until nothing is left, as the page in docs says."""
    asked: dict[str, str | int] = {"limit": 1000}
    more = True
    while more:
        answer = await client.post(f"{PATH}/replay", json={"filter": asked})
        more, asked["after"] = answer.raise_for_status().json()["more"], answer.json()["cursor"]


async def listed(client: httpx.AsyncClient, **asked: str | int) -> list[dict[str, Any]]:
    """Return all letters that a client can list, page by page."""
    letters: list[dict[str, Any]] = []
    while True:
        page = (await client.get(PATH, params=asked)).raise_for_status().json()
        letters += page["letters"]
        if not page["more"]:
            return letters
        asked["after"] = page["cursor"]


def statuses(answer: httpx.Response) -> dict[int, str]:
    """Return what became of each letter."""
    assert answer.status_code == 200, answer.text
    return {one["number"]: one["status"] for one in answer.json()["results"]}


async def test_each_key_sees_the_letters_of_its_brand_and_environment(scene: HttpScene) -> None:
    """Whatever it does, the letters of the others stay and are not told of."""
    with scene.daemon() as daemon:
        async with clients(scene) as (live, test, others):
            await daemon.is_ready()
            for client in (live, test, others):
                assert await post_broken(client, casino(amount="abc")) == "invalid"
            found = [await listed(client) for client in (live, test, others)]
            assert [[one["number"] for one in letters] for letters in found] == [[1], [1], [2]]
            assert [letters[0]["listener"] for letters in found] == ["api", "api-test", "api"]
            foreign, missing = await live.get(f"{PATH}/2"), await live.get(f"{PATH}/99")
            assert foreign.status_code == missing.status_code == 404
            assert foreign.json()["detail"] == missing.json()["detail"]
            for verb in ("replay", "drop"):
                told = await live.post(f"{PATH}/{verb}", json={"numbers": [2, 99]})
                assert statuses(told) == {2: "not_found", 99: "not_found"}
            assert statuses(await live.post(f"{PATH}/drop", json={"filter": {}})) == {1: "dropped"}
            left = [len(await listed(client)) for client in (live, test, others)]
            assert left == [0, 1, 1]


async def test_a_letter_is_shown_as_it_was_posted(scene: HttpScene) -> None:
    """With the exact error, its place, and those headers that are kept."""
    with scene.daemon() as daemon:
        async with clients(scene) as (live, _, _):
            await daemon.is_ready()
            body = casino(amount="ä")
            told = await live.post(
                "/v1/integration/casino", content=body, headers={"x-request-id": "r-17"}
            )
            shown = (await live.get(f"{PATH}/1")).raise_for_status().json()
            assert (shown["reason"], shown["error"]) == ("invalid", told.json()["detail"])
            assert shown["body"].encode() == body
            assert shown["source"]["request"] == "r-17"
            assert "user-agent" in shown["headers"]
            assert "x-api-key" not in shown["headers"]


async def test_a_large_body_is_read_from_the_object_store(
    tmp_path: Path, own_nats: Nats, redis_url: str
) -> None:
    """Its letter does not fit into a message."""
    body = casino(amount="abc", game_name="x" * (2 * MEGABYTE))
    async with (
        HttpScene(tmp_path, own_nats.address, redis_url) as scene,
        clients(scene) as (live, *_),
    ):
        scene.allow_large()
        with scene.daemon() as daemon:
            await daemon.is_ready()
            assert await post_broken(live, body) == "too_large"
            (letter,) = await listed(live)
            assert letter["size_bytes"] == len(body)
            shown = (await live.get(f"{PATH}/1")).raise_for_status().json()
            assert shown["body"].encode() == body


async def test_after_a_fix_letters_become_events_and_the_rest_letters_again(
    scene: HttpScene,
) -> None:
    """Here the operator lets the listener take another type."""
    scene.tables["listeners"]["api"]["types"] = ["PAYMENT"]
    with scene.daemon() as daemon:
        async with clients(scene) as (live, _, _):
            await daemon.is_ready()
            assert await post_broken(live, casino(activity_id="good")) == "forbidden_type"
            assert (
                await post_broken(live, casino(activity_id="bad", amount="abc")) == "forbidden_type"
            )
            told = statuses(await live.post(f"{PATH}/replay", json={"numbers": [1]}))
            assert told == {1: "rejected"}
    del scene.tables["listeners"]["api"]["types"]
    with scene.daemon() as daemon:
        async with clients(scene) as (live, _, _):
            await daemon.is_ready()
            answer = await live.post(
                f"{PATH}/replay", json={"filter": {"reason": "forbidden_type"}}
            )
            assert statuses(answer) == {2: "rejected", 3: "stored"}
            again, good = answer.json()["results"]
            assert (good["id"], good["type"]) == ("good", "game.bet")
            assert (again["reason"], again["new_number"]) == ("invalid", 4)
            (left,) = await listed(live)
            assert (left["number"], left["attempt"], left["reason"]) == (4, 2, "invalid")
    assert await scene.sink.ids() == {"good": 1}


async def test_a_replay_knows_what_the_lanes_have_stored(scene: HttpScene) -> None:
    """Also if the store is the memory of the process, and the sink has forgotten the event."""
    scene.tables["dedupe"] = {"store": "memory"}
    scene.tables["sink"]["duplicate_window_s"] = WINDOW_S
    async with refused_events(scene, 1) as (_, live):
        told = await live.post("/v1/integration/casino", content=casino(activity_id="e0"))
        assert told.json()["status"] == "stored"
        forgotten_s = time.monotonic() + 3 * WINDOW_S
        await eventually(lambda: time.monotonic() > forgotten_s)
        answer = await live.post(f"{PATH}/replay", json={"numbers": [1]})
        assert statuses(answer) == {1: "duplicate"}
    assert await scene.sink.ids() == {"e0": 1}


async def test_one_brand_has_one_replay_at_a_time(scene: HttpScene) -> None:
    """The others are told to wait for it, and nothing is stored twice."""
    async with refused_events(scene, COUNT) as (_, live):
        asked = {"filter": {"limit": COUNT}}
        answers = await at_once(*(live.post(f"{PATH}/replay", json=asked) for _ in range(3)))
        assert sorted(one.status_code for one in answers) == [200, 429, 429]
        assert {one.headers.get("retry-after") for one in answers} == {None, "1"}
    ids = await scene.sink.ids()
    assert (len(ids), set(ids.values()), await scene.sink.dead_count()) == (COUNT, {1}, 0)


async def test_two_processes_that_replay_the_same_letters_store_them_once(
    scene: HttpScene, tmp_path: Path
) -> None:
    """Each letter is in the answer of both, or is not found by the later one."""
    async with refused_events(scene, COUNT) as (_, live):
        (tmp_path / "second").mkdir()
        port = free_port()
        tables = scene.tables | {"http": scene.tables["http"] | {"bind": f"127.0.0.1:{port}"}}
        other_url = f"http://127.0.0.1:{port}"
        with Daemon(tmp_path / "second", tables) as second:
            await second.is_ready()
            asked = {"numbers": list(range(1, COUNT + 1))}
            answers = await at_once(
                live.post(f"{PATH}/replay", json=asked),
                live.post(f"{other_url}{PATH}/replay", json=asked),
            )
            told = [statuses(answer) for answer in answers]
        ends = [[one[number] for one in told].count("stored") for number in range(1, COUNT + 1)]
        assert ends == [1] * COUNT
    ids = await scene.sink.ids()
    assert (len(ids), set(ids.values()), await scene.sink.dead_count()) == (COUNT, {1}, 0)


async def test_nats_that_is_killed_in_the_middle_loses_and_doubles_nothing(
    tmp_path: Path, own_nats: Nats, redis_url: str
) -> None:
    """What was done is told, then there is 503 until NATS is back."""
    async with (
        HttpScene(tmp_path, own_nats.address, redis_url) as scene,
        refused_events(scene, MANY_COUNT) as (daemon, live),
    ):
        async with asyncio.TaskGroup() as group:
            asked = {"filter": {"limit": 1000}}
            replay = group.create_task(live.post(f"{PATH}/replay", json=asked))
            await eventually(scene.sink.count)
            own_nats.kill()
        assert replay.result().status_code == 503 or replay.result().json()["more"]
        await assert_all_is_unavailable(live)
        own_nats.start()
        await daemon.is_ready()
        await replay_all(live)
        ids = await scene.sink.ids()
        assert (len(ids), set(ids.values())) == (MANY_COUNT, {1})
        assert await scene.sink.dead_count() == 0


async def assert_all_is_unavailable(client: httpx.AsyncClient) -> None:
    """Check that each endpoint says within its time that the letters are away."""
    for call in (
        client.get(PATH),
        client.get(f"{PATH}/1"),
        client.post(f"{PATH}/replay", json={"numbers": [1]}),
        client.post(f"{PATH}/drop", json={"numbers": [1]}),
    ):
        began_s = time.monotonic()
        answer = await call
        assert (answer.status_code, answer.json()["reason"]) == (503, "unavailable")
        assert time.monotonic() - began_s < ANSWER_MAX_S


async def test_store_that_is_away_is_answered_within_the_time(
    tmp_path: Path, nats_url: str
) -> None:
    """The letters can still be read, and nothing becomes of them."""
    with Redis(tmp_path / "redis") as redis:
        async with (
            HttpScene(tmp_path, nats_url, redis.address) as scene,
            refused_events(scene, 1) as (_, live),
        ):
            redis.kill()
            began_s = time.monotonic()
            answer = await live.post(f"{PATH}/replay", json={"numbers": [1]})
            assert (answer.status_code, answer.json()["reason"]) == (503, "unavailable")
            assert time.monotonic() - began_s < ANSWER_MAX_S
            assert len(await listed(live)) == 1
            assert await scene.sink.count() == 0
