"""Finds the message type that a person means, or says which types there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from consumer.events.registry import CATALOGUE, find, nearest

if TYPE_CHECKING:
    from consumer.events.base import EventType


def known_type(name: str, param_hint: str) -> EventType:
    """Return the message type of a name that a person has typed.

    Args:
        name: The name, in any case.
        param_hint: The option or argument that holds the name, as the error calls it.

    Raises:
        click.BadParameter: No message type has this name.
    """
    event_type = find(name)
    if event_type is None:
        raise click.BadParameter(
            f"no message type is called {name!r}. {offered_types(name)}", param_hint=param_hint
        )
    return event_type


def offered_types(name: str) -> str:
    """Return a text with the type whose name is nearest, if there is one, and with all types."""
    names = [event_type.name for event_type in CATALOGUE]
    near = nearest(name)
    meant = f"Did you mean {near}? " if near else ""
    return f"{meant}There are {', '.join(names)}."
