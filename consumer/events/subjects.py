"""Where events go: the subjects of the catalogue, and the operator's routes for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consumer.events.registry import subject_families, subjects

Routes = Mapping[str, Sequence[str]]
"""The targets for a subject of the catalogue, or for a family of subjects such as `game.*`."""


def targets_of(subject: str, routes: Routes) -> tuple[str, ...]:
    """Return the subjects that events of a subject of the catalogue go to.

    A route for the subject itself wins over a route for its family.
    """
    family, _, last = subject.partition(".")
    listed = routes.get(subject) or routes.get(f"{family}.*") or (subject,)
    return tuple(target.replace("*", last) for target in listed)


def keys() -> tuple[str, ...]:
    """Return every key that the table of routes can have."""
    return (*subject_families(), *subjects())
