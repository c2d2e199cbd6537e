"""Last step: the source is told, after everything it sent is stored or known.

This is the only place that sets an outcome. Each delivery has a verdict by now, so none is given
back; what never gets here keeps its RETRY, and the source delivers it again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from consumer.errors import ListenerUnavailable
from consumer.listeners.base import Outcome
from consumer.pipeline.batch import Verdict

if TYPE_CHECKING:
    from consumer.listeners.base import Listener
    from consumer.pipeline.batch import Batch

SETTLE_DEADLINE_S: Final = 10.0
"""A source that does not take an acknowledgement for so long is as good as gone."""

_OUTCOMES: Final = {
    # Acknowledged only here: the sink has confirmed the event, or the store has seen it confirmed.
    Verdict.FORWARDED: Outcome.ACK,
    Verdict.DUPLICATE: Outcome.ACK,
    # Rejected only here: its dead letter is confirmed.
    Verdict.DEAD: Outcome.REJECT,
}


async def settle(batch: Batch, listener: Listener[Any]) -> None:
    """Tell the source what became of a batch.

    Raises:
        ListenerUnavailable: the connection is gone; the source delivers the batch again, and the
            store recognises it.
    """
    for work in batch.works:
        if work.verdict is not None:
            work.delivery.outcome = _OUTCOMES[work.verdict]
    try:
        async with asyncio.timeout(SETTLE_DEADLINE_S):
            await listener.settle([work.delivery for work in batch.works])
    except TimeoutError as error:
        raise ListenerUnavailable("the source does not take acknowledgements") from error
