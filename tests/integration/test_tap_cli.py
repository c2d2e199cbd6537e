"""`consumer tap` on a NATS server of its own, as a process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import msgspec
import nats
import pytest
from nats.js.client import JetStreamContext

from consumer.dead_letters.record import to_message
from consumer.nats.follow import FIRST, following
from tests.brokers.nats import Nats
from tests.integration.test_dead_cli import letter
from tests.support.command import running, with_a_reader_that_leaves
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from nats.aio.client import Client

CONFIG = """
brand = "brand-a"
[listeners.payments]
kind = "rabbitmq"
queue = "payments"
[sink]
url = "{url}"
subject_prefix = "sandbox"
kind = "{kind}"
"""
EVENTS = "EVENTS"


class Scene(NamedTuple):
    """A NATS server, a connection of the test's, and a configuration that names the server."""

    server: Nats
    client: Client
    config: str

    async def store(self, *ids: str, subject: str = "game.bet", user: str = "player-17") -> None:
        """Put events into the stream."""
        for one in ids:
            body = {
                "specversion": "1.0",
                "id": one,
                "source": "/brand-a/casino",
                "type": subject,
                "brand": "brand-a",
                "time": "2026-01-31T12:00:00.000000Z",
                "subject": user,
                "datacontenttype": "application/json",
                "data": {"amount": "1.00"},
            }
            await self.client.jetstream().publish(f"sandbox.{subject}", msgspec.json.encode(body))

    async def consumer_count(self) -> int:
        """Return how many consumers the stream of events has."""
        return (await self.client.jetstream().stream_info(EVENTS)).state.consumer_count

    async def restarted(self) -> None:
        """Start the killed server, and connect again."""
        await eventually(lambda: not self.client.is_connected)
        self.server.start()
        await eventually(lambda: self.client.is_connected, within_s=30)

    async def has_a_reader(self) -> None:
        """Wait until a tap reads: its consumer is there, and the tap has asked it for messages."""

        async def is_there() -> bool:
            consumers = await self.client.jetstream().consumers_info(EVENTS)
            return [one.num_waiting for one in consumers] == [1]

        await eventually(is_there, what="a consumer")


def smallest(event_id: str) -> bytes:
    """Return an event that holds what every event has, and no more."""
    body = (
        b'{"specversion":"1.0","id":"ID","source":"/b/casino","type":"game.bet","time":"",'
        b'"datacontenttype":"application/json","brand":"b","data":{}}'
    )
    return body.replace(b"ID", event_id.encode())


def ids(output: str) -> list[str]:
    """Return the ids of what was printed."""
    return [json.loads(line)["id"] for line in output.splitlines()]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Start a server with both streams."""
    with Nats(tmp_path / "nats") as server:
        config = tmp_path / "consumer.toml"
        config.write_text(CONFIG.format(url=server.address, kind="jetstream"))
        client = await nats.connect(server.address, max_reconnect_attempts=-1)
        await client.jetstream().add_stream(name=EVENTS, subjects=["sandbox.>"])
        await client.jetstream().add_stream(name="DEAD_LETTERS", subjects=["dead.>"])
        yield Scene(server, client, str(config))
        await client.close()


async def test_only_what_is_stored_from_now_on(scene: Scene) -> None:
    """Each line is there at once, and is the event's own bytes."""
    await scene.store("before")
    async with running("tap", "--config", scene.config) as tap:
        await scene.has_a_reader()
        for sequence, one in ((2, "a"), (3, "b")):
            await scene.store(one)
            stored = await scene.client.jetstream().get_msg(EVENTS, sequence)
            assert (await tap.line()).encode() == stored.data


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([], ["a", "b", "c", "d"]),
        (["game.*"], ["a", "c", "d"]),
        (["wallet.deposit_approved"], ["b"]),
        (["--user", "other"], ["c"]),
        (["game.*", "--user", "player-17"], ["a", "d"]),
        (["--type", "casino", "--brand", "brand-a"], ["a", "b", "c", "d"]),
    ],
    ids=" ".join,
)
async def test_filters(scene: Scene, arguments: list[str], found: list[str]) -> None:
    """Each leaves what fits; `--count` ends it, and its consumer."""
    await scene.store("a")
    await scene.store("b", subject="wallet.deposit_approved")
    await scene.store("c", user="other")
    await scene.store("d")
    options = ("--since", "1h", "--count", str(len(found)), "--config", scene.config)
    async with running("tap", *arguments, *options) as tap:
        assert [ids(await tap.line()) for _ in found] == [[one] for one in found]
        assert await tap.end() == (0, "")
    assert await scene.consumer_count() == 0


async def test_dead_letters_are_lines_of_dead_list(scene: Scene) -> None:
    """Of one listener, here."""
    for number, listener in enumerate(("casino", "payments")):
        message = to_message(letter(listener=listener, body=b"12345"), "dead", str(number))
        headers = dict(message.headers)
        await scene.client.jetstream().publish(message.subject, message.body, headers=headers)
    options = ("--since", "1h", "--count", "1", "--config", scene.config)
    async with running("tap", "--dead", "payments.*", *options) as tap:
        line = json.loads(await tap.line())
        assert (line["number"], line["listener"], line["size_bytes"]) == (2, "payments", 5)
        assert await tap.end() == (0, "")


async def test_nothing_is_skipped_while_the_sink_is_away(scene: Scene) -> None:
    """What is stored before the tap is back is shown then, once; the loss is told once."""
    async with running("tap", "--config", scene.config) as tap:
        await scene.has_a_reader()
        await scene.store("a")
        assert ids(await tap.line()) == ["a"]
        scene.server.kill()
        assert "the sink is away: " in await tap.complaint()
        await scene.restarted()
        await scene.store("b", "c")
        assert [ids(await tap.line()) for _ in range(2)] == [["b"], ["c"]]
        assert await tap.complaint() == "consumer: the sink is back: going on"


async def test_what_was_stored_before_the_first_event_of_a_quiet_tap(scene: Scene) -> None:
    """Its "now" is the moment of the start, also when the sink went away before anything passed."""
    await scene.store("before")
    async with running("tap", "--config", scene.config) as tap:
        await scene.has_a_reader()
        tap.process.send_signal(signal.SIGSTOP)
        scene.server.kill()
        await scene.restarted()
        await scene.store("a")
        tap.process.send_signal(signal.SIGCONT)
        assert ids(await tap.line()) == ["a"]


async def test_forgotten_consumer_is_made_anew(scene: Scene) -> None:
    """A pager that pauses for half a minute loses it; that is no outage to be told of."""
    async with running("tap", "--config", scene.config) as tap:
        await scene.has_a_reader()
        await scene.store("a")
        assert ids(await tap.line()) == ["a"]
        (info,) = await scene.client.jetstream().consumers_info(EVENTS)
        await scene.client.jetstream().delete_consumer(EVENTS, info.name)
        await scene.store("b")
        assert ids(await tap.line()) == ["b"]
        tap.process.send_signal(signal.SIGINT)
        assert await tap.end() == (130, "")


async def test_interrupted_tap_leaves_nothing_behind(scene: Scene) -> None:
    """Ctrl-C: exit code 130, no traceback, the consumer deleted."""
    async with running("tap", "--config", scene.config) as tap:
        await scene.has_a_reader()
        tap.process.send_signal(signal.SIGINT)
        assert await tap.end() == (130, "")
    assert await scene.consumer_count() == 0


async def test_reader_that_is_cancelled_while_it_begins_leaves_nothing_behind(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has created the consumer, and its answer is on its way."""
    add_consumer = JetStreamContext.add_consumer

    async def add_and_be_cancelled(*arguments: Any) -> NoReturn:  # noqa: ANN401  # nats-py's
        await add_consumer(*arguments)
        raise asyncio.CancelledError

    monkeypatch.setattr(JetStreamContext, "add_consumer", add_and_be_cancelled)
    with pytest.raises(asyncio.CancelledError):
        async with following(scene.client, FIRST, stream=EVENTS):
            pass
    assert await scene.consumer_count() == 0


@pytest.mark.parametrize("passing", [True, False])
async def test_closed_pipe_is_a_good_end(scene: Scene, *, passing: bool) -> None:
    """As of `tap | head`; at once, not only with the next event."""
    async with with_a_reader_that_leaves("tap", "--config", scene.config) as (tap, pipe):
        await scene.has_a_reader()
        await scene.store("a")
        assert ids((await asyncio.to_thread(os.read, pipe, 4096)).decode()) == ["a"]
        os.close(pipe)
        if passing:
            await scene.store("b")
        assert await tap.end() == (0, "")
    assert await scene.consumer_count() == 0


async def test_missing_stream_is_exit_1(scene: Scene) -> None:
    """And it is said which one."""
    await scene.client.jetstream().delete_stream(EVENTS)
    async with running("tap", "--config", scene.config) as tap:
        code, errors = await tap.end()
    assert (code, errors.count("\n")) == (1, 1)
    assert "there is no stream EVENTS" in errors


async def test_sink_that_is_away_at_the_start_is_exit_1(scene: Scene) -> None:
    """A mistyped address shall not wait for ever."""
    scene.server.kill()
    async with running("tap", "--config", scene.config) as tap:
        code, errors = await tap.end()
    assert (code, "connection refused" in errors) == (1, True)


async def test_foreign_messages_are_skipped(scene: Scene) -> None:
    """Somebody else's message under our subjects is told once and hides nothing."""
    for _ in range(2):
        await scene.client.jetstream().publish("sandbox.game.bet", b"\xff\n\n")
    await scene.store("a")
    options = ("--since", "1h", "--count", "1", "--config", scene.config)
    async with running("tap", *options) as tap:
        assert ids(await tap.line()) == ["a"]
        assert await tap.end() == (
            0,
            "consumer: skipping messages that are not ours, such as sandbox.game.bet\n",
        )


async def test_more_than_is_held_at_once(scene: Scene) -> None:
    """Requests follow each other without a gap."""
    body = smallest("%d")
    count = 5000
    for number in range(count):
        await scene.client.publish("sandbox.game.bet", body % number)
    await scene.client.flush()
    options = ("--since", "1h", "--count", str(count), "--config", scene.config)
    async with running("tap", *options) as tap:
        found = [ids(await tap.line())[0] for _ in range(count)]
    assert found == [str(number) for number in range(count)]


async def test_core_sink_is_heard(scene: Scene, tmp_path: Path) -> None:
    """Without any stream; what is no event's subject is not ours."""
    config = tmp_path / "core.toml"
    config.write_text(CONFIG.format(url=scene.server.address, kind="core"))
    async with running("tap", "game.*", "--config", str(config)) as tap:
        async with asyncio.TaskGroup() as group:
            line = group.create_task(tap.line())

            async def has_passed() -> bool:
                for subject, one in (("other", "2"), ("wallet", "3"), ("game", "1")):
                    await scene.client.publish(f"sandbox.{subject}.bet", smallest(one))
                return line.done()

            await eventually(has_passed, what="an event")
        assert ids(line.result()) == ["1"]
