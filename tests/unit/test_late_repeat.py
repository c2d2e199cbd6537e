"""A sink that is away for longer than it remembers, while a lane holds what it did not confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.memory_sink import HandClock, MemoryPipeline, MemorySink
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.errors import SinkUnavailable
    from consumer.sinks.base import Message, Receipt


class OutageSink(MemorySink):
    """Stores, loses the confirmations, and is away for longer than it remembers ids."""

    def __init__(self, clock: HandClock, outage_s: float) -> None:
        super().__init__(clock=clock, window_s=600.0)
        self._hand = clock
        self._outage_s = outage_s

    async def publish(self, messages: Sequence[Message]) -> list[Receipt | SinkUnavailable]:
        """See `Sink.publish`."""
        answers = await super().publish(messages)
        self._hand.advance(self._outage_s)
        self._outage_s = 0.0
        return answers


@pytest.mark.parametrize(("outage_s", "counted"), [(500.0, 0), (700.0, 1)])
async def test_repeat_after_the_sinks_window_is_counted(outage_s: float, counted: int) -> None:
    """Nobody dies: the lane holds what was stored unconfirmed, and the sink forgets its id."""
    clock = HandClock()
    pipeline = MemoryPipeline(clock=clock, sink=OutageSink(clock, outage_s))
    await pipeline.open()
    pipeline.sink.lose_next_count = 1
    await pipeline.source.send(casino(activity_id="a"))
    await pipeline.drain()
    # Looking into the sink first is not built yet: then both would be stored once.
    assert len(pipeline.sink.stored) == 1 + counted
    assert pipeline.count("old_claims") == counted
