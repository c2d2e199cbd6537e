"""What is refused of an event beyond the forms of its fields, as JSON Schema.

Responsible for the rules of `events/shared_ids.py` and `events/misspelt.py` in the schemas of what
is sent. Not responsible for the forms of fields (`fields.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from consumer.events import shared_ids
from consumer.events.misspelt import Spellings

if TYPE_CHECKING:
    from consumer.events.base import EventType
    from consumer.tools.schemas.fields import Schema

ROUNDED: Final = "A number that was rounded before it became text, `1.23457E+15`, is refused."
SOMETIMES: Final = "If it identifies the event, the text of an id that was never set is refused."


def shared_id(event_type: EventType, name: str) -> tuple[str, Schema]:
    """Return what a schema says of a field: words behind its meaning, and rules.

    Both are empty if the field is no id that identifies events of this type.
    """
    ids = shared_ids.ids_of(event_type)
    if name not in ids:
        return "", {}
    # If one of several ids is absent, some types are identified by their body instead.
    if len(ids) > 1 and "hash of the body" in event_type.identified_by[0]:
        return f" {SOMETIMES} {ROUNDED}", {}
    words = shared_ids.NO_PLAYER
    if not shared_ids.may_be_null(event_type, name):
        words += shared_ids.NOTHING
    before, after = shared_ids.BRACKETS
    escaped = "|".join(words).replace("[", r"\[").replace("]", r"\]")
    never: Schema = {"type": "string", "pattern": f"^[{before}]?(?:{escaped})[{after}]?$"}
    if not shared_ids.may_be_zero(event_type):
        never = {"anyOf": [never, {"enum": [shared_ids.ZERO, 0]}]}
    return f" {ROUNDED}", {"not": never}


def other_spellings(event_type: EventType) -> Schema:
    """Return the rules about deciding fields under other spellings of their names.

    A field with a value from a list may have no second spelling at all. A listener would accept a
    second spelling with the same value, which takes many lines in JSON Schema and helps nobody.
    """
    spellings = Spellings(event_type)
    null = {"type": "null"}
    rules: Schema = {}
    if spellings.choices:
        rules["patternProperties"] = {_spelt_otherwise(name): null for name in spellings.choices}
    others = [*((name, [name]) for name in spellings.optional)]
    others += [(name, [name, *spellings.implied]) for name in spellings.implying]
    if others:
        rules["allOf"] = [
            {
                "anyOf": [
                    *map(_is_there, said),
                    {"patternProperties": {_spelt_otherwise(name): null}},
                ]
            }
            for name, said in others
        ]
    return rules


def _is_there(name: str) -> Schema:
    return {"required": [name], "properties": {name: {"not": {"enum": ["", None]}}}}


def _spelt_otherwise(name: str) -> str:
    """Return a pattern of the names that `hints.plain` makes equal to a name, but not of itself."""
    letters = (f"[{letter}{letter.upper()}]" for letter in name if letter not in "_-")
    return f"^(?!{name}$)[_-]*{'[_-]*'.join(letters)}[_-]*$"
