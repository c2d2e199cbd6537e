"""Publishes with patience, until the sink has confirmed every single message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.sinks.base import Receipt

if TYPE_CHECKING:
    from consumer.parts.patience import Patience
    from consumer.sinks.base import Message, Sink


async def publish_all(
    sink: Sink, messages: list[Message], patience: Patience, stage: str
) -> list[tuple[Receipt, bool]]:
    """Publish messages again and again, until all of them are confirmed.

    Args:
        sink: Where the messages are stored.
        messages: The messages.
        patience: Waits between two tries.
        stage: The stage, for log and metrics: see `Patience.wait`.

    Returns:
        For each message, the receipt, and whether it came at the first try. A duplicate at the
        first try was published by another process. At a later try it was probably published by
        ourselves, at a try before it.

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
                failures.append((index, str(answer)))
        unconfirmed = [index for index, _ in failures]
        if failures:
            await patience.wait(stage, failures[0][1])
            first_try = False
    patience.relieved(stage)
    return [receipt for receipt in receipts if receipt is not None]
