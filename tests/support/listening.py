"""What tests do with a listener of any kind."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import pytest

from consumer.errors import ListenerUnavailable
from consumer.listeners.base import AnyListener
from tests.support.fates import end_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.deliveries.delivery import Delivery

L = TypeVar("L", bound=AnyListener)
DEADLINE_S: Final = 20
MAX_BYTES: Final = 100 * 1024 * 1024


@asynccontextmanager
async def opened(listener: L) -> AsyncIterator[L]:
    """Open a listener and close it in any case."""
    try:
        await listener.open()
        yield listener
    finally:
        await listener.close()


async def receive(listener: AnyListener, count: int) -> list[Delivery]:
    """Receive exactly so many deliveries within the deadline."""
    found: list[Delivery] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(found) < count:
            found += await listener.receive(count - len(found), MAX_BYTES, 1)
    return found


async def acknowledge(listener: AnyListener, deliveries: list[Delivery]) -> None:
    """Settle deliveries whose events are stored."""
    end_all(deliveries)
    await listener.settle(deliveries)


async def refusal(listener: AnyListener) -> ListenerUnavailable:
    """Return the error of an `open` that has to fail."""
    with pytest.raises(ListenerUnavailable) as caught:
        await listener.open()
    await listener.close()
    return caught.value


async def loss(listener: AnyListener) -> ListenerUnavailable:
    """Return the error that ends a listener's life within the deadline."""
    with pytest.raises(ListenerUnavailable) as caught:
        await receive(listener, 1_000_000)
    return caught.value
