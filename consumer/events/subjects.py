"""Where events go: the subjects of the catalogue, and the operator's routes over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consumer.events.registry import subject_families, subjects

Routes = Mapping[str, Sequence[str]]
"""Targets by a subject of the catalogue, or by a family such as `game.*`."""


def targets_of(subject: str, routes: Routes) -> tuple[str, ...]:
    """Return where events of one subject of the catalogue go; an exact key wins over a family."""
    family, _, last = subject.partition(".")
    listed = routes.get(subject) or routes.get(f"{family}.*") or (subject,)
    return tuple(target.replace("*", last) for target in listed)


def keys() -> tuple[str, ...]:
    """Return every key that the table can have."""
    return (*subject_families(), *subjects())
