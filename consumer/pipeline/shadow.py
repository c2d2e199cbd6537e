"""Shadow mode, `[dedupe] mode = "shadow"`: nothing is dropped, what would have been is marked.

For trying out what this program would drop, beside subscribers who still drop copies themselves.
Responsible for turning verdicts that drop into marks, and for how a mark looks on a message.
What is marked is decided where it always is: by the store (`dedupe.py`) and by the sink's message
ids (`deliver.py`).
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import Reason
from consumer.pipeline.batch import Mark, Verdict

if TYPE_CHECKING:
    from consumer.pipeline.batch import Batch, Work
    from consumer.sinks.base import Message

HEADER: Final = "Consumer-Duplicate"


def forward_all(batch: Batch) -> list[Work]:
    """Mark every event of a batch that would be dropped, and let it be published.

    Returns:
        Those that were not marked before.
    """
    marked = []
    for work in batch.works:
        kind = _kind(work)
        if kind is not None:
            # Made once for each delivery: a publish of ours that is repeated is recognised by
            # the sink, and the event it is a copy of does not hide it.
            work.mark = Mark(kind, secrets.token_hex(8))
            work.verdict = work.rejected = work.copy_of = None
            marked.append(work)
    return marked


def marked_message(message: Message, work: Work) -> Message:
    """Return a work's message with its mark, if it has one."""
    if work.mark is None:
        return message
    return msgspec.structs.replace(
        message,
        message_id=f"{message.message_id}.{work.mark.token}",
        headers={**message.headers, HEADER: work.mark.kind},
    )


def _kind(work: Work) -> str | None:
    if work.event is None or work.mark is not None:
        return None
    if work.copy_of is not None or work.verdict is Verdict.DUPLICATE:
        return "duplicate"
    if work.rejected is not None and work.rejected.reason is Reason.CONFLICT:
        return "conflict"
    return None
