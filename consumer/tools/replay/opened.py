"""Opens the store and the sinks for a replay, in the same way as the daemon."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import structlog

from consumer.cancel import end_tasks
from consumer.clock import SYSTEM_CLOCK
from consumer.lanes.outside import caveats, make_outside
from consumer.lanes.wire import Watched, make_decoder, make_steps
from consumer.operations.health import Health
from consumer.operations.metrics import Metrics
from consumer.parts.keep_open import KeptOpen, all_opened
from consumer.tools.replay.replay import Replayer, letter_again

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from consumer.config.load import Config
    from consumer.pipeline.decode import Decoder
    from consumer.tools.replay.read import LetterReader

LANE: Final = "dead letters"
"""The name of a replay in the log. No listener can have this name."""

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def opened_replayer(config: Config, reader: LetterReader) -> AsyncIterator[Replayer]:
    """Open the store and the sinks, and keep them open during the block; yields a replayer.

    Waits for the store and the sinks as long as it takes.

    Args:
        config: The daemon's configuration.
        reader: The reader of the letters, whose connection is open.

    Cancelling: the store and the sinks are closed.
    """
    for caveat in caveats(config):
        log.warning(caveat.what, **caveat.facts)
    outside, watched = make_outside(config), Watched(Health(), Metrics())
    steps = make_steps(LANE, config, outside, watched, letter_again)
    kept = [KeptOpen(name, part, watched.health) for name, part in outside.parts().items()]
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for part in outside.parts().values():
            stack.push_async_callback(part.close)
        keeping = [group.create_task(one.run(), name=one.name) for one in kept]
        try:
            await all_opened(kept)
            yield Replayer(
                reader,
                Decoders(config, lambda: outside.sink.max_message_bytes).of,
                steps,
                SYSTEM_CLOCK,
            )
        finally:
            await end_tasks(keeping)


class Decoders:
    """The decoders for the letters of all listeners. Each is made when it is first needed.

    Args:
        config: The configuration as it is now.
        sink_bytes: Returns the size of the largest message that the sink takes.
    """

    def __init__(self, config: Config, sink_bytes: Callable[[], int]) -> None:
        self._config = config
        self._sink_bytes = sink_bytes
        self._known: dict[str, Decoder] = {}

    def of(self, listener: str) -> Decoder:
        """Return the decoder for the letters of the listener with this name."""
        if listener not in self._known:
            self._known[listener] = make_decoder(self._config, listener, self._sink_bytes)
        return self._known[listener]
