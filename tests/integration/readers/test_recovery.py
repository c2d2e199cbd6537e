"""Readers with a cursor: nothing is missing, nothing comes twice, and what is lost is told."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import TYPE_CHECKING, Any, Final

import pytest
from nats.js.api import StreamConfig

from consumer.deliveries.origin import Environment
from consumer.nats import follow
from consumer.readers import feed, subscription
from consumer.readers.cursor import Cursor, CursorExpired, StreamState, state_of
from consumer.readers.feed import tail_of
from consumer.readers.place import ReadEvent
from consumer.readers.socket import SocketReader
from tests.support.eventually import eventually
from tests.support.proxy import Proxy
from tests.support.readers import ReadersScene, numbered, sink_settings

if TYPE_CHECKING:
    from nats.aio.client import Client

    from consumer.readers.selection import Selection

BEGINNING: Final = "1970-01-01T00:00:00Z"


async def test_history_comes_before_the_live_part(scene: ReadersScene) -> None:
    """And is told to be whole before the live part begins."""
    await scene.publish(*numbered(250))
    async with scene.running(), scene.follower() as reader:
        reader.subscribe(since=BEGINNING)
        await reader.got("caught_up")
        await scene.publish(*numbered(10, 250))
        await reader.got_ids(numbered(260))
        assert [one["op"] for one in reader.told() if one["op"] != "event"] == [
            "subscribed",
            "caught_up",
        ]
        assert reader.told("subscribed")[0]["caught_up"] is False


async def test_cursor_of_any_event_goes_on_behind_it(scene: ReadersScene) -> None:
    """From the stream, and from what the process has in memory."""
    async with scene.running(), scene.follower() as reader:
        await scene.publish(*numbered(30))
        reader.subscribe(since=BEGINNING)
        await reader.got("caught_up")
        await scene.publish(*numbered(30, 30))
        await reader.got_ids(numbered(60))
        cursors = [one["cursor"] for one in reader.told("event")]
        for at in (0, 15, 29, 30, 45, 59):
            async with scene.follower() as other:
                other.subscribe(after=cursors[at])
                await other.got("caught_up")
                assert other.ids() == numbered(59 - at, at + 1)


@pytest.mark.parametrize("newest_count", [5, 10_000])
async def test_no_gap_and_no_repeat_while_events_come(
    scene: ReadersScene, monkeypatch: pytest.MonkeyPatch, newest_count: int
) -> None:
    """Readers come and go with their cursors all the time, and the memory may be short."""
    monkeypatch.setattr(feed, "NEWEST_COUNT", newest_count)
    monkeypatch.setattr(subscription, "ROUND_COUNT", 7)
    monkeypatch.setattr(feed, "PUSH_COUNT", 3)
    monkeypatch.setattr(subscription, "YIELD_COUNT", 3)
    wanted = numbered(400)
    draw = random.Random(3)  # no secret

    async def publish() -> None:
        for number in range(0, 400, 4):
            await scene.publish(*wanted[number : number + 4])

    async def read_in_parts() -> list[str]:
        """Come back with the last cursor again and again, after some events each time."""
        seen: list[str] = []
        start: dict[str, Any] = {"since": BEGINNING}
        while len(seen) < len(wanted):
            async with scene.follower() as reader:
                reader.subscribe(**start)
                least_count = min(draw.randrange(1, 40), len(wanted) - len(seen))
                await reader.got("event", least_count)
                events = reader.told("event")
            seen += [one["event"]["id"] for one in events]
            start = {"after": events[-1]["cursor"]}
        return seen

    async with scene.running(), asyncio.TaskGroup() as group:
        publishing = group.create_task(publish(), name="publish")
        reading = [group.create_task(read_in_parts(), name="read") for _ in range(5)]
        for task in [publishing, *reading]:
            await task
    for task in reading:
        assert task.result() == wanted


async def test_cursor_that_is_too_old_is_refused(scene: ReadersScene, client: Client) -> None:
    """With the earliest cursor that is left."""
    await scene.publish(*numbered(20))
    state = await state_of(client, scene.stream)
    await client.jetstream().purge_stream(scene.stream, seq=11)
    async with scene.running(), scene.follower() as reader:
        reader.subscribe(after=str(Cursor(state.epoch_us, 5)))
        (error,) = await reader.got("error")
        assert (error["reason"], error["temporary"]) == ("cursor_expired", False)
        reader.subscribe("b", after=error["earliest"])
        await reader.got("caught_up")
        assert reader.ids() == numbered(10, 10)


@pytest.mark.parametrize("is_followed", [False, True])
async def test_cursor_from_the_future_is_refused(
    scene: ReadersScene, client: Client, *, is_followed: bool
) -> None:
    """A server would wait for it in silence."""
    await scene.publish(*numbered(3))
    state = await state_of(client, scene.stream)
    async with scene.running(), scene.follower() as other, scene.follower() as reader:
        if is_followed:
            other.subscribe()
            await other.got("subscribed")
        reader.subscribe(after=str(Cursor(state.epoch_us, 4)))
        (error,) = await reader.got("error")
        assert error["reason"] == "cursor_expired"


async def test_stream_that_was_made_anew_is_told(scene: ReadersScene, client: Client) -> None:
    """To those who follow live, and to those who come back with a cursor."""
    await scene.publish(*numbered(5))
    jetstream = client.jetstream()
    async with scene.running(), scene.follower() as live:
        live.subscribe(since=BEGINNING)
        await live.got("caught_up")
        cursor = live.told("event")[-1]["cursor"]
        await jetstream.delete_stream(scene.stream)
        prefix = scene.stream.removeprefix("S_")
        await jetstream.add_stream(StreamConfig(name=scene.stream, subjects=[f"{prefix}.>"]))
        (error,) = await live.got("error")
        assert error["reason"] == "cursor_expired"
        await scene.publish(*numbered(9, 100))
        async with scene.follower() as back:
            back.subscribe(after=cursor)
            (error,) = await back.got("error")
            assert error["reason"] == "cursor_expired"
            back.subscribe("b", after=error["earliest"])
            await back.got_ids(numbered(9, 100))


async def test_outage_of_the_server_leaves_no_gap(
    scene: ReadersScene, client: Client, nats_url: str
) -> None:
    """The feed goes on behind the last event that it has read."""
    host, _, number = nats_url.rpartition("//")[2].rpartition(":")
    async with Proxy(host, int(number)) as proxy:
        prefix = scene.stream.removeprefix("S_")
        away = ReadersScene(client, sink_settings(f"nats://{proxy.address}", prefix))
        async with away.running(), away.follower() as reader:
            reader.subscribe()
            await reader.got("subscribed")
            await scene.publish(*numbered(5))
            await reader.got_ids(numbered(5))
            proxy.refuse()
            proxy.cut()
            await scene.publish(*numbered(5, 5))
            reader.subscribe("b", since=BEGINNING)
            await asyncio.sleep(0)
            proxy.accept()
            await away.connection.open()
            await eventually(lambda: len(reader.ids("a")) == 10, within_s=20, what="the rest")
            assert reader.ids("a") == numbered(10)


async def test_position_moves_behind_what_nobody_wants(
    scene: ReadersScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the cursor of a reader of rare events stays good for long."""
    monkeypatch.setattr(feed, "MOVE_EVERY_S", 0.05)
    async with scene.running(), scene.follower() as reader:
        reader.subscribe(subjects=["system.ping"])
        (subscribed,) = await reader.got("subscribed")
        await scene.publish(*numbered(9))
        before = subscribed["cursor"]
        await eventually(
            lambda: str(reader.reader.cursor) != before and reader.reader.cursor.sequence == 9,
            within_s=10,
            what="the cursor behind the others",
        )
        assert reader.ids() == []


async def test_cursor_with_nothing_behind_it_becomes_live(scene: ReadersScene) -> None:
    """Although no event tells how far the stream was read."""
    await scene.publish(*numbered(9))
    async with scene.running(), scene.follower() as other, scene.follower() as reader:
        other.subscribe(since=BEGINNING)
        await other.got("caught_up")
        reader.subscribe(subjects=["system.ping"], after=other.told("event")[2]["cursor"])
        await reader.got("caught_up")
        await scene.publish("p", subject="system.ping")
        await reader.got_ids(["p"])


async def test_event_that_was_sent_from_history_is_not_pushed_again(scene: ReadersScene) -> None:
    """The feed may push it later than history has it."""
    await scene.publish(*numbered(3))
    async with scene.running(), scene.follower() as reader:
        reader.subscribe()
        await reader.got("subscribed")
        held = scene.source[Environment.LIVE].feed
        event = ReadEvent(3, "game.bet", "brand-a", None, "casino", b"{}")
        for live in held.lives():
            live.push(event, tail_of(event, held.epoch_us))
        await scene.publish("new")
        await reader.got_ids(["new"])


async def test_stream_that_is_made_anew_as_a_reader_joins_is_told_once(
    scene: ReadersScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed finds out before the reader has rested behind its last event of the past."""
    join = feed.Feed.join

    def join_and_expire(held: feed.Feed, live: feed.Live) -> None:
        join(held, live)
        error = CursorExpired("events are missing", held.cursor)
        asyncio.get_running_loop().call_soon(live.expire, error)

    await scene.publish(*numbered(3))
    async with scene.running(), scene.follower() as reader:
        monkeypatch.setattr(feed.Feed, "join", join_and_expire)
        reader.subscribe("a", since=BEGINNING)
        await reader.got("error")
        monkeypatch.undo()
        reader.subscribe("b", since=BEGINNING)
        await reader.got("caught_up", 2)
        assert [one["reason"] for one in reader.told("error")] == ["cursor_expired"]


async def test_events_that_go_while_a_reader_catches_up_are_told(
    scene: ReadersScene, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes on with the next event that is left, and says nothing."""
    monkeypatch.setattr(subscription, "YIELD_COUNT", 10)
    monkeypatch.setattr(follow, "HELD_COUNT", 20)
    await scene.publish(*numbered(100))
    state = await state_of(client, scene.stream)
    room = SocketReader.room
    purges = iter([51])

    async def purge(reader: SocketReader) -> None:
        await room(reader)
        if reader.cursor.sequence >= 10:
            for number in purges:
                await client.jetstream().purge_stream(scene.stream, seq=number)

    monkeypatch.setattr(SocketReader, "room", purge)
    async with scene.running(), scene.follower() as reader:
        reader.subscribe(after=str(Cursor(state.epoch_us, 0)))
        (error,) = await reader.got("error")
        assert error["reason"] == "cursor_expired"
        assert reader.ids() == numbered(len(reader.ids()))
        assert 10 <= len(reader.ids()) < 51


async def test_cursor_that_is_older_than_the_memory_is_read_from_the_stream(
    scene: ReadersScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed knows how far back its memory goes."""
    monkeypatch.setattr(feed, "NEWEST_COUNT", 5)
    async with scene.running(), scene.follower() as live, scene.follower() as reader:
        live.subscribe()
        await live.got("subscribed")
        await scene.publish(*numbered(20))
        await live.got_ids(numbered(20))
        reader.subscribe(after=live.told("event")[3]["cursor"])
        await reader.got("caught_up")
        assert reader.ids() == numbered(16, 4)


async def test_id_is_used_again_while_its_first_subscription_ends(scene: ReadersScene) -> None:
    """Each subscription ends when its client says so, and leaves nothing behind."""
    await scene.publish(*numbered(2000))
    async with scene.running():
        async with scene.follower() as reader:
            for _ in range(3):
                before = len(reader.told("event"))
                reader.subscribe(since=BEGINNING)
                await reader.got("event", before + 50)
                reader.say(op="unsubscribe", id="a")
            reader.subscribe(since=BEGINNING)
            await reader.got("caught_up")
            await scene.publish("last")
            await eventually(lambda: "last" in reader.ids(), within_s=10, what="the last")
            (*_, begun) = (at for at, one in enumerate(reader.told()) if one["op"] == "subscribed")
            events = [one for one in reader.told()[begun:] if one["op"] == "event"]
            assert [one["event"]["id"] for one in events] == [*numbered(2000), "last"]
        assert scene.source[Environment.LIVE].feed.lives() == set()


async def test_looks_through_the_newest_events_leave_turns_to_others(
    scene: ReadersScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if many subscriptions begin at once: each pauses before the next one looks."""
    turns_count = 0
    looks: list[int] = []
    looking = feed.Feed.since

    def since(of: feed.Feed, selection: Selection, sequence: int) -> list[ReadEvent]:
        looks.append(turns_count)
        return looking(of, selection, sequence)

    async def take_turns(until: asyncio.Event) -> None:
        nonlocal turns_count
        while not until.is_set():
            turns_count += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(feed.Feed, "since", since)
    until = asyncio.Event()
    async with scene.running(), contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        readers = [await stack.enter_async_context(scene.follower()) for _ in range(20)]
        readers[0].subscribe("first")
        await readers[0].got("subscribed")
        await scene.publish(*numbered(10))
        await readers[0].got("event", 10)
        cursor = readers[0].told("event")[4]["cursor"]
        group.create_task(take_turns(until))
        for reader in readers:
            reader.subscribe(after=cursor)
        for reader in readers:
            await reader.got("caught_up")
            assert reader.ids("a") == numbered(5, 5)
        until.set()
    assert len(looks) == 20
    assert len(set(looks)) == 20


async def test_events_that_go_before_they_are_read_are_told(
    scene: ReadersScene, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the stream and the reading, the stream may lose all that was wanted."""
    await scene.publish(*numbered(20))
    before = await state_of(client, scene.stream)
    stateful = [before]

    async def state(of: Client, stream: str) -> StreamState:
        if stateful:
            await client.jetstream().purge_stream(stream)
            return stateful.pop()
        return await state_of(of, stream)

    monkeypatch.setattr(subscription, "state_of", state)
    async with scene.running(), scene.follower() as reader:
        reader.subscribe(after=str(Cursor(before.epoch_us, 2)))
        (error,) = await reader.got("error")
        assert error["reason"] == "cursor_expired"
        assert error["earliest"] == str(before.end)
