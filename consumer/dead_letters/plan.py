"""Says which stream of dead letters the configuration asks for, and which rights it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nats.js.object_store import OBJ_STREAM_TEMPLATE

from consumer.dead_letters.record import HEADERS_MAX_BYTES
from consumer.nats.rights import Right
from consumer.nats.stream import StreamPlan

if TYPE_CHECKING:
    from consumer.dead_letters.stream import DeadLetterSettings
    from consumer.sinks.base import SinkSettings


def dead_letter_plan(dead_letters: DeadLetterSettings, sink: SinkSettings) -> StreamPlan:
    """Plan the stream of dead letters.

    Its duplicate window is as long as that of the events. So a broken event that is sent again
    within the window makes only one letter.
    """
    return StreamPlan(
        name=dead_letters.stream,
        subjects=(f"{dead_letters.subject_prefix}.>",),
        create=dead_letters.create_stream,
        max_age_s=dead_letters.max_age_s,
        max_bytes=dead_letters.max_bytes or -1,
        replicas=dead_letters.replicas,
        duplicate_window_s=sink.duplicate_window_s,
        least_message_bytes=HEADERS_MAX_BYTES,
        looks=True,
    )


def letter_rights(dead_letters: DeadLetterSettings) -> list[Right]:
    """Return the rights to store letters, and to keep large bodies in the object store."""
    bucket = dead_letters.bodies_bucket
    stream = OBJ_STREAM_TEMPLATE.format(bucket=bucket)
    api = "$JS.API.STREAM"
    return [
        Right("publish", f"{dead_letters.subject_prefix}.>"),
        Right("publish", f"{api}.INFO.{stream}", "from here: large bodies of dead letters"),
        Right("publish", f"{api}.CREATE.{stream}"),
        Right("publish", f"{api}.MSG.GET.{stream}"),
        Right("publish", f"{api}.PURGE.{stream}"),
        Right("publish", f"$O.{bucket}.>"),
    ]
