"""Keys that do harm: the other keys notice nothing, and the events that are right are taken."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import pytest

from bench.load import Load, Posted, posted
from consumer.listeners.http.many import PIECE_COUNT
from tests.support.eventually import eventually
from tests.support.http_daemon import HttpScene
from tests.support.resending import MANY_PATH, Client, NoAnswer, share_s
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HONEST_COUNT = 1_500
HONEST_CONNECTIONS_COUNT = 10
HONEST_PAUSE_S = 0.03
NOISE_S = 0.02
"""The machine is shared: so much later is no sign of harm."""
BAD_BYTES_PER_S = 10_000_000
ATTACKERS_COUNT = 3
BAD_ADDRESS = "127.0.0.2"
"""Of the client that opens connections: the limit holds for an address."""


@pytest.fixture
async def scene(tmp_path: Path, nats_url: str, redis_url: str) -> AsyncIterator[HttpScene]:
    """Return the surroundings of a daemon."""
    async with HttpScene(tmp_path, nats_url, redis_url) as scene:
        yield scene


async def honest(scene: HttpScene, key: str, run: str) -> Posted:
    """Post right events from a process of its own, so that it is not held up by the attack."""
    load = Load(
        scene.port, key, f"{scene.name}{run}", HONEST_COUNT, HONEST_CONNECTIONS_COUNT,
        pause_s=HONEST_PAUSE_S,
    )  # fmt: skip
    return await posted(load)


def rubbish(name: str) -> bytes:
    """Return a batch of nearly 1 MB. Each line is another broken event."""
    lines = [
        b'{"type":"CASINO","data":%b}' % casino(amount=f"abc {name} {number}")
        for number in range(1_600)
    ]
    return b"\n".join(lines)


def assert_not_harmed(before: Posted, during: Posted) -> None:
    """Check that all were taken, and that 99 of 100 answers came about as soon as before."""
    assert during.statuses == before.statuses == {"200": HONEST_COUNT}
    before_s, during_s = (share_s(each.took_s, 0.99) for each in (before, during))
    assert during_s < 2 * before_s + NOISE_S, f"{before_s * 1e3:.1f} ms, {during_s * 1e3:.1f} ms"


async def test_key_that_posts_rubbish_is_stopped_and_harms_nobody(scene: HttpScene) -> None:
    """10 MB a second of broken events: a bounded number of letters, then 429 with the reason."""
    good, bad = await scene.key(), await scene.key()
    statuses: set[int] = set()
    answers: list[bytes] = []

    async def attack(number: int) -> None:
        client = Client(scene.port, bad)
        body = rubbish(f"{number}")
        pause_s = ATTACKERS_COUNT * len(body) / BAD_BYTES_PER_S
        while True:
            next_s = time.monotonic() + pause_s
            with contextlib.suppress(NoAnswer):
                status, answer = await client.post(body, MANY_PATH)
                statuses.add(status)
                answers.append(answer)
            await asyncio.sleep(next_s - time.monotonic())

    with scene.daemon() as daemon:
        await daemon.is_ready()
        before = await honest(scene, good, "before")
        async with asyncio.TaskGroup() as group:
            attacking = [group.create_task(attack(number)) for number in range(ATTACKERS_COUNT)]
            await eventually(lambda: 429 in statuses, what="429")
            during = await honest(scene, good, "during")
            for task in attacking:
                task.cancel()
        assert statuses == {429}
        assert b"too_many_rejected" in answers[-1]
        assert len(answers) > 20, "the attack was too weak"
        letters_count = await scene.sink.dead_count()
        assert 100 <= letters_count <= ATTACKERS_COUNT * PIECE_COUNT
        assert_not_harmed(before, during)


async def test_client_that_opens_all_connections_harms_nobody(scene: HttpScene) -> None:
    """It gets as many as an address may have, keeps them, and tries to get more all the time."""
    good, bad = await scene.key(), await scene.key()
    kept: list[Client] = []

    async def attack() -> None:
        while True:
            client = Client(scene.port, bad, BAD_ADDRESS)
            try:
                await client.post(casino(activity_id="bad"))
                kept.append(client)
            except NoAnswer:
                await asyncio.sleep(0.002)  # 500 tries a second: the attack, not the machine

    with scene.daemon() as daemon:
        await daemon.is_ready()
        before = await honest(scene, good, "before")
        async with asyncio.TaskGroup() as group:
            attacking = [group.create_task(attack(), name="attack") for _ in range(4)]
            await eventually(lambda: len(kept) == 100, what="all connections of an address")
            during = await honest(scene, good, "during")
            for task in attacking:
                task.cancel()
        assert len(kept) == 100
        assert await daemon.metric("http_shed", '"address_connections"') > 100
        for client in kept:
            client.close()
        assert_not_harmed(before, during)
