"""Publishes with patience, until the sink has confirmed every message that it can take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from consumer.sinks.base import Receipt

if TYPE_CHECKING:
    from consumer.parts.patience import Patience
    from consumer.sinks.base import Message, Sink


async def publish_all(
    sink: Sink,
    messages: list[Message],
    patience: Patience,
    stage: str,
    *,
    limit_bytes: float = math.inf,
) -> list[tuple[Receipt, bool] | None]:
    """Publish messages again and again, until all of them are confirmed.

    The limit of the sink may be lowered at any time. Then the sink refuses a message that it would
    have taken before, and no other try helps.

    Args:
        sink: Where the messages are stored.
        messages: The messages.
        patience: Waits between two tries.
        stage: The stage, for log and metrics: see `Patience.wait`.
        limit_bytes: The limit of the sink for which the messages were made. Only if it has become
            lower since, a message can be too large.

    Returns:
        For each message, the receipt, and whether it came at the first try. A duplicate at the
        first try was published by another process. At a later try it was probably published by
        ourselves, at a try before it. None means that the message is larger than the sink takes.

    Cancelling: what was sent may be stored.
    """
    receipts: list[tuple[Receipt, bool] | None] = [None] * len(messages)
    unconfirmed = list(range(len(messages)))
    first_try = True
    while unconfirmed:
        answers = await sink.publish([messages[index] for index in unconfirmed])
        failures = []
        for index, answer in zip(unconfirmed, answers, strict=True):
            if isinstance(answer, Receipt):
                receipts[index] = (answer, first_try)
            else:
                failures.append((index, answer))
        now_bytes = sink.max_message_bytes
        if 0 < now_bytes < limit_bytes:
            failures = [each for each in failures if messages[each[0]].size_bytes <= now_bytes]
        unconfirmed = [index for index, _ in failures]
        if failures:
            why = failures[0][1]
            await patience.wait(stage, str(why), refused=why.refused)
            first_try = False
    patience.relieved(stage)
    return receipts
