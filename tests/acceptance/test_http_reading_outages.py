"""Readers while NATS and the process are killed: no event is missing, and none comes twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import websockets

from consumer.access.key import Scope
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene
from tests.support.resending import Senders
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.brokers.base import Broker

COUNT: Final = 1500
READERS_COUNT: Final = 3
BEGINNING: Final = "1970-01-01T00:00:00Z"


@pytest.fixture
async def scene(tmp_path: Path, servers: dict[str, Broker]) -> AsyncIterator[HttpScene]:
    """Return the surroundings of a daemon on servers of its own."""
    async with HttpScene(tmp_path, servers["sink"].address, servers["store"].address) as scene:
        yield scene


class Follower:
    """A reader that comes back with its cursor, whatever happens.

    Attributes:
        ids: The ids of the events that it has got, in order.
        errors: What it was told, other than events.
    """

    def __init__(self, scene: HttpScene, key: str) -> None:
        self._url = f"ws://127.0.0.1:{scene.port}/v1/stream"
        self._key = key
        self._start: dict[str, str] = {"since": BEGINNING}
        self.ids: list[str] = []
        self.errors: list[dict[str, Any]] = []

    async def has_all(self) -> None:
        """Wait until it has as many events as were posted."""
        await eventually(lambda: len(self.ids) >= COUNT, within_s=30, what="all events")

    async def run(self) -> None:
        """Read until cancelled."""
        async for socket in websockets.connect(
            self._url, additional_headers={"x-api-key": self._key}
        ):
            with contextlib.suppress(websockets.ConnectionClosed):
                await self._read(socket)

    async def _read(self, socket: websockets.ClientConnection) -> None:
        await socket.send(json.dumps({"op": "subscribe", "id": "a"} | self._start))
        async for text in socket:
            message = json.loads(text)
            if message["op"] == "event":
                self.ids.append(message["event"]["id"])
                self._start = {"after": message["cursor"]}
            elif message["op"] == "error":
                self.errors.append(message)
                assert message["temporary"], message
                return  # and come back with the cursor


async def test_kills_leave_no_gap_and_no_repeat(
    scene: HttpScene, servers: dict[str, Broker]
) -> None:
    """SIGKILL for NATS, for the process, and for NATS once more."""
    scene.tables["listeners"]["api"]["answer_timeout_s"] = 2
    posting = [await scene.key() for _ in range(2)]
    reading = await scene.key(scopes=(Scope.EVENTS_READ,))
    wanted = {f"{scene.name}-{number}" for number in range(COUNT)}
    followers = [Follower(scene, reading) for _ in range(READERS_COUNT)]
    daemon = scene.daemon()
    with daemon:
        await daemon.is_ready()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one.run(), name="reader") for one in followers]
            async with Senders(scene.port, posting) as senders:
                senders.waiting = [casino(activity_id=name) for name in sorted(wanted)]
                await senders.all_done(COUNT // 4)
                servers["sink"].kill()
                servers["sink"].start()
                await senders.all_done(COUNT // 2)
                daemon.kill()
                daemon.start()
                await senders.all_done(COUNT * 3 // 4)
                servers["sink"].kill()
                servers["sink"].start()
                await senders.all_done(COUNT)
            for one in followers:
                await one.has_all()
            for task in tasks:
                task.cancel()
    for one in followers:
        assert len(one.ids) == len(set(one.ids)) == COUNT
        assert set(one.ids) == wanted
    assert followers[0].ids == followers[1].ids == followers[2].ids
