"""Whatever happens to the sandbox: live events are taken as before, and `/readyz` stays 200."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import nats
import pytest

from consumer.deliveries.origin import Environment
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene
from tests.support.resending import MANY_PATH, Client, Senders, share_s
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
    from pathlib import Path

    from nats.js.client import JetStreamContext

LIVE_COUNT = 2_000
LIVE_BROKEN_COUNT = 20
BEFORE_COUNT = 50


@pytest.fixture
async def scene(tmp_path: Path, nats_url: str, redis_url: str) -> AsyncIterator[HttpScene]:
    """Return the surroundings of a daemon whose test keys get their answers soon."""
    async with HttpScene(tmp_path, nats_url, redis_url) as scene:
        scene.tables["listeners"]["api"]["answer_timeout_s"] = 3
        yield scene


@pytest.fixture
async def jetstream(nats_url: str) -> AsyncIterator[JetStreamContext]:
    """Return JetStream on the server of the sink."""
    client = await nats.connect(nats_url)
    yield client.jetstream()
    await client.close()


async def fill(jetstream: JetStreamContext, stream: str) -> None:
    """Let a stream hold no more than it holds, and refuse what is new."""
    info = await jetstream.stream_info(stream)
    config = info.config
    config.max_msgs = info.state.messages
    config.discard = nats.js.api.DiscardPolicy.NEW
    await jetstream.update_stream(config)


async def seal(jetstream: JetStreamContext, stream: str) -> None:
    """Let a stream never take anything again."""
    config = (await jetstream.stream_info(stream)).config
    config.sealed = True
    await jetstream.update_stream(config)


async def take_subjects(jetstream: JetStreamContext, stream: str) -> None:
    """Give the subjects of a stream to another stream, so that the daemon cannot take them back."""
    config = (await jetstream.stream_info(stream)).config
    subjects, config.subjects = config.subjects, [f"{stream}.other"]
    await jetstream.update_stream(config)
    await jetstream.add_stream(name=f"{stream}_OTHER", subjects=subjects)


async def delete(jetstream: JetStreamContext, stream: str) -> None:
    """Delete a stream, and give its subjects to another stream."""
    config = (await jetstream.stream_info(stream)).config
    await jetstream.delete_stream(stream)
    await jetstream.add_stream(name=f"{stream}_OTHER", subjects=config.subjects)


BREAKS = [fill, seal, take_subjects, delete]


@pytest.mark.parametrize("hurt", BREAKS, ids=lambda hurt: hurt.__name__)
async def test_broken_stream_of_the_sandbox_harms_nothing_live(
    scene: HttpScene,
    jetstream: JetStreamContext,
    hurt: Callable[[JetStreamContext, str], Awaitable[None]],
) -> None:
    """Test keys get 503, the reason is told, and live keys notice nothing."""
    live, test = await scene.key(), await scene.key(Environment.TEST)
    stream = scene.tables["sandbox"]["stream"]
    with scene.daemon() as daemon:
        await daemon.is_ready()
        tester = Client(scene.port, test)
        for number in range(BEFORE_COUNT):
            assert (await tester.post(casino(activity_id=f"t{number}")))[0] == 200
        tester.close()
        await hurt(jetstream, stream)
        async with (
            Senders(scene.port, [test], 20) as testers,
            Senders(scene.port, [live], 20) as senders,
        ):
            testers.waiting = [casino(activity_id=f"u{number}") for number in range(500)]
            await eventually(lambda: testers.answers[503] > 20, what="503 for test keys")
            senders.waiting = [casino(activity_id=f"l{number}") for number in range(LIVE_COUNT)]
            await senders.all_done(LIVE_COUNT)
            assert await daemon.ready()
            await eventually(lambda: daemon.whys("sandbox"), what="the trouble is told")
        assert senders.answers == {200: LIVE_COUNT}
        assert share_s((took_s for _, took_s in senders.good[live]), 0.99) < 0.5
        assert not testers.done
        daemon.terminate()
        async with asyncio.timeout(10):
            assert await daemon.exit_code() == 0
    await delete_other(jetstream, stream)
    assert await scene.sink.count() == LIVE_COUNT


async def let_hold(jetstream: JetStreamContext, stream: str, more_bytes: int) -> None:
    """Let a stream hold so much more than it holds, and refuse what is new after that."""
    info = await jetstream.stream_info(stream)
    info.config.max_bytes = info.state.bytes + more_bytes
    info.config.discard = nats.js.api.DiscardPolicy.NEW
    await jetstream.update_stream(info.config)


def broken(name: str) -> bytes:
    """Return an event that becomes a dead letter."""
    return casino(activity_id=name, amount="abc")


def two_lines(name: str) -> bytes:
    """Return a batch of an event and a broken event."""
    lines = [casino(activity_id=f"{name}-good"), broken(f"{name}-broken")]
    return b"\n".join(b'{"type":"CASINO","data":%b}' % line for line in lines)


async def test_full_dead_letters_of_the_sandbox_harm_nothing_live(
    scene: HttpScene, jetstream: JetStreamContext
) -> None:
    """Live keys get their 200 and 400. A broken event of a test key gets 503, then its 400."""
    live, test = await scene.key(), await scene.key(Environment.TEST)
    stream = scene.tables["sandbox"]["dead_letters"]
    with scene.daemon() as daemon, contextlib.closing(Client(scene.port, test)) as tester:
        await daemon.is_ready()
        assert (await tester.post(broken("t0")))[0] == 400
        await let_hold(jetstream, stream, 0)
        refused = [tester.post(broken("t1")), tester.post(two_lines("t2"), MANY_PATH)]
        await assert_live_is_served(scene, live, refused)
        assert await daemon.ready()
        assert "maximum bytes exceeded" in (await daemon.whys("sandbox"))["lane api-test"]
        assert await daemon.metric("dead_letters", 'listener="api-test"') == 1
        assert await scene.sandbox.dead_count() == 1
        await let_hold(jetstream, stream, 1_000_000)
        await eventually(daemon.is_idle, what="an idle sandbox")
        assert (await tester.post(broken("t1")))[0] == 400
        status, answer = await tester.post(two_lines("t2"), MANY_PATH)
    results = json.loads(answer)["results"]
    assert (status, [result["status"] for result in results]) == (200, ["stored", "rejected"])
    assert await scene.sandbox.dead_count() == 3


async def assert_live_is_served(
    scene: HttpScene, live: str, refused: list[Coroutine[None, None, tuple[int, bytes]]]
) -> None:
    """Post live events, good and broken, and meanwhile what is refused with 503."""
    async with Senders(scene.port, [live], 20) as senders:
        senders.waiting = [casino(activity_id=f"l{number}") for number in range(LIVE_COUNT)]
        assert {(await post)[0] for post in refused} == {503}
        with contextlib.closing(Client(scene.port, live)) as client:
            for number in range(LIVE_BROKEN_COUNT):
                assert (await client.post(broken(f"l{number}")))[0] == 400
        await senders.all_done(LIVE_COUNT)
    assert senders.answers == {200: LIVE_COUNT}
    assert share_s((took_s for _, took_s in senders.good[live]), 0.99) < 0.5
    counts = await scene.sink.count(), await scene.sink.dead_count()
    assert counts == (LIVE_COUNT, LIVE_BROKEN_COUNT)


async def delete_other(jetstream: JetStreamContext, stream: str) -> None:
    """Delete the stream that `delete` has made."""
    try:
        await jetstream.delete_stream(f"{stream}_OTHER")
    except nats.js.errors.NotFoundError:
        return
