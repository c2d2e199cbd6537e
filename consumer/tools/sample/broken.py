"""How real senders break events: at least one way for every reason of a dead letter.

Only `internal` is missing, because that reason is an error of ours and not of a sender.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from consumer.errors import Reason
from consumer.tools.sample.base import BrandEvent, Recipe
from consumer.tools.sample.world import CENT

encode: Final = msgspec.json.Encoder(decimal_format="number").encode
"""Writes an event as the sample brand does."""


class BrokenEvent(msgspec.Struct, frozen=True):
    """What is sent in place of an event.

    Attributes:
        body: The bytes of the message.
        message_type: The message type that the message names. None means that it names none.
        content_encoding: The content encoding that the message names. None means that it names
            none.
    """

    body: bytes
    message_type: str | None
    content_encoding: str | None = None


class Damage(msgspec.Struct, frozen=True):
    """What a function that breaks an event needs besides the event.

    Attributes:
        number: The number of broken events so far. It makes each of them different.
        large_bytes: The size of a body that is too large, in bytes.
    """

    number: int
    large_bytes: int


WayToBreak = Callable[[BrandEvent, Recipe, Damage], BrokenEvent]


def _broken_json(event: BrandEvent, recipe: Recipe, _: Damage) -> BrokenEvent:
    return BrokenEvent(encode(event)[:-1], recipe.name)


def _broken_utf8(event: BrandEvent, recipe: Recipe, _: Damage) -> BrokenEvent:
    text = str(event[recipe.id_field]).encode()
    return BrokenEvent(encode(event).replace(text, text + b"\xff", 1), recipe.name)


def _without_type(event: BrandEvent, _: Recipe, __: Damage) -> BrokenEvent:
    return BrokenEvent(encode(event), None)


def _unknown_type(event: BrandEvent, recipe: Recipe, _: Damage) -> BrokenEvent:
    return BrokenEvent(encode(event), f"{recipe.name}_V9")


def _without_id(event: BrandEvent, recipe: Recipe, _: Damage) -> BrokenEvent:
    kept = {name: value for name, value in event.items() if name != recipe.id_field}
    return BrokenEvent(encode(kept), recipe.name)


def _wrong_value(event: BrandEvent, recipe: Recipe, _: Damage) -> BrokenEvent:
    name, value = recipe.wrong
    return BrokenEvent(encode(event | {name: value}), recipe.name)


def _unsupported_encoding(event: BrandEvent, recipe: Recipe, _: Damage) -> BrokenEvent:
    # The body is still plain JSON. The daemon does not look into a body whose encoding it
    # does not know.
    return BrokenEvent(encode(event), recipe.name, "br")


def _too_large(event: BrandEvent, recipe: Recipe, damage: Damage) -> BrokenEvent:
    room_bytes = damage.large_bytes - len(encode(event | {"padding": ""}))
    return BrokenEvent(encode(event | {"padding": "x" * max(0, room_bytes)}), recipe.name)


def _conflict(event: BrandEvent, recipe: Recipe, damage: Damage) -> BrokenEvent:
    """Send an event once more, with another value in a deciding field."""
    value = event[recipe.conflict_field]
    other = (
        value + CENT * damage.number if isinstance(value, Decimal) else f"{value}-{damage.number}"
    )
    return BrokenEvent(encode(event | {recipe.conflict_field: other}), recipe.name)


WAYS: Final[Mapping[Reason, tuple[WayToBreak, ...]]] = {
    Reason.MALFORMED: (_broken_json, _broken_utf8),
    Reason.INVALID: (_without_id, _wrong_value),
    Reason.UNKNOWN_TYPE: (_unknown_type,),
    Reason.MISSING_TYPE: (_without_type,),
    Reason.CONFLICT: (_conflict,),
    Reason.UNSUPPORTED_ENCODING: (_unsupported_encoding,),
    Reason.TOO_LARGE: (_too_large,),
}
"""Each reason that a sender can cause, and the ways to cause it."""

USUAL: Final = tuple(reason for reason in WAYS if reason is not Reason.TOO_LARGE)
"""The reasons of the broken events, unless the user picks others. `too_large` is left out, because
a few events that are too large would already fill a queue."""
