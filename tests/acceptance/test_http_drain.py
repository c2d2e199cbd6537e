"""The end of a process, and the end of a key, while requests are open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from consumer.deliveries.origin import Environment
from tests.brokers.nats import Nats
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene
from tests.support.resending import ONE_PATH, Client, NoAnswer, Senders
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

COUNT = 20_000


@pytest.fixture
async def scene(tmp_path: Path, nats_url: str, redis_url: str) -> AsyncIterator[HttpScene]:
    """Return the surroundings of a daemon."""
    async with HttpScene(tmp_path, nats_url, redis_url) as scene:
        yield scene


async def test_sigterm_under_load_loses_no_answer(scene: HttpScene) -> None:
    """First `/readyz` says 503 while requests are still taken. Then no request is cut off."""
    scene.tables["http"]["drain_delay_s"] = 1
    keys = [await scene.key() for _ in range(3)]
    with scene.daemon() as daemon:
        await daemon.is_ready()
        async with Senders(scene.port, keys) as senders:
            senders.waiting = [casino(activity_id=f"d{number}") for number in range(COUNT)]
            await senders.all_done(COUNT // 20)
            daemon.terminate()

            async def unready() -> bool:
                return not await daemon.ready()

            await eventually(unready, within_s=0.9, what="/readyz 503")
            fresh = Client(scene.port, keys[0])
            assert (await fresh.post(casino(activity_id="fresh")))[0] == 200
            fresh.close()
            async with asyncio.timeout(25):
                assert await daemon.exit_code() == 0
            done = len(senders.done)
            assert done < COUNT, "all was done before the end"
        assert set(senders.answers) <= {0, 200, 503}
        # A request that was sent but not answered is a lost answer. A refused connection is not.
        assert not senders.cut_off_count, "a request was cut off"
        ids = await scene.sink.ids()
        assert (len(ids), set(ids.values())) == (done + 1, {1})


async def test_key_revoked_while_its_request_is_open(scene: HttpScene) -> None:
    """A body that comes slowly behind a key that ends meanwhile is not taken."""
    key, other = await scene.key(), await scene.key()
    body = casino(activity_id="late")
    with scene.daemon() as daemon:
        await daemon.is_ready()
        reader, writer = await asyncio.open_connection("127.0.0.1", scene.port)
        head = (
            f"POST {ONE_PATH} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {key}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body[:50])
        await writer.drain()
        await scene.revoke(key)
        probe = Client(scene.port, key)

        async def refused() -> bool:
            return (await probe.post(casino(activity_id="probe")))[0] == 401

        await eventually(refused, within_s=1, what="401 for the key")
        probe.close()
        writer.write(body[50:])
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 401")
        writer.transport.abort()
        good = Client(scene.port, other)
        assert (await good.post(casino(activity_id="good")))[0] == 200
        good.close()
        assert "late" not in await scene.sink.ids()


async def test_test_key_at_a_process_without_a_sandbox(scene: HttpScene) -> None:
    """It is refused, and live keys are taken."""
    live, test = await scene.key(), await scene.key(Environment.TEST)
    del scene.tables["sandbox"]
    with scene.daemon() as daemon:
        await daemon.is_ready()
        for key, wanted in ((test, 403), (live, 200)):
            client = Client(scene.port, key)
            assert (await client.post(casino(activity_id="a")))[0] == wanted
            client.close()


@pytest.fixture
async def freezing(tmp_path: Path, redis_url: str) -> AsyncIterator[tuple[HttpScene, Nats]]:
    """Return the surroundings of a daemon with a NATS server of its own."""
    with Nats(tmp_path / "nats") as nats:
        async with HttpScene(tmp_path, nats.address, redis_url) as scene:
            scene.tables["listeners"]["api"]["answer_timeout_s"] = 2
            yield scene, nats


async def test_keys_while_nats_is_away(freezing: tuple[HttpScene, Nats]) -> None:
    """A process that has read them knows them. A process that starts without NATS says 503."""
    scene, nats = freezing
    key = await scene.key()
    client = Client(scene.port, key)

    async def answer_is(status: int, words: bytes) -> bool:
        try:
            found, answer = await client.post(casino(activity_id="a"))
        except NoAnswer:
            return False
        return found == status and words in answer

    with scene.daemon() as daemon:
        await daemon.is_ready()
        nats.freeze()
        assert await answer_is(503, b"late")
        daemon.kill()
        daemon.start()
        await eventually(lambda: answer_is(503, b"keys_unread"), within_s=20, what="keys unread")
        nats.thaw()
        await eventually(lambda: answer_is(200, b"id"), within_s=30, what="200 after the outage")
        client.close()
    assert await scene.sink.ids() == {"a": 1}
