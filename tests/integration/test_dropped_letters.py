"""Letters that were deleted while JetStream still knew their ids: by a verb, a purge, a limit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import tomli_w
from click.testing import CliRunner
from msgspec.structs import replace

from consumer.cli.main import cli
from consumer.dead_letters.plan import dead_letter_plan
from consumer.dead_letters.record import Letter, from_message
from consumer.dead_letters.stream import DeadLetters, DeadLetterSettings
from consumer.errors import Reason, SinkUnavailable
from consumer.operations.health import Health
from consumer.operations.metrics import Metrics
from consumer.parts.patience import Patience
from consumer.pipeline.books import LaneBooks
from consumer.sinks.base import SinkSettings
from consumer.sinks.jetstream import JetStreamSink
from tests.brokers.nats import Nats
from tests.support.scene import Scene

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from nats.js.client import JetStreamContext

FIRST = Letter(
    reason=Reason.MALFORMED,
    error="Input data was truncated",
    listener="casino",
    brand="brand",
    message_type="CASINO",
    content_encoding="",
    coordinates={},
    headers={},
    arrived="2026-01-01T00:00:00.000000Z",
    body=b'{"amount": 1',
)
AGAIN = replace(FIRST, attempt=2)
"""The same delivery after a replay that failed."""


class Letters:
    """A stream of dead letters, and what stores letters in it."""

    def __init__(self, scene: Scene, sink: JetStreamSink) -> None:
        self.stream = scene.dead_letter_settings.stream
        self._scene = scene
        self._sink = sink
        self._patience = Patience("lane", Health(), LaneBooks(Metrics(), "lane").retried)
        self._letters = DeadLetters(sink, scene.dead_letter_settings, sink.client.jetstream)

    @property
    def jetstream(self) -> JetStreamContext:
        """The server's JetStream."""
        return self._sink.client.jetstream()

    async def store(self, *letters: Letter) -> None:
        """Store letters as a lane does."""
        await self._letters.store(list(letters), self._patience)

    async def left(self) -> list[Letter]:
        """Return the letters that are in the stream."""
        messages = await self._scene.sink.letters()
        return [from_message(one.headers or {}, one.data) for one in messages]


@pytest.fixture
async def scene(tmp_path: Path, nats_url: str, redis_url: str) -> AsyncIterator[Scene]:
    """Return the names of streams that no other test has."""
    async with Scene(tmp_path, {}, redis_url, nats_url) as scene:
        yield scene


@pytest.fixture
async def letters(scene: Scene, nats_url: str) -> AsyncIterator[Letters]:
    """Return an empty stream of letters."""
    place = SinkSettings(url=nats_url)
    plan = dead_letter_plan(scene.dead_letter_settings, place)
    sink = JetStreamSink(place, plan, name="test", publish_timeout_s=2.0)
    await sink.open()
    yield Letters(scene, sink)
    await sink.close()


@pytest.mark.parametrize("letter", [FIRST, AGAIN], ids=["first", "replayed"])
async def test_letter_that_was_dropped_is_stored_again(
    letters: Letters, scene: Scene, tmp_path: Path, letter: Letter
) -> None:
    """By `dead drop`; the resend of the delivery makes a letter once, however often it comes."""
    await letters.store(letter)
    scene.tables["listeners"] = {"casino": {"kind": "rabbitmq", "queue": "unused"}}
    config = tmp_path / "drop.toml"
    config.write_text(tomli_w.dumps(scene.tables))
    command = ["dead", "drop", "1", "--yes", "--config", str(config)]
    result = await asyncio.to_thread(CliRunner().invoke, cli, command)
    assert result.exit_code == 0, result.output
    assert await letters.left() == []
    for _ in range(3):
        await letters.store(letter)
    assert await letters.left() == [letter]


async def test_letter_that_was_purged_is_stored_again(letters: Letters) -> None:
    """With its neighbours that are new."""
    other = replace(FIRST, body=b"{")
    await letters.store(FIRST)
    await letters.jetstream.purge_stream(letters.stream)
    await letters.store(FIRST, other, FIRST)
    await letters.store(other, FIRST)
    assert sorted(letter.body for letter in await letters.left()) == sorted(
        [FIRST.body, other.body]
    )


async def test_letter_that_a_limit_deleted_is_stored_again(letters: Letters) -> None:
    """A full stream deletes its oldest letter, whose id is still known."""
    config = (await letters.jetstream.stream_info(letters.stream)).config
    await letters.jetstream.update_stream(config.evolve(max_msgs=1))
    other = replace(FIRST, body=b"{")
    for letter in (FIRST, other, FIRST):
        await letters.store(letter)
        assert await letters.left() == [letter]


async def test_plain_duplicate_joins_its_letter(letters: Letters) -> None:
    """As long as the letter is there."""
    for _ in range(3):
        await letters.store(FIRST, FIRST)
    assert await letters.left() == [FIRST]


async def test_two_lanes_store_a_dropped_letter_once(letters: Letters) -> None:
    """Both find the first letter gone at the same moment."""
    await letters.store(FIRST)
    await letters.jetstream.purge_stream(letters.stream)
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(letters.store(FIRST))
    assert await letters.left() == [FIRST]


async def test_missing_permission_to_look_is_told_at_the_opening(tmp_path: Path) -> None:
    """Not when the first duplicate would hold its lane."""
    rights = """
authorization {
  users: [ { user: u, password: p,
             permissions: { publish: { deny: ["$JS.API.STREAM.MSG.GET.>"] } } } ]
}
"""
    with Nats(tmp_path, extra=rights) as server:
        place = SinkSettings(url=server.address, user="u", password="p")
        plan = dead_letter_plan(DeadLetterSettings(), place)
        sink = JetStreamSink(place, plan, name="test", publish_timeout_s=0.5)
        with pytest.raises(SinkUnavailable, match=r"publish to \S+MSG\.GET\.DEAD_LETTERS"):
            await sink.open()
        await sink.close()
