"""Tells where events go: to the subjects of the catalogue, or where the operator routes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consumer.events.registry import subject_families, subjects

Routes = Mapping[str, Sequence[str]]
"""Maps a subject of the catalogue, or a family of subjects such as `game.*`, to its targets."""


def targets_of(subject: str, routes: Routes) -> tuple[str, ...]:
    """Return the subjects that the events with this subject of the catalogue go to.

    A route for the subject itself wins over a route for its family. Without a route, the events go
    to the subject itself.
    """
    family, _, last = subject.partition(".")
    listed = routes.get(subject) or routes.get(f"{family}.*") or (subject,)
    return tuple(target.replace("*", last) for target in listed)


def keys() -> tuple[str, ...]:
    """Return every key that the table of routes can have."""
    return (*subject_families(), *subjects())
