"""What somebody else changes while a NATS listener runs: its consumer, its stream, their limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from nats.js.api import DeliverPolicy

from consumer.errors import ListenerUnavailable
from consumer.listeners.nats.durable import Durable
from tests.support.eventually import eventually
from tests.support.listening import acknowledge, loss, opened, receive, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.js.api import ConsumerConfig, ConsumerInfo
    from nats.js.client import JetStreamContext

    from consumer.listeners.nats.listener import NatsListener
    from tests.support.source_nats import NatsSource

LOST = "messages lost at the source"


async def _change(jetstream: JetStreamContext, source: NatsSource, **changes: object) -> None:
    """Edit the durable consumer, as its owner would."""
    config: ConsumerConfig = (await jetstream.consumer_info(source.stream, "consumer")).config
    await jetstream.add_consumer(source.stream, config.evolve(**changes))


async def _send(source: NatsSource, *numbers: int) -> None:
    for number in numbers:
        await source.send(b"%d" % number)


async def _lost(listener: NatsListener) -> int:
    """Look, as the supervisor does, and return how many messages were told as lost."""
    with structlog.testing.capture_logs() as logs:
        await listener.backlog()
    told: int = sum(each["messages_count"] for each in logs if each["event"] == LOST)
    assert listener.passed_over.take()[0] == told
    return told


async def test_durable_that_was_deleted_goes_on_where_it_was(
    source: NatsSource, jetstream: JetStreamContext
) -> None:
    """Not from the beginning: what is older than the window would be stored a second time."""
    await _send(source, 1, 2, 3, 4)
    async with opened(source.listener()) as listener:
        taken = await receive(listener, 4)
        await acknowledge(listener, taken[:2])
        await eventually(_settled(source, jetstream, 2))
        await listener.backlog()
        await jetstream.delete_consumer(source.stream, "consumer")
        assert "Consumer Deleted" in str(await loss(listener))
    with structlog.testing.capture_logs() as logs:
        async with opened(source.listener()) as listener:
            assert [d.body for d in await receive(listener, 2)] == [b"3", b"4"]
    assert logs[0]["event"] == "durable consumer was deleted, and is made anew"
    assert logs[0]["begins_at"] == 3


def _settled(
    source: NatsSource, jetstream: JetStreamContext, sequence: int
) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        info = await jetstream.consumer_info(source.stream, "consumer")
        return info.ack_floor is not None and info.ack_floor.stream_seq == sequence

    return condition


def _delivered(
    source: NatsSource, jetstream: JetStreamContext, count: int
) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        info = await jetstream.consumer_info(source.stream, "consumer")
        return info.delivered is not None and info.delivered.consumer_seq >= count

    return condition


async def test_durable_of_a_stream_that_was_made_anew_begins_with_it(
    source: NatsSource, jetstream: JetStreamContext
) -> None:
    """Its sequences begin at 1 again, so an old place means nothing. What waited is told."""
    await _send(source, *range(5))
    async with opened(source.listener()) as listener:
        await acknowledge(listener, await receive(listener, 5))
        await eventually(_settled(source, jetstream, 5))
        await listener.backlog()
    await _send(source, 5, 6)
    async with opened(source.listener()) as listener:
        await receive(listener, 2)
        await listener.backlog()
    await jetstream.delete_stream(source.stream)
    await source.open()
    await _send(source, *range(10, 20))
    with structlog.testing.capture_logs() as logs:
        async with opened(source.listener()) as listener:
            found = await receive(listener, 10)
            assert [d.body for d in found] == [b"%d" % number for number in range(10, 20)]
    (told,) = [each for each in logs if each["event"] == LOST]
    assert "made anew" in told["why"]
    assert told["messages_count"] == 2


async def test_missing_durable_is_waited_for_if_it_may_not_be_made(
    source: NatsSource, jetstream: JetStreamContext
) -> None:
    """The operator decides where it begins."""
    error = await refusal(source.listener(create_durable=False))
    assert error.reason == "refused"
    assert "create it, or set create_durable = true" in str(error)
    await jetstream.add_consumer(
        source.stream, durable_name="consumer", filter_subject=source.subject
    )
    async with opened(source.listener(create_durable=False)):
        pass


async def test_first_durable_tells_that_it_begins_with_old_messages(source: NatsSource) -> None:
    """Perhaps somebody deleted it while the daemon was stopped."""
    await _send(source, 1, 2)
    with structlog.testing.capture_logs() as logs:
        async with opened(source.listener()):
            pass
        async with opened(source.listener()):
            pass
    (told,) = [each for each in logs if each["log_level"] == "warning"]
    assert told["messages_count"] == 2


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"headers_only": True}, "headers without bodies"),
        ({"max_deliver": 3}, "MaxDeliver is 3"),
        ({"inactive_threshold": 3600.0}, "inactive_threshold"),
    ],
    ids=["headers_only", "max_deliver", "inactive_threshold"],
)
async def test_consumer_that_is_edited_is_judged_again(
    source: NatsSource, jetstream: JetStreamContext, changes: dict[str, Any], text: str
) -> None:
    """As at the opening."""
    async with opened(source.listener()) as listener:
        await listener.backlog()
        await _change(jetstream, source, **changes)
        with pytest.raises(ListenerUnavailable, match=r"settings of consumer .* were changed"):
            await listener.backlog()
    assert text in str(await refusal(source.listener()))


async def test_message_without_its_body_is_not_taken(
    source: NatsSource, jetstream: JetStreamContext
) -> None:
    """It would become an empty letter, and a work queue would be rid of the body."""
    async with opened(source.listener()) as listener:
        await _change(jetstream, source, headers_only=True)
        await _send(source, 1)
        assert "without their bodies" in str(await loss(listener))
    await _change(jetstream, source, headers_only=False)
    async with opened(source.listener()) as listener:
        assert [d.body for d in await receive(listener, 1)] == [b"1"]


async def test_empty_message_that_only_looks_so_stops_nothing(source: NatsSource) -> None:
    """Every sender can write the server's header."""
    await source.send(b"", headers={"Nats-Msg-Size": "17"})
    await _send(source, 2)
    async with opened(source.listener()) as listener:
        assert [d.body for d in await receive(listener, 2)] == [b"", b"2"]


async def test_many_empty_messages_cost_few_questions(
    source: NatsSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question for each of them would be a brake in every sender's hand."""
    asked_count = 0
    ask = Durable.info

    async def counted(durable: Durable) -> ConsumerInfo:
        nonlocal asked_count
        asked_count += 1
        return await ask(durable)

    for _ in range(200):
        await source.send(b"", headers={"Nats-Msg-Size": "17"})
    async with opened(source.listener()) as listener:
        monkeypatch.setattr(Durable, "info", counted)
        await receive(listener, 200)
        assert asked_count < 20


async def test_durable_that_somebody_makes_anew_behind_waiting_messages_is_told(
    source: NatsSource, jetstream: JetStreamContext
) -> None:
    """Nobody delivers what lies before its beginning."""
    await _send(source, 1, 2)
    async with opened(source.listener()) as listener:
        await acknowledge(listener, await receive(listener, 2))
        await eventually(_settled(source, jetstream, 2))
        await listener.backlog()
    config: ConsumerConfig = (await jetstream.consumer_info(source.stream, "consumer")).config
    await jetstream.delete_consumer(source.stream, "consumer")
    await _send(source, 3, 4, 5)
    await jetstream.add_consumer(
        source.stream, config.evolve(deliver_policy=DeliverPolicy.NEW, opt_start_seq=None)
    )
    with structlog.testing.capture_logs() as logs:
        async with opened(source.listener()):
            pass
    (told,) = [each for each in logs if each["log_level"] == "warning"]
    assert told["event"] == "durable consumer was made anew by somebody else, further on"
    assert (told["perhaps_not_delivered_count"], told["begins_behind"]) == (3, 5)


async def test_memory_consumer_is_refused(source: NatsSource, jetstream: JetStreamContext) -> None:
    """After a restart of the server, it would begin again."""
    await jetstream.add_consumer(
        source.stream, durable_name="consumer", filter_subject=source.subject, mem_storage=True
    )
    assert "mem_storage" in str(await refusal(source.listener()))


async def test_paused_consumer_is_not_stalled(
    source: NatsSource, jetstream: JetStreamContext
) -> None:
    """Nobody gets its messages, and a new connection would not either."""
    async with opened(source.listener()) as listener:
        until = datetime.now(UTC) + timedelta(hours=1)
        await jetstream.pause_consumer(source.stream, "consumer", until.isoformat())
        with pytest.raises(ListenerUnavailable, match="were changed"):
            await listener.backlog()
    async with opened(source.listener()) as listener:
        await _send(source, 1)
        assert await listener.backlog() == 1
        assert listener.withheld == "the consumer is paused"
        await jetstream.resume_consumer(source.stream, "consumer")


async def test_twin_that_holds_all_that_may_be_pending_is_no_stall(source: NatsSource) -> None:
    """A frozen twin holds them until their ack wait is over."""
    options = {"max_ack_pending_count": 2, "max_batch_count": 1, "ack_wait_s": 60.0}
    await _send(source, *range(5))
    async with (
        opened(source.listener(**options)) as twin,
        opened(source.listener(**options)) as own,
    ):
        await receive(twin, 2)
        assert await own.backlog() == 3
        assert own.withheld == "as many messages as max_ack_pending allows are not acknowledged"


@pytest.mark.parametrize("whole", [True, False], ids=["whole stream", "one subject"])
async def test_messages_that_a_limit_deletes_unread_are_told(
    source: NatsSource, jetstream: JetStreamContext, *, whole: bool
) -> None:
    """A sink that is away holds the reader, and the stream goes on."""
    subjects = [source.subject, *([] if whole else [f"{source.subject}.other"])]
    await jetstream.update_stream(name=source.stream, subjects=subjects, max_msgs=20)
    async with opened(source.listener(max_batch_count=1)) as listener:
        assert await _lost(listener) == 0
        await _send(source, *range(4))
        await receive(listener, 4)
        assert await _lost(listener) == 0
        await _send(source, *range(4, 24))  # 2 or more of them arrive, and nobody takes them
        await eventually(_delivered(source, jetstream, 5))
        assert await _lost(listener) == 0
        assert await _lost(listener) == 0
        await _send(source, *range(24, 74))
        told = await _lost(listener)
        info = await jetstream.consumer_info(source.stream, "consumer")
        arrived = info.delivered.consumer_seq
        gone = 74 - arrived - 20
        assert told == gone if whole else 0 < told <= gone
        assert await _lost(listener) == 0


async def test_deleted_messages_of_another_subject_are_no_loss(
    source: NatsSource, jetstream: JetStreamContext
) -> None:
    """The stream may be full of them."""
    other = f"{source.subject}.other"
    await jetstream.update_stream(name=source.stream, subjects=[source.subject, other], max_msgs=20)
    async with opened(source.listener()) as listener:
        await _send(source, 1)
        await acknowledge(listener, await receive(listener, 1))
        for _ in range(3):
            assert await _lost(listener) == 0
            for _ in range(50):
                await jetstream.publish(other, b"")
        assert await _lost(listener) == 0


async def test_settled_messages_of_a_work_queue_are_no_loss(
    source: NatsSource, jetstream: JetStreamContext
) -> None:
    """A work queue deletes what is acknowledged."""
    await jetstream.delete_stream(source.stream)
    await jetstream.add_stream(name=source.stream, subjects=[source.subject], retention="workqueue")
    async with opened(source.listener()) as listener:
        for _ in range(3):
            await _send(source, *range(10))
            await acknowledge(listener, await receive(listener, 10))
            assert await _lost(listener) == 0
    async with opened(source.listener()) as listener:
        assert await _lost(listener) == 0
