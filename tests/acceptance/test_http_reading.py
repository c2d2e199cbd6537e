"""Readers of a running daemon: what is posted arrives once, also over a restart."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import websockets

from consumer.access.key import Scope
from consumer.deliveries.origin import Environment
from tests.support.http_daemon import HttpScene
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

READING: Final = (Scope.INGEST, Scope.EVENTS_READ)
CASINO: Final = "/v1/integration/casino"


@pytest.fixture
async def scene(tmp_path: Path, nats_url: str, redis_url: str) -> AsyncIterator[HttpScene]:
    """Make a daemon's place."""
    async with HttpScene(tmp_path, nats_url, redis_url) as made:
        yield made


def connected(scene: HttpScene, key: str = "", query: str = "") -> websockets.connect:
    """Connect over a WebSocket."""
    headers = {"x-api-key": key} if key else {}
    url = f"ws://127.0.0.1:{scene.port}/v1/stream{query}"
    return websockets.connect(
        url, additional_headers=headers, subprotocols=[websockets.Subprotocol("consumer.v1")]
    )


async def post(scene: HttpScene, key: str, *ids: str) -> None:
    """Post events until each is stored."""
    async with scene.client(key) as client:
        for name in ids:
            answer = await client.post(CASINO, content=casino(activity_id=name))
            assert answer.status_code == 200, answer.text


async def events(socket: websockets.ClientConnection, count: int) -> list[dict[str, Any]]:
    """Return the next events."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            message = json.loads(await socket.recv())
            if message["op"] == "event":
                found.append(message)
    return found


async def until_closed(
    socket: websockets.ClientConnection, within_s: float = 20.0
) -> list[dict[str, Any]]:
    """Return what still comes until the server closes the stream."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(within_s):
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                found += [json.loads(await socket.recv())]
    return found


async def test_what_is_posted_arrives_over_a_websocket(scene: HttpScene) -> None:
    """Of the key's own environment only."""
    live = await scene.key(scopes=READING)
    test = await scene.key(Environment.TEST, scopes=READING)
    with scene.daemon() as daemon:
        await daemon.is_ready()
        async with connected(scene, live) as socket, connected(scene, test) as other:
            assert socket.subprotocol == "consumer.v1"
            for one in (socket, other):
                await one.send(json.dumps({"op": "subscribe", "id": "a", "subjects": ["game.*"]}))
                assert json.loads(await one.recv())["op"] == "subscribed"
            await post(scene, live, "l1", "l2")
            await post(scene, test, "t1")
            assert [one["event"]["id"] for one in await events(socket, 2)] == ["l1", "l2"]
            assert [one["event"]["id"] for one in await events(other, 1)] == ["t1"]
            heartbeat = json.loads(await socket.recv())
            assert heartbeat["op"] == "heartbeat"


async def test_reader_goes_on_after_a_kill_of_the_process(scene: HttpScene) -> None:
    """With the cursor of its last event."""
    key = await scene.key(scopes=READING)
    daemon = scene.daemon()
    with daemon:
        await daemon.is_ready()
        async with connected(scene, key) as socket:
            await socket.send(json.dumps({"op": "subscribe", "id": "a"}))
            await socket.recv()
            await post(scene, key, "e1", "e2")
            (_, last) = await events(socket, 2)
            daemon.kill()
            with pytest.raises(websockets.ConnectionClosed):
                await events(socket, 1)
        daemon.start()
        await daemon.is_ready()
        await post(scene, key, "e3", "e4")
        async with connected(scene, key) as socket:
            await socket.send(json.dumps({"op": "subscribe", "id": "a", "after": last["cursor"]}))
            assert [one["event"]["id"] for one in await events(socket, 2)] == ["e3", "e4"]


async def test_going_down_is_told(scene: HttpScene) -> None:
    """So readers come back to another process."""
    key = await scene.key(scopes=READING)
    with scene.daemon() as daemon:
        await daemon.is_ready()
        async with connected(scene, key) as socket:
            await socket.send(json.dumps({"op": "subscribe", "id": "a"}))
            await socket.recv()
            daemon.terminate()
            assert (await until_closed(socket))[-1]["op"] == "shutdown"
            assert socket.close_code == 1012
        assert await daemon.exit_code() == 0


async def test_server_sent_events_with_a_ticket(scene: HttpScene) -> None:
    """A browser comes back with the cursor of its last event."""
    key = await scene.key(scopes=READING)
    with scene.daemon() as daemon:
        await daemon.is_ready()
        async with scene.client(key) as client, httpx.AsyncClient(base_url=scene.url) as browser:
            made = await client.post("/v1/tickets", json={"subjects": ["game.*"], "expires_s": 60})
            assert made.status_code == 201, made.text
            url = f"/v1/stream?subject=game.*&ticket={made.json()['ticket']}"
            accept = {"accept": "text/event-stream"}
            async with browser.stream("GET", url, headers=accept) as answer:
                assert answer.status_code == 200
                lines = answer.aiter_lines()
                await _until(lines, "event: subscribed")
                await post(scene, key, "s1")
                cursor = (await _until(lines, "id: ")).removeprefix("id: ")
                cursor = (await _until(lines, "id: ")).removeprefix("id: ") or cursor
                assert '"id":"s1"' in await _until(lines, "data: ")
            await post(scene, key, "s2")
            headers = accept | {"last-event-id": cursor}
            async with browser.stream("GET", url, headers=headers) as answer:
                lines = answer.aiter_lines()
                seen: list[str] = []
                await _until(lines, "event: caught_up", seen)
                assert any('"id":"s2"' in line for line in seen)
                assert not any('"id":"s1"' in line for line in seen)


async def _until(lines: AsyncIterator[str], start: str, seen: list[str] | None = None) -> str:
    """Read lines to one that begins like this, and return it."""
    async with asyncio.timeout(20):
        async for line in lines:
            if seen is not None:
                seen.append(line)
            if line.startswith(start):
                return line
    raise AssertionError(start)


async def test_history_comes_in_pages(scene: HttpScene) -> None:
    """Each goes on behind the one before it."""
    key = await scene.key(scopes=READING)
    names = [f"h{number}" for number in range(25)]
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await post(scene, key, *names)
        async with scene.client(key) as client:
            seen: list[str] = []
            query: dict[str, Any] = {"limit": 10}
            more = True
            while more:
                answer = await client.get("/v1/events", params=query)
                assert answer.status_code == 200, answer.text
                page = answer.json()
                seen += [event["id"] for event in page["events"]]
                query["after"], more = page["cursor"], page["more"]
            assert seen == names
            gone = await client.get("/v1/events", params={"after": "1-1"})
            assert gone.status_code == 410
            earliest = gone.json()["earliest"]
            again = await client.get("/v1/events", params={"after": earliest, "limit": 1})
            assert [event["id"] for event in again.json()["events"]] == names[:1]


async def test_revoked_key_loses_its_stream(scene: HttpScene) -> None:
    """Within a second."""
    key = await scene.key(scopes=READING)
    with scene.daemon() as daemon:
        await daemon.is_ready()
        async with connected(scene, key) as socket:
            await socket.send(json.dumps({"op": "subscribe", "id": "a"}))
            await socket.recv()
            await scene.revoke(key)
            await until_closed(socket, within_s=1.5)
            assert socket.close_code == 4401
        assert await daemon.metric("stream_let_go", "key") == 1


async def test_rotation_without_overlap_ends_streams_and_tickets(scene: HttpScene) -> None:
    """Within a second. The old secret may be in wrong hands."""
    key = await scene.key(scopes=READING)
    with scene.daemon() as daemon:
        await daemon.is_ready()
        async with scene.client(key) as client:
            ticket = (await client.post("/v1/tickets")).json()["ticket"]
        async with connected(scene, key) as socket, connected(scene, query=f"?ticket={ticket}"):
            await socket.send(json.dumps({"op": "subscribe", "id": "a"}))
            await socket.recv()
            new_key = await scene.rotate(key)
            await until_closed(socket, within_s=1.5)
            assert socket.close_code == 4401
        with pytest.raises(websockets.InvalidStatus, match="401"):
            await connected(scene, query=f"?ticket={ticket}")
        async with connected(scene, new_key) as socket:
            await socket.send(json.dumps({"op": "subscribe", "id": "a"}))
            assert json.loads(await socket.recv())["op"] == "subscribed"


async def test_one_event_is_found_by_its_id(scene: HttpScene) -> None:
    """With what the store remembers, and its place in the stream."""
    key = await scene.key(scopes=READING)
    other = await scene.key(scopes=READING, brand="another")
    query = {"message_type": "casino", "id": "one"}
    with scene.daemon() as daemon:
        await daemon.is_ready()
        await post(scene, key, "one")
        async with scene.client(key) as client, scene.client(other) as stranger:
            found = await client.get("/v1/events/one", params=query)
            assert found.status_code == 200, found.text
            assert [one["state"] for one in found.json()["store"]] == ["done"]
            assert [one["subject"] for one in found.json()["sink"]] == [f"{scene.name}.game.bet"]
            for answer in (
                await client.get("/v1/events/one", params=query | {"id": "two"}),
                await stranger.get("/v1/events/one", params=query),
            ):
                assert answer.status_code == 404
                assert answer.json()["searched_to"]


async def test_streams_that_begin_at_once_are_counted(scene: HttpScene) -> None:
    """A key has no more than its number, also if all requests come in the same moment."""
    scene.tables["http"]["max_streams_per_key_count"] = 5
    key = await scene.key(scopes=READING)
    ask = (
        f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nX-Api-Key: {key}\r\n"
        "Accept: text/event-stream\r\n\r\n"
    ).encode()
    with scene.daemon() as daemon:
        await daemon.is_ready()
        found = [await asyncio.open_connection("127.0.0.1", scene.port) for _ in range(60)]
        for _, writer in found:
            writer.write(ask)
        answers = [(await reader.readline()).split()[1] for reader, _ in found]
        assert Counter(answers) == {b"200": 5, b"429": 55}
        for _, writer in found:
            writer.close()
