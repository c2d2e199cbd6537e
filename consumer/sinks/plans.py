"""From the configuration to the two streams that are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.events.registry import subject_families, subjects
from consumer.events.subjects import targets_of
from consumer.nats.stream import StreamPlan
from consumer.nats.subjects import covers

if TYPE_CHECKING:
    from consumer.events.subjects import Routes
    from consumer.sinks.base import SinkSettings


def event_plan(sink: SinkSettings, routes: Routes) -> StreamPlan:
    """Plan the stream of events: the catalogue's subjects and the operator's own ones, prefixed.

    A route's targets are listed one by one, not as wildcards: a stream must not have two subjects
    that overlap, and a wildcard could overlap with what the stream has already.
    """
    prefix = f"{sink.subject_prefix}." if sink.subject_prefix else ""
    families = subject_families()
    targets = {target for subject in subjects() for target in targets_of(subject, routes)}
    others = {one for one in targets if not any(covers(family, one) for family in families)}
    return StreamPlan(
        name=sink.stream,
        subjects=tuple(prefix + subject for subject in (*families, *sorted(others))),
        create=sink.create_stream,
        max_age_s=sink.max_age_s,
        max_bytes=sink.max_bytes or -1,
        replicas=sink.replicas,
        duplicate_window_s=sink.duplicate_window_s,
    )
