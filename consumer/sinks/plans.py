"""Says which stream of events the configuration asks for, and which rights its events need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.events.registry import subject_families, subjects
from consumer.events.subjects import targets_of
from consumer.nats.rights import Right
from consumer.nats.stream import StreamPlan
from consumer.nats.subjects import covers

if TYPE_CHECKING:
    from consumer.events.subjects import Routes
    from consumer.sinks.base import SinkSettings


def event_plan(sink: SinkSettings, routes: Routes) -> StreamPlan:
    """Plan the stream of events: the subjects of the catalogue and of the operator's routes.

    Each target of a route is listed by its own name, not under a wildcard. No two subjects of a
    stream may overlap, and a wildcard could overlap with a subject that the stream has already.
    """
    prefix = _prefix(sink)
    families = subject_families()
    targets = _targets(routes)
    others = {
        target for target in targets if not any(covers(family, target) for family in families)
    }
    return StreamPlan(
        name=sink.stream,
        subjects=tuple(prefix + subject for subject in (*families, *sorted(others))),
        create=sink.create_stream,
        max_age_s=sink.max_age_s,
        max_bytes=sink.max_bytes or -1,
        replicas=sink.replicas,
        duplicate_window_s=sink.duplicate_window_s,
    )


def event_rights(sink: SinkSettings, routes: Routes) -> list[Right]:
    """Return the rights to publish each event: one right for each subject.

    They are narrower than the subjects of `event_plan`, because a user may have rights for single
    subjects instead of families.
    """
    prefix = _prefix(sink)
    return [Right("publish", prefix + target) for target in sorted(_targets(routes))]


def _prefix(sink: SinkSettings) -> str:
    return f"{sink.subject_prefix}." if sink.subject_prefix else ""


def _targets(routes: Routes) -> set[str]:
    return {target for subject in subjects() for target in targets_of(subject, routes)}
