"""Whatever happens to the sandbox: live events are taken as before, and `/readyz` stays 200."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import nats
import pytest

from consumer.deliveries.origin import Environment
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene
from tests.support.resending import Client, Senders, share_s
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from nats.js.client import JetStreamContext

LIVE_COUNT = 2_000
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
    """Let a stream take other subjects than those of events."""
    config = (await jetstream.stream_info(stream)).config
    config.subjects = [f"{stream}.other"]
    await jetstream.update_stream(config)


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


async def delete_other(jetstream: JetStreamContext, stream: str) -> None:
    """Delete the stream that `delete` has made."""
    try:
        await jetstream.delete_stream(f"{stream}_OTHER")
    except nats.js.errors.NotFoundError:
        return
