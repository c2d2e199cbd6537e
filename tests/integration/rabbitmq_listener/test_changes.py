"""What others do to the queue of a RabbitMQ listener: its kind, its other consumers, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aio_pika
import pytest

from consumer.errors import ListenerUnavailable
from tests.support.eventually import eventually
from tests.support.listening import acknowledge, opened, receive

if TYPE_CHECKING:
    from pamqp.common import Arguments

    from consumer.listeners.rabbitmq.listener import RabbitmqListener
    from tests.support.source_rabbitmq import RabbitmqSource


async def test_stream_queue_is_refused(source: RabbitmqSource) -> None:
    """It would begin at what comes next, after every interruption again."""
    name = f"{source.queue}.stream"
    arguments: Arguments = {"x-queue-type": "stream"}
    queue = await source.channel.declare_queue(name, durable=True, arguments=arguments)
    with pytest.raises(
        ListenerUnavailable, match="is a stream, which keeps no progress"
    ) as refused:
        async with opened(source.listener(queue=name)):
            pass
    await queue.delete()
    assert refused.value.reason == "refused"


@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_standby_of_a_single_active_consumer_is_not_stalled(
    source: RabbitmqSource, kind: str
) -> None:
    """What waits belongs to the other consumer, and comes here once that has gone."""
    name = f"{source.queue}.{kind}"
    arguments: Arguments = {"x-queue-type": kind, "x-single-active-consumer": True}
    await source.channel.declare_queue(name, durable=True, arguments=arguments)
    first, standby = (source.listener(queue=name, prefetch_count=1) for _ in range(2))
    try:
        await first.open()
        await standby.open()
        for number in range(3):
            body = str(number).encode()
            await source.channel.default_exchange.publish(aio_pika.Message(body), name)
        await receive(first, 1)
        await eventually(lambda: waits(standby, 2), what="two messages wait")
        told = [standby.withheld]
        await first.close()
        await acknowledge(standby, await receive(standby, 1))
        await receive(standby, 1)
        await eventually(lambda: waits(standby, 1), what="one message waits")
        told.append(standby.withheld)
    finally:
        await first.close()
        await standby.close()
        await source.channel.queue_delete(name)
    assert told == ["another consumer shares it", None]


async def test_listener_whose_neighbour_has_left_is_alone(source: RabbitmqSource) -> None:
    """Else a connection that is silent from its beginning would never be noticed."""
    first, second = source.listener(), source.listener()
    try:
        await first.open()
        await second.open()
        await eventually(
            lambda: withheld_is(second, "another consumer shares it"), what="a shared queue"
        )
        await first.close()
        await eventually(lambda: withheld_is(second, None), what="a queue of our own")
    finally:
        await first.close()
        await second.close()


async def withheld_is(listener: RabbitmqListener, why: str | None) -> bool:
    """Tell whether the listener says this of what waits."""
    await listener.backlog()
    return listener.withheld == why


async def waits(listener: RabbitmqListener, count: int) -> bool:
    """Tell whether so many messages wait."""
    return await listener.backlog() == count


async def test_queue_that_another_consumer_has_is_told(source: RabbitmqSource) -> None:
    """It is not a missing permission, which the broker calls by the same name."""
    queue = await source.channel.get_queue(source.queue)
    tag = await queue.consume(ignore, exclusive=True)
    with pytest.raises(ListenerUnavailable, match=r": another consumer has queue .* exclusively"):
        async with opened(source.listener()):
            pass
    await queue.cancel(tag)


async def ignore(message: object) -> None:
    """Leave a message alone."""


async def test_queue_that_was_made_anew_is_told(source: RabbitmqSource) -> None:
    """Its bindings are gone. A queue that is there is no news."""
    async with opened(source.listener(declare=True)) as listener:
        assert listener.caveats == []
    await source.channel.queue_delete(source.queue)
    async with opened(source.listener(declare=True)) as listener:
        (caveat,) = listener.caveats
    assert caveat.what == "queue created"
    assert "no bindings" in str(caveat.facts["why"])
