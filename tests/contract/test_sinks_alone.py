"""What one sink does beyond the contract: frozen servers, streams that are not fit."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from nats.js.api import RetentionPolicy, SubjectTransform

from consumer.errors import SinkUnavailable
from consumer.nats.connection import NatsSettings
from consumer.nats.stream import StreamPlan
from consumer.nats.subjects import covers
from consumer.sinks.base import Message, Receipt
from consumer.sinks.core import CoreSink
from consumer.sinks.jetstream import JetStreamSink
from tests.brokers.nats import Nats
from tests.contract.sink_suite import (
    PUBLISH_TIMEOUT_S,
    WITHIN_S,
)
from tests.support.eventually import eventually
from tests.support.memory_sink import MemorySink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from consumer.sinks.base import Sink

from tests.support.sink_places import NOBODY, WINDOW_S, JetStreamPlace, MemoryPlace


async def test_memory_sink_fails_as_often_as_told() -> None:
    """Nothing of it is stored."""
    place = MemoryPlace()
    sink = place.sink()
    assert isinstance(sink, MemorySink)
    await sink.open()
    sink.fail_next_count = 2
    answers = await sink.publish([place.message() for _ in range(3)])
    assert [isinstance(answer, SinkUnavailable) for answer in answers] == [True, True, False]
    assert len(await place.stored(1)) == 1


async def test_memory_sink_loses_confirmations_as_told() -> None:
    """What is sent again is recognised."""
    place = MemoryPlace()
    sink = place.sink()
    assert isinstance(sink, MemorySink)
    await sink.open()
    sink.lose_next_count = 1
    message = place.message()
    (answer,) = await sink.publish([message])
    assert isinstance(answer, SinkUnavailable)
    assert await sink.publish([message]) == [Receipt(earlier_number=1)]


@pytest.mark.parametrize("kind", ["jetstream", "core"])
async def test_unreachable_server_says_what_to_look_at(kind: str) -> None:
    """The address without a password, and a question."""
    connection = NatsSettings(url=NOBODY.replace("//", "//user:secret@"), connect_timeout_s=2.0)
    plan = StreamPlan(name="X", subjects=("x",), create=True, max_age_s=1, duplicate_window_s=1)
    sink: Sink = CoreSink(connection, name="test", publish_timeout_s=1)
    if kind == "jetstream":
        sink = JetStreamSink(connection, plan, name="test", publish_timeout_s=1)
    with pytest.raises(SinkUnavailable, match=r"127\.0\.0\.1:1: connection refused") as why:
        await sink.open()
    assert "secret" not in str(why.value)
    await sink.close()


@pytest.fixture
async def sink(jetstream: JetStreamPlace) -> AsyncIterator[JetStreamSink]:
    """Return an open sink on that stream."""
    sink = jetstream.sink()
    await sink.open()
    yield sink
    jetstream.proxy.thaw()
    await sink.close()


async def test_frozen_server_confirms_nothing(
    jetstream: JetStreamPlace, sink: JetStreamSink
) -> None:
    """The publisher hears so in time; sent again after the thaw it is stored once."""
    message = jetstream.message()
    jetstream.proxy.freeze()
    started_s = time.monotonic()
    (answer,) = await sink.publish([message])
    assert "no confirmation within 2 s" in str(answer)
    assert time.monotonic() - started_s < PUBLISH_TIMEOUT_S * 2
    jetstream.proxy.thaw()
    assert await sink.publish([message]) == [Receipt(earlier_number=1)]


async def test_check_of_a_frozen_server_leaves_the_connection_whole(
    jetstream: JetStreamPlace, sink: JetStreamSink
) -> None:
    """Its answer comes after the thaw, when nobody waits for it any more."""
    jetstream.proxy.freeze()
    with pytest.raises(SinkUnavailable, match="does not answer"):
        await sink.check()
    jetstream.proxy.thaw()
    assert await sink.publish([jetstream.message()]) == [Receipt.STORED]


async def test_large_batch_towards_a_frozen_server_is_given_up_in_time(
    jetstream: JetStreamPlace,
) -> None:
    """Also when it fills every buffer on the way, so that sending itself stands still."""
    sink = jetstream.sink()
    await sink.open()
    jetstream.proxy.freeze()
    started_s = time.monotonic()
    async with asyncio.timeout(WITHIN_S):
        answers = await sink.publish([jetstream.message(b"x" * 1_000_000) for _ in range(40)])
    assert {type(answer) for answer in answers} == {SinkUnavailable}
    assert time.monotonic() - started_s < PUBLISH_TIMEOUT_S * 2
    jetstream.proxy.cut()
    await sink.close()


async def test_frozen_server_does_not_delay_the_close(jetstream: JetStreamPlace) -> None:
    """Within 5 s, as the contract says."""
    sink = jetstream.sink()
    await sink.open()
    jetstream.proxy.freeze()
    async with asyncio.timeout(5):
        await sink.close()
    jetstream.proxy.thaw()


async def test_opening_towards_a_frozen_server_is_bounded(jetstream: JetStreamPlace) -> None:
    """Told as what it is."""
    jetstream.proxy.freeze()
    sink = jetstream.sink()
    with pytest.raises(SinkUnavailable, match="no answer in time: is NATS frozen"):
        async with asyncio.timeout(WITHIN_S):
            await sink.open()
    jetstream.proxy.thaw()


async def test_lost_confirmation_is_answered_at_the_cut(jetstream: JetStreamPlace) -> None:
    """Not only at the deadline; sent again, it is stored once."""
    sink = jetstream.sink()
    await sink.open()
    message = jetstream.message()
    jetstream.proxy.drop_replies = True
    async with asyncio.TaskGroup() as group:
        call = group.create_task(sink.publish([message]))
        await eventually(jetstream.has_stored)
        jetstream.proxy.cut()
    assert "connection lost" in str(call.result()[0])
    jetstream.proxy.drop_replies = False
    await sink.open()
    assert await sink.publish([message]) == [Receipt(earlier_number=1)]
    await sink.close()


async def test_missing_stream_is_created_fit(jetstream: JetStreamPlace) -> None:
    """As the guarantees need it."""
    sink = jetstream.sink()
    await sink.open()
    config = await jetstream.config()
    assert config.retention == RetentionPolicy.LIMITS
    assert config.duplicate_window == WINDOW_S
    assert config.max_age == 3600
    assert config.subjects == [f"{jetstream.prefix}.*"]
    await sink.close()


async def test_missing_stream_is_only_missed_without_create(jetstream: JetStreamPlace) -> None:
    """The operator decides."""
    sink = jetstream.sink(create=False)
    with pytest.raises(SinkUnavailable, match="does not exist: create it, or set create_stream"):
        await sink.open()
    assert not sink.max_message_bytes


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"retention": RetentionPolicy.WORK_QUEUE}, r"retention is \S*work\S*, must be limits"),
        ({"duplicate_window": 5}, "duplicate_window is 5 s, must be at least 120 s"),
        ({"max_age": 30, "duplicate_window": 30}, "max_age is 30 s, must be 0 or at least 120 s"),
        ({"no_ack": True}, "no_ack is set, so nothing would be confirmed"),
        ({"sealed": True}, "it is sealed"),
        ({"allow_msg_counter": True}, "allow_msg_counter is set, so it takes only counters"),
        (
            {"subject_transform": SubjectTransform(src=">", dest="moved.>")},
            "subject_transform is set, so events are stored under other subjects",
        ),
        ({"allow_msg_ttl": True}, None),
    ],
    ids=[
        *("work queue", "small window", "small age", "no_ack", "sealed", "counters", "moved"),
        "harmless",
    ],
)
async def test_unfit_stream_is_refused(
    jetstream: JetStreamPlace, changes: dict[str, Any], text: str | None
) -> None:
    """With what is wrong with it, and not changed by us."""
    sealed = changes.get("sealed")
    await jetstream.create(**({} if sealed else changes))
    if sealed:
        await jetstream.client.jetstream().update_stream(
            (await jetstream.config()).evolve(sealed=True)
        )
    sink = jetstream.sink()
    if text is None:
        await sink.open()
        await sink.close()
        return
    with pytest.raises(SinkUnavailable, match=f"is not fit: .*{text}"):
        await sink.open()
    assert await sink.publish([jetstream.message()]) != [Receipt.STORED]


async def test_missing_subjects_are_added(jetstream: JetStreamPlace) -> None:
    """Those that are there stay, also those that are not ours."""
    extra = f"{jetstream.prefix}x.other"
    await jetstream.create(subjects=[extra])
    sink = jetstream.sink()
    await sink.open()
    assert (await jetstream.config()).subjects == [extra, f"{jetstream.prefix}.*"]
    assert await sink.publish([jetstream.message()]) == [Receipt.STORED]
    await sink.close()


async def test_missing_subjects_are_only_named_without_create(jetstream: JetStreamPlace) -> None:
    """The operator decides."""
    await jetstream.create(subjects=[f"{jetstream.prefix}.bet"])
    with pytest.raises(SinkUnavailable, match=rf"does not store {jetstream.prefix}\.\*"):
        await jetstream.sink(create=False).open()


async def test_subjects_of_another_stream_are_told_so(jetstream: JetStreamPlace) -> None:
    """The server's own text."""
    await jetstream.create(name=f"{jetstream.plan().name}_OTHER")
    with pytest.raises(SinkUnavailable, match="subjects overlap"):
        await jetstream.sink().open()
    await jetstream.client.jetstream().delete_stream(f"{jetstream.plan().name}_OTHER")


async def test_deleted_stream_confirms_nothing(jetstream: JetStreamPlace) -> None:
    """And the answer names it."""
    sink = jetstream.sink()
    await sink.open()
    await jetstream.delete()
    (answer,) = await sink.publish([jetstream.message()])
    assert f"was {jetstream.plan().name} deleted or changed?" in str(answer)
    await sink.close()


async def test_full_stream_confirms_nothing(jetstream: JetStreamPlace) -> None:
    """The server's reason is passed on."""
    await jetstream.create(max_msgs=1, discard="new")
    sink = jetstream.sink()
    await sink.open()
    answers = await sink.publish([jetstream.message(), jetstream.message()])
    assert answers[0] is Receipt.STORED
    assert "maximum messages exceeded" in str(answers[1])
    await sink.close()


async def test_limit_of_the_stream_counts(jetstream: JetStreamPlace) -> None:
    """Where it is smaller than the server's."""
    await jetstream.create(max_msg_size=1000)
    sink = jetstream.sink()
    await sink.open()
    assert sink.max_message_bytes == 1000
    await sink.close()


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("game.bet", "game.bet", True),
        ("game.*", "game.bet", True),
        ("game.*", "game.*", True),
        ("*.*", "game.*", True),
        (">", "game.bet", True),
        (">", ">", True),
        ("game.>", "game.bet", True),
        ("game.>", "game.*", True),
        ("game.>", "game.>", True),
        ("game.>", "game.bet.eur", True),
        ("*.>", "game.>", True),
        ("game.>", "game", False),
        ("game.*", "game", False),
        ("game", "game.bet", False),
        ("game.*", "game.>", False),
        ("game.*", "game.bet.eur", False),
        ("game.bet", "game.*", False),
        ("game.*", "*.bet", False),
        ("game.*.eur", "game.>", False),
        ("payment.*", "game.*", False),
    ],
)
def test_subject_covers(wide: str, narrow: str, *, covered: bool) -> None:
    """Every subject of the second is matched by the first."""
    assert covers(wide, narrow) is covered


async def test_core_sink_does_not_confirm_what_the_server_refuses(tmp_path: Path) -> None:
    """The server reads such a message, and passes it on to nobody."""
    rights = """
authorization {
  users: [ { user: u, password: p, permissions: { publish: { deny: ["game.win"] } } } ]
}
"""
    with Nats(tmp_path, extra=rights) as server:
        connection = NatsSettings(url=server.address, user="u", password="p")
        sink = CoreSink(connection, name="test", publish_timeout_s=PUBLISH_TIMEOUT_S)
        await sink.open()
        messages = [Message(f"game.{name}", b"{}", name, {}) for name in ("bet", "win", "loss")]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(sink.publish(messages), name="publish") for _ in range(3)]
        await sink.close()
    for bet, win, loss in (task.result() for task in tasks):
        assert (bet, loss) == (Receipt.STORED, Receipt.STORED)
        assert 'permissions violation for publish to "game.win"' in str(win).lower()
