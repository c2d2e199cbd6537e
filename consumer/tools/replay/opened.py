"""Makes what replays letters, and opens the store and the sinks for it as the daemon does."""

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
    from consumer.dead_letters.record import LetterOf
    from consumer.lanes.outside import Outside
    from consumer.pipeline.decode import Decoder
    from consumer.tools.replay.read import LetterReader
    from consumer.tools.replay.replay import Ended

LANE: Final = "dead letters"
"""The name of a replay in the log. No listener can have this name."""

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def opened_replayer(
    config: Config,
    reader: LetterReader,
    tell: Callable[[Ended], None] = lambda _: None,
    letter_of: LetterOf = letter_again,
) -> AsyncIterator[Replayer]:
    """Open the store and the sinks, and keep them open during the block; yields a replayer.

    Waits for the store and the sinks as long as it takes.

    Args:
        config: The daemon's configuration.
        reader: The reader of the letters, whose connection is open.
        tell: Is called with the end of each letter.
        letter_of: Writes the next letter of a letter that failed again.

    Cancelling: the store and the sinks are closed.
    """
    for caveat in caveats(config):
        log.warning(caveat.what, **caveat.facts)
    outside, watched = make_outside(config), Watched(Health(), Metrics())
    replayer = make_replayer(config, outside, watched, reader, tell, letter_of)
    kept = [KeptOpen(name, part, watched.health) for name, part in outside.parts().items()]
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for part in outside.parts().values():
            stack.push_async_callback(part.close)
        keeping = [group.create_task(one.run(), name=one.name) for one in kept]
        try:
            await all_opened(kept)
            yield replayer
        finally:
            await end_tasks(keeping)


def make_replayer(
    config: Config,
    outside: Outside,
    watched: Watched,
    reader: LetterReader,
    tell: Callable[[Ended], None] = lambda _: None,
    letter_of: LetterOf = letter_again,
) -> Replayer:
    """Make a replayer on a store and sinks. They have to be open when it replays.

    Args:
        config: The configuration.
        outside: Store, sink and dead letters.
        watched: The health and the metrics to which the replay reports. They are not those of the
            process, because a replay is no listener.
        reader: The reader of the letters.
        tell: Is called with the end of each letter.
        letter_of: Writes the next letter of a letter that failed again.
    """
    return Replayer(
        reader,
        Decoders(config, lambda: outside.sink.max_message_bytes).of,
        make_steps(LANE, config, outside, watched, letter_of),
        SYSTEM_CLOCK,
        tell,
    )


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
