"""Last step: the source is told, after everything it sent is stored or known.

Each delivery has its fate by now. A delivery that never gets here keeps none, and its source
delivers it again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from consumer.errors import ListenerUnavailable

if TYPE_CHECKING:
    from consumer.listeners.base import Listener
    from consumer.pipeline.batch import Batch

SETTLE_DEADLINE_S: Final = 10.0
"""A source that takes no acknowledgement for this long is as good as gone."""


async def settle(batch: Batch, listener: Listener[Any]) -> None:
    """Tell the source how the deliveries of a batch ended.

    This is the only place that does, and it comes last: the sink has confirmed each event or the
    store has seen it confirmed, and each dead letter is stored.

    Raises:
        ListenerUnavailable: The connection is gone. The source delivers the batch again, and the
            store recognises it.
    """
    try:
        async with asyncio.timeout(SETTLE_DEADLINE_S):
            await listener.settle([work.delivery for work in batch.works])
    except TimeoutError as error:
        raise ListenerUnavailable("the source does not take acknowledgements") from error
