"""Says which stream of dead letters the configuration asks for, and which rights it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nats.js.object_store import OBJ_STREAM_TEMPLATE

from consumer.dead_letters.record import HEADERS_MAX_BYTES
from consumer.nats.rights import STREAM_NAMES, Right
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


def reading_rights(dead_letters: DeadLetterSettings) -> list[Right]:
    """Return the rights to read letters and to remove them, as `consumer dead` does."""
    stream = dead_letters.stream
    bodies = OBJ_STREAM_TEMPLATE.format(bucket=dead_letters.bodies_bucket)
    api = "$JS.API"
    removing, reading = "drop, replay and mend", "from here: large bodies; show, replay and mend"
    return [
        Right("publish", f"{api}.STREAM.INFO.{stream}"),
        Right("publish", f"{api}.STREAM.MSG.GET.{stream}"),
        Right("publish", f"{api}.CONSUMER.CREATE.{stream}.>"),
        Right("publish", f"{api}.CONSUMER.MSG.NEXT.{stream}.*"),
        Right("publish", f"{api}.CONSUMER.DELETE.{stream}.*"),
        Right("publish", f"{api}.STREAM.MSG.DELETE.{stream}", removing),
        Right("publish", STREAM_NAMES, reading),
        Right("publish", f"{api}.STREAM.INFO.{bodies}"),
        Right("publish", f"{api}.STREAM.MSG.GET.{bodies}"),
        Right("publish", f"{api}.CONSUMER.CREATE.{bodies}"),
        Right("publish", f"$JS.FC.{bodies}.>"),
    ]


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
