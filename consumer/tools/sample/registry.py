"""Finds the recipes of all message types in the modules of their families."""

from __future__ import annotations

from typing import Final

from consumer.events.registry import CATALOGUE
from consumer.tools.sample.base import Recipe
from consumer.tools.sample.families import (
    bonus,
    casino,
    custom,
    game,
    lottery,
    payment,
    player,
    poker,
    sportsbook,
)

_FAMILIES: Final = (bonus, casino, custom, game, lottery, payment, player, poker, sportsbook)
_FOUND: Final[dict[str, Recipe]] = {
    recipe.name: recipe
    for family in _FAMILIES
    for recipe in vars(family).values()
    if isinstance(recipe, Recipe)
}

RECIPES: Final[dict[str, Recipe]] = {
    event_type.name: _FOUND[event_type.name] for event_type in CATALOGUE
}
"""The recipes of all message types, in the catalogue's order, on which the events of a seed depend.
A type without a recipe raises a `KeyError` here."""
