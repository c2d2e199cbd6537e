"""The cursors that readers get without an event: nothing is missing behind them."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from consumer.readers import feed
from consumer.readers.cursor import Cursor
from consumer.readers.event_source import EventSourceReader
from consumer.readers.selection import select
from tests.support.eventually import eventually
from tests.support.readers import ReadersScene, numbered

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.readers.place import ReadEvent
    from consumer.readers.readers import Readers
    from consumer.readers.selection import Rights
    from consumer.readers.subscription import Subscription
    from tests.support.readers import Followed


def sent_events(start: Cursor | None = None) -> Callable[[Readers, Rights], EventSourceReader]:
    """Return what makes a reader over Server-Sent Events."""
    return lambda readers, rights: EventSourceReader(readers, rights, select(rights), start)


def last_id(reader: Followed) -> str:
    """Return the id with which a browser would come back."""
    found = re.findall(rb"^id: (.*)$", b"".join(reader.outlet.sent), re.MULTILINE)
    return "" if not found else str(found[-1].decode())


async def test_goodbye_during_a_push_names_no_event_that_was_not_sent(
    scene: ReadersScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser would come back behind that event, and never get it."""
    monkeypatch.setattr(feed, "PUSH_COUNT", 1)
    sending = EventSourceReader.send_event
    async with (
        scene.running(),
        scene.follower(make=sent_events()) as one,
        scene.follower(make=sent_events()) as other,
    ):
        both = (one, other)
        await eventually(lambda: all(map(last_id, both)), within_s=10, what="both subscribed")

        def send(
            reader: EventSourceReader, subscription: Subscription, event: ReadEvent, tail: bytes
        ) -> None:
            sending(reader, subscription, event, tail)
            for each in both:
                asyncio.get_running_loop().call_soon(each.reader.shut_down)

        monkeypatch.setattr(EventSourceReader, "send_event", send)
        await scene.publish("e")
        await eventually(lambda: all(each.outlet.closed for each in both), within_s=10, what="ends")
        got = [b'"id":"e"' in b"".join(each.outlet.sent) for each in both]
        assert sorted(got) == [False, True]
        ids = [last_id(each) for each in both]
        assert ids[got.index(False)] < ids[got.index(True)]


@pytest.mark.parametrize("start", [None, Cursor(5, 7)])
async def test_reader_that_waits_keeps_its_place(scene: ReadersScene, start: Cursor | None) -> None:
    """The server is away, and heartbeats go on."""
    async with scene.follower(make=sent_events(start)) as reader:
        await eventually(lambda: reader.outlet.sent, within_s=10, what="the beginning")
        reader.reader.beat()
        reader.reader.shut_down()
        assert b"event: heartbeat" in b"".join(reader.outlet.sent)
        assert last_id(reader) == ("" if start is None else str(start))


async def test_cursor_of_a_socket_moves_with_events_of_others(
    scene: ReadersScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it does not become too old, although the reader gets an event seldom."""
    monkeypatch.setattr(feed, "MOVE_EVERY_S", 0.1)
    async with scene.running(), scene.follower() as reader:
        reader.subscribe()
        await reader.got("subscribed")
        await scene.publish("e")
        await reader.got_ids(["e"])
        await scene.publish(*numbered(5), brand="brand-b")
        place = reader.told("event")[0]["cursor"].replace("-1", "-6")
        await eventually(lambda: str(reader.reader.cursor) == place, within_s=10, what="a move")
        await scene.publish("f")
        await reader.got_ids(["e", "f"])
        async with scene.follower() as again:
            again.subscribe(after=place)
            await again.got_ids(["f"])
