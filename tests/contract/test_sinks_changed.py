"""What a sink does when the operator changes its stream while the daemon runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import structlog
from nats.js.api import RetentionPolicy

from consumer.errors import SinkUnavailable
from consumer.sinks.base import Receipt
from tests.contract.sink_suite import WITHIN_S

if TYPE_CHECKING:
    from nats.aio.client import Client

    from tests.support.sink_places import JetStreamPlace


async def test_limit_that_is_lowered_is_known_at_the_first_refusal(
    jetstream: JetStreamPlace, client: Client
) -> None:
    """Nobody else tells the sink, and the lane would try for ever."""
    await jetstream.create()
    sink = jetstream.sink()
    await sink.open()
    config = (await client.jetstream().stream_info(f"TEST_{jetstream.prefix}")).config
    await client.jetstream().update_stream(config.evolve(max_msg_size=1000))
    small, large = jetstream.message(), jetstream.message()
    large = msgspec.structs.replace(large, body=bytes(2000))
    answers = await sink.publish([small, large])
    assert answers[0] is Receipt.STORED
    assert "message size exceeds maximum allowed (error 10054)" in str(answers[1])
    async with asyncio.timeout(WITHIN_S):
        assert (
            await sink.wait_lost() == f"the settings of stream TEST_{jetstream.prefix} were changed"
        )
    await sink.open()
    assert sink.max_message_bytes == 1000
    await sink.close()


@pytest.mark.parametrize("create", [True, False])
async def test_stream_that_is_deleted_is_noticed_without_messages(
    jetstream: JetStreamPlace, *, create: bool
) -> None:
    """An idle daemon would be ready for ever. What the stream held is gone, which is an error."""
    await jetstream.create()
    sink = jetstream.sink(create=create)
    await sink.open()
    await sink.check()
    await jetstream.delete()
    with pytest.raises(SinkUnavailable, match=f"stream {jetstream.plan().name} was deleted"):
        await sink.check()
    assert await sink.wait_lost() == f"stream {jetstream.plan().name} was deleted"
    with structlog.testing.capture_logs() as logs:
        if create:
            await sink.open()
            assert await sink.publish([jetstream.message()]) == [Receipt.STORED]
        else:
            with pytest.raises(SinkUnavailable, match="does not exist: create it"):
                await sink.open()
    await sink.close()
    errors = [each["event"] for each in logs if each["log_level"] == "error"]
    assert errors == (["stream was deleted and made anew"] if create else [])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"duplicate_window": 1}, "duplicate_window is 1 s, must be at least 120 s"),
        ({"max_age": 30, "duplicate_window": 30}, "max_age is 30 s, must be 0 or at least 120 s"),
        ({"storage": "memory"}, "storage is memory, so what is confirmed is gone"),
        ({"retention": RetentionPolicy.WORK_QUEUE}, r"retention is \S*work\S*, must be limits"),
        ({}, None),
    ],
    ids=["small window", "small age", "memory", "work queue", "the same"],
)
async def test_stream_that_is_made_anew_is_judged_again(
    jetstream: JetStreamPlace, changes: dict[str, Any], text: str | None
) -> None:
    """Also if nobody publishes, and no message is sent to it before."""
    sink = jetstream.sink()
    await sink.open()
    await jetstream.delete()
    await jetstream.create(**changes)
    with pytest.raises(SinkUnavailable, match="was made anew"):
        await sink.check()
    assert await sink.publish([jetstream.message()]) != [Receipt.STORED]
    if text is None:
        with structlog.testing.capture_logs() as logs:
            await sink.open()
        assert [each["event"] for each in logs] == ["stream was deleted and made anew"]
        await sink.check()
        await sink.close()
        return
    with pytest.raises(SinkUnavailable, match=f"is not fit: .*{text}"):
        await sink.open()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"duplicate_window": 1}, "duplicate_window is 1 s"),
        ({"max_age": 60, "duplicate_window": 60}, "max_age is 60 s, must be 0 or at least 120 s"),
        ({"sealed": True}, "it is sealed"),
        ({"no_ack": True}, "no_ack is set"),
        ({"subjects": ["nobody.asked"]}, "it does not store"),
        ({"max_msgs": 1000}, None),
    ],
    ids=["small window", "small age", "sealed", "no_ack", "other subjects", "harmless"],
)
async def test_stream_that_is_edited_is_judged_again(
    jetstream: JetStreamPlace, changes: dict[str, Any], text: str | None
) -> None:
    """As at the start. A limit that may evict messages is a caveat."""
    await jetstream.create()
    sink = jetstream.sink(create=False)
    await sink.open()
    await jetstream.client.jetstream().update_stream((await jetstream.config()).evolve(**changes))
    with pytest.raises(SinkUnavailable, match=r"settings of stream .* were changed"):
        await sink.check()
    if text is None:
        (caveat,) = await sink.open()
        assert caveat.what == "stream may evict inside the window"
        assert caveat.facts["max_msgs"] == 1000
        await sink.close()
        return
    with pytest.raises(SinkUnavailable, match=f"is not fit: .*{text}"):
        await sink.open()


async def test_publish_that_is_cancelled_waits_for_no_answer(
    jetstream: JetStreamPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flight that stays would hold the sink when it gives up its stream."""
    await jetstream.create()
    sink = jetstream.sink()
    await sink.open()
    reached = asyncio.Event()

    async def stuck(*_: object, **__: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(sink.client, "publish", stuck)
    async with asyncio.TaskGroup() as group:
        publishing = group.create_task(sink.publish([jetstream.message()]))
        await reached.wait()
        publishing.cancel()
    assert not vars(sink)["_flights"]
    await sink.close()
