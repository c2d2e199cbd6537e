"""Lets the long batches of a key pass in turn, so that some are answered in time under load.

A long batch goes to the lane in pieces. If thirty of them took turns piece by piece, all would come
to their end at the same time, which is too late: each would be answered with 503 and sent again.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.listeners.http.shed import NotTaken, Shed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HELD_MAX_COUNT: Final = 8
"""So many long batches of a key are held: the one that passes, and those that wait for it."""


class _Queue(msgspec.Struct):
    lock: asyncio.Lock
    held_count: int = 0


class LongBatches:
    """The long batches of all keys."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    @contextlib.asynccontextmanager
    async def turn(self, key_id: str, until_s: float) -> AsyncIterator[None]:
        """Wait until the long batches of this key that came before have passed.

        Args:
            key_id: The key's id.
            until_s: The time up to which the sender waits, on the loop's clock.

        Raises:
            NotTaken: `busy`, if too many wait; `late`, if the time is over.
        """
        queue = self._queues.setdefault(key_id, _Queue(asyncio.Lock()))
        if queue.held_count >= HELD_MAX_COUNT:
            raise NotTaken(Shed.BUSY)
        queue.held_count += 1
        try:
            try:
                async with asyncio.timeout_at(until_s):
                    await queue.lock.acquire()
            except TimeoutError:
                raise NotTaken(Shed.LATE) from None
            try:
                yield
            finally:
                queue.lock.release()
        finally:
            queue.held_count -= 1
            if not queue.held_count:
                del self._queues[key_id]
