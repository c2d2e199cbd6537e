"""Last step: tells the source how its deliveries ended, after they are stored or known.

Each delivery has its fate by now. A delivery that never gets here is not settled, so its source
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
"""A source that takes no acknowledgement for this time counts as gone."""


async def settle(batch: Batch, listener: Listener[Any]) -> None:
    """Tell the source how the deliveries of a batch ended.

    No other function tells the source. It is told last: by now, the sink has confirmed each event,
    or the store knows that it was confirmed before, and each dead letter is stored.

    Raises:
        ListenerUnavailable: The connection is gone. The source delivers the batch again, and the
            store recognises it.
    """
    try:
        async with asyncio.timeout(SETTLE_DEADLINE_S):
            await listener.settle([work.delivery for work in batch.works])
    except TimeoutError as error:
        raise ListenerUnavailable("the source does not take acknowledgements") from error
