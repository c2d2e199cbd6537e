"""Publishing with patience: until the sink has confirmed every single message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.sinks.base import Receipt

if TYPE_CHECKING:
    from consumer.parts.patience import Patience
    from consumer.sinks.base import Message, Sink


async def publish_all(
    sink: Sink, messages: list[Message], patience: Patience, stage: str
) -> list[tuple[Receipt, bool]]:
    """Publish until everything is confirmed.

    Returns:
        For each message: the receipt, and whether it came at the first try. A duplicate at the
        first try was published by somebody else; at a later one, probably by ourselves.

    Cancelling: what was sent may be stored.
    """
    receipts: list[tuple[Receipt, bool] | None] = [None] * len(messages)
    open_ones = list(range(len(messages)))
    first_try = True
    while open_ones:
        answers = await sink.publish([messages[index] for index in open_ones])
        failures = []
        for index, answer in zip(open_ones, answers, strict=True):
            if isinstance(answer, Receipt):
                receipts[index] = (answer, first_try)
            else:
                failures.append((index, str(answer)))
        open_ones = [index for index, _ in failures]
        if failures:
            await patience.wait(stage, failures[0][1])
            first_try = False
    patience.relieved(stage)
    return [receipt for receipt in receipts if receipt is not None]
