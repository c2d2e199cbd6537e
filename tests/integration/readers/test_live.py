"""Readers on a real stream: who gets what, and who is let go."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

import pytest
from nats.js.api import StreamConfig

from consumer.deliveries.origin import Environment
from consumer.readers import feed, pace as pace_module
from consumer.readers.history import read_page
from consumer.readers.pace import Pace
from consumer.readers.readers import LetGo
from consumer.readers.selection import rights_of, select
from consumer.readers.settings import StreamApiSettings
from consumer.readers.socket import SocketReader
from tests.support.eventually import eventually
from tests.support.readers import (
    ReadersScene,
    TakenLater,
    numbered,
    reading_key,
    sink_settings,
)

if TYPE_CHECKING:
    from nats.aio.client import Client

    from consumer.readers.place import ReadEvent
    from consumer.readers.subscription import Subscription

BEGINNING: Final = "1970-01-01T00:00:00Z"


async def test_live_events_come_in_order(scene: ReadersScene) -> None:
    """From the moment at which the subscription has begun."""
    await scene.publish("before")
    async with scene.running(), scene.follower() as reader:
        reader.subscribe()
        (subscribed,) = await reader.got("subscribed")
        assert subscribed["caught_up"] is True
        await scene.publish(*numbered(20))
        await reader.got_ids(numbered(20))
        (first, *_) = reader.told("event")
        assert first["id"] == "a"
        assert first["subject"] == "game.bet"
        assert first["event"]["brand"] == "brand-a"


async def test_each_reader_gets_what_its_key_and_its_wish_allow(scene: ReadersScene) -> None:
    """By brand, subject and player."""
    async with (
        scene.running(),
        scene.follower() as all_of_it,
        scene.follower(reading_key("brand-b", "BBBBBBBBBBBB")) as other,
        scene.follower(reading_key(key_id="CCCCCCCCCCCC", subjects=("wallet.*",))) as wallet,
    ):
        all_of_it.subscribe()
        all_of_it.subscribe("p", subjects=["game.*"], user="player-1")
        other.subscribe()
        wallet.subscribe()
        wallet.subscribe("x", subjects=["game.bet"])
        await all_of_it.got("subscribed", 2)
        for reader in (other, wallet):
            await reader.got("subscribed")
        await scene.publish("bet-1", user="player-1")
        await scene.publish("bet-2", user="player-2")
        await scene.publish("theirs", brand="brand-b", user="player-1")
        await scene.publish("deposit", subject="wallet.deposit_approved")
        await scene.publish("last")
        await eventually(lambda: "last" in all_of_it.ids("a"), within_s=10, what="the last")
        assert all_of_it.ids("a") == ["bet-1", "bet-2", "deposit", "last"]
        assert all_of_it.ids("p") == ["bet-1"]
        assert other.ids() == ["theirs"]
        assert wallet.ids() == ["deposit"]
        (error,) = wallet.told("error")
        assert (error["id"], error["reason"]) == ("x", "forbidden_subject")


async def test_a_process_reads_each_family_once(scene: ReadersScene, client: Client) -> None:
    """And nothing without readers."""
    jetstream = client.jetstream()

    async def consumers() -> list[list[str]]:
        found = await jetstream.consumers_info(scene.stream)
        return [
            sorted(one.config.filter_subjects or [one.config.filter_subject or ""]) for one in found
        ]

    async with scene.running():
        assert await consumers() == []
        async with scene.follower() as one, scene.follower() as other:
            for reader in (one, other):
                reader.subscribe(subjects=["system.*"])
                await reader.got("subscribed")
            prefix = scene.stream.removeprefix("S_")
            assert await consumers() == [[f"{prefix}.system.ping"]]
            one.subscribe("b", subjects=["custom.event"])
            await one.got("subscribed", 2)
            await scene.publish("p", subject="system.ping")
            await scene.publish("c", subject="custom.event")
            await one.got_ids(["p", "c"])
            await other.got_ids(["p"])
            (subjects,) = await consumers()
            assert subjects == [f"{prefix}.custom.event", f"{prefix}.system.ping"]


async def test_new_family_is_read_at_once(scene: ReadersScene) -> None:
    """Also while another one is about to be dropped."""
    async with scene.running(), scene.follower() as reader:
        for name, subject in (("a", "system.*"), ("b", "custom.event")):
            reader.subscribe(name, subjects=[subject])
        await reader.got("subscribed", 2)
        reader.say(op="unsubscribe", id="b")
        await reader.got("unsubscribed")
        await scene.publish("e", subject="system.ping")
        await reader.got("event")  # so the feed has had time to see it
        reader.subscribe("c", subjects=["game.*"])
        await reader.got("subscribed", 3, within_s=feed.IDLE_S / 2)


async def test_slow_reader_is_let_go_with_its_cursor(client: Client, nats_url: str) -> None:
    """And nobody else is held up."""
    name = f"r{secrets.token_hex(4)}"
    scene = ReadersScene(
        client, sink_settings(nats_url, name), StreamApiSettings(max_buffered_bytes=2000)
    )
    await client.jetstream().add_stream(StreamConfig(name=scene.stream, subjects=[f"{name}.>"]))
    async with scene.running(), scene.follower() as slow, scene.follower() as other:
        for reader in (slow, other):
            reader.subscribe()
            await reader.got("subscribed")
        await scene.publish("seen")
        await slow.got_ids(["seen"])
        cursor = slow.told("event")[0]["cursor"]
        slow.outlet.is_stuck = True
        await scene.publish(*numbered(50))
        await other.got_ids(["seen", *numbered(50)])
        assert slow.outlet.closed is not None
        code, reason = slow.outlet.closed
        assert code == 4408
        assert int(reason.rpartition("-")[2], 16) > int(cursor.rpartition("-")[2], 16)
    await client.jetstream().delete_stream(scene.stream)


async def test_reader_of_large_events_is_not_slow(
    scene: ReadersScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system gets turns to take them: from the stream, from the memory, and live."""
    await scene.publish(*numbered(60), size_bytes=30_000)
    async with scene.running(), scene.follower(outlet=TakenLater()) as reader:
        reader.subscribe(since=BEGINNING)
        await reader.got("caught_up")
        going_on = asyncio.Event()
        pushing = scene.source[Environment.LIVE].feed._push  # noqa: SLF001  # to let events pile up

        async def push(event: ReadEvent) -> None:
            await going_on.wait()
            await pushing(event)

        monkeypatch.setattr(scene.source[Environment.LIVE].feed, "_push", push)
        await scene.publish(*numbered(60, 60), size_bytes=30_000)
        going_on.set()
        await reader.got_ids(numbered(120))
        async with scene.follower(outlet=TakenLater()) as again:
            again.subscribe(after=reader.told("event")[59]["cursor"])
            await again.got_ids(numbered(60, 60))


async def test_revoked_key_ends_its_streams_within_a_second(scene: ReadersScene) -> None:
    """With the code for that."""
    key = reading_key(key_id="DDDDDDDDDDDD")
    async with scene.running(), scene.follower(key) as reader:
        reader.subscribe()
        await reader.got("subscribed")
        scene.keyring.replace({})
        await eventually(lambda: reader.outlet.closed is not None, within_s=1.0, what="the end")
        assert reader.outlet.closed is not None
        assert reader.outlet.closed[0] == 4401


async def test_wrong_messages_are_told_and_the_stream_goes_on(scene: ReadersScene) -> None:
    """Each with a word for programs."""
    async with scene.running(), scene.follower() as reader:
        reader.reader.received(b"{")
        reader.reader.received(b"[1]")
        reader.say(op="dance", id="a")
        reader.say(op="subscribe", id="")
        reader.say(op="subscribe", id="a", subjects=["nowhere.*"])
        reader.say(op="subscribe", id="a", after="x")
        reader.say(op="subscribe", id="a", after="1-1", since="1h")
        reader.say(op="subscribe", id="a", more=1)
        reader.say(op="subscribe", id="a", subjects=["a." * 30_000])
        reader.say(op="unsubscribe", id="a")
        reader.subscribe()
        reader.subscribe()
        errors = await reader.got("error", 11)
        assert [one["reason"] for one in errors] == [
            "malformed",
            "invalid",
            "invalid",
            "invalid",
            "unknown_subject",
            "invalid",
            "invalid",
            "invalid",
            "invalid",
            "unknown_id",
            "id_in_use",
        ]
        await reader.got("subscribed")
        await scene.publish("e")
        await reader.got_ids(["e"])
        reader.say(op="unsubscribe", id="a")
        await reader.got("unsubscribed")
        await scene.publish("f")
        assert reader.ids() == ["e"]


async def test_reader_that_leaves_during_a_push_gets_nothing_more(
    scene: ReadersScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pushing gives way to others in between."""
    monkeypatch.setattr(feed, "PUSH_COUNT", 1)
    async with scene.running(), scene.follower() as one, scene.follower() as other:
        for reader in (one, other):
            reader.subscribe()
            await reader.got("subscribed")
        leaving = SocketReader.send_event

        def leave(
            reader: SocketReader, subscription: Subscription, event: ReadEvent, tail: bytes
        ) -> None:
            leaving(reader, subscription, event, tail)
            for each in (one, other):
                if each.reader is not reader:
                    each.reader.let_go(LetGo.KEY)

        monkeypatch.setattr(SocketReader, "send_event", leave)
        await scene.publish("e")
        await eventually(lambda: one.ids() or other.ids(), within_s=10, what="the event")
        await asyncio.sleep(0)
        assert sorted(one.ids() + other.ids()) == ["e"]


@pytest.mark.parametrize(
    ("since", "ids"),
    [
        ("999999999d", ["e0"]),
        ("0001-01-01T00:00:00Z", ["e0"]),
        ("1500-01-01T00:00:00Z", ["e0"]),
        ("9999-12-31T23:59:59Z", []),
    ],
)
async def test_times_that_the_server_cannot_count(
    scene: ReadersScene, since: str, ids: list[str]
) -> None:
    """Events of the past are not left out, nor sent for a time in the future."""
    await scene.publish("e0")
    async with scene.running(), scene.follower() as reader:
        reader.subscribe(since=since)
        await reader.got("caught_up")
        assert reader.ids() == ids


@pytest.mark.parametrize("page", [True, False])
async def test_reading_the_past_gives_way(
    scene: ReadersScene, monkeypatch: pytest.MonkeyPatch, *, page: bool
) -> None:
    """To events that are posted: a page of history, and a reader that catches up."""
    pauses: list[float] = []
    pausing = Pace.pause_s

    def pause_s(pace: Pace, worked_s: float) -> float:
        pauses.append(worked_s)
        return pausing(pace, worked_s)

    monkeypatch.setattr(pace_module, "SLICE_S", 0.0)
    monkeypatch.setattr(Pace, "pause_s", pause_s)
    await scene.publish(*numbered(250))
    async with scene.running(), scene.follower() as reader:
        if page:
            wanted = select(rights_of(reading_key()))
            found = await read_page(scene.source[Environment.LIVE], wanted, None, 1000)
            assert len(found.events) == 250
        else:
            reader.subscribe(since=BEGINNING)
            await reader.got_ids(numbered(250))
    assert len(pauses) >= (200 if page else 2)
