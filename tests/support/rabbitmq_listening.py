"""What the tests of the RabbitMQ listener do with one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from consumer.errors import ListenerUnavailable
from tests.support.fates import end_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.deliveries.delivery import Delivery
    from consumer.listeners.rabbitmq.listener import RabbitmqListener
    from tests.support.source_rabbitmq import RabbitmqSource

DEADLINE_S: Final = 20


@asynccontextmanager
async def opened(source: RabbitmqSource, **settings: Any) -> AsyncIterator[RabbitmqListener]:  # noqa: ANN401  # options
    """Open a listener and close it in any case."""
    listener = source.listener(**settings)
    try:
        await listener.open()
        yield listener
    finally:
        await listener.close()


async def receive(listener: RabbitmqListener, count: int) -> list[Delivery]:
    """Receive exactly this many deliveries within the deadline."""
    found: list[Delivery] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            found += await listener.receive(count - len(found), 1 << 30, 1)
    return found


async def acknowledge(listener: RabbitmqListener, deliveries: list[Delivery]) -> None:
    """Settle deliveries whose events are stored."""
    end_all(deliveries)
    await listener.settle(deliveries)


async def refusal(listener: RabbitmqListener) -> ListenerUnavailable:
    """Return the error of an `open` that has to fail."""
    with pytest.raises(ListenerUnavailable) as caught:
        await listener.open()
    await listener.close()
    return caught.value


async def loss(listener: RabbitmqListener) -> ListenerUnavailable:
    """Return the error that ends a listener's life within the deadline."""
    with pytest.raises(ListenerUnavailable) as caught:
        await receive(listener, 1_000_000)
    return caught.value
