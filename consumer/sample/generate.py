"""A brand's traffic: distinct events, honest resends of some, and broken ones.

The shares are exact, not drawn, so that the books can be checked to the last event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.sample.events import SAMPLES, Event, SampleType
from consumer.sample.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

RESEND_WITHIN_COUNT: Final = 200
"""A duplicate repeats one of so many events before it."""

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_encode_sorted: Final = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


class Role(Enum):
    """What a message is meant to become."""

    EVENT = "event"
    DUPLICATE = "duplicate"
    BROKEN = "broken"


class Sample(msgspec.Struct, frozen=True):
    """One message of the sample brand.

    Attributes:
        body: what is sent.
        message_type: None: the sender forgot it.
        role: what it is meant to become.
        identity: message type and CloudEvents id it must come out with; empty for a broken one.
    """

    body: bytes
    message_type: str | None
    role: Role
    identity: tuple[str, str] = ("", "")


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """What to make.

    Attributes:
        types: message types, each with the same share.
        count: of all messages together.
        duplicates_ratio, broken_ratio: shares of `count`; together less than 1.
        seed: the same seed makes the same messages.
        start_s: time of the first event, in seconds since 1970.
        can_omit_type: the source can carry a message without a type.
    """

    types: Sequence[str]
    count: int
    duplicates_ratio: float = 0.0
    broken_ratio: float = 0.0
    seed: int = 0
    start_s: float = 1_767_225_600.0
    """2026-01-01: fixed, because a time of day would make other bytes each time."""
    can_omit_type: bool = True


def generate(mix: Mix) -> Iterator[Sample]:
    """Make the messages one by one; memory does not grow with their number."""
    world = World(mix.seed, mix.start_s)
    remaining = {
        Role.DUPLICATE: round(mix.count * mix.duplicates_ratio),
        Role.BROKEN: round(mix.count * mix.broken_ratio),
    }
    recent: deque[tuple[Event, str]] = deque(maxlen=RESEND_WITHIN_COUNT)
    ways = [way for way in WAYS if mix.can_omit_type or way is not _without_type]
    for index in range(mix.count):
        role = _draw(world, remaining, mix.count - index, resendable=bool(recent))
        if role is Role.DUPLICATE:
            event, name = world.random.choice(recent)
            yield Sample(_resend(world, event), name, role, _identity(event, name))
            continue
        name = world.random.choice(mix.types)
        event = SAMPLES[name].make(world)
        if role is Role.BROKEN:
            # All ways in turn, so that a few broken events already show most of them.
            way = ways[remaining[Role.BROKEN] % len(ways)]
            yield Sample(*way(dict(event), name, SAMPLES[name]), role)
            continue
        recent.append((event, name))
        yield Sample(_encode(event), name, role, _identity(event, name))


def _draw(world: World, remaining: dict[Role, int], left: int, *, resendable: bool) -> Role:
    """Draw without putting back: in the end exactly as many of each as were asked for."""
    drawn = world.random.random() * left
    for role, count in remaining.items():
        if drawn < count and (resendable or role is not Role.DUPLICATE):
            remaining[role] -= 1
            return role
        drawn -= count
    return Role.EVENT


def _identity(event: Event, name: str) -> tuple[str, str]:
    return name, SAMPLES[name].identity(event)


def _resend(world: World, event: Event) -> bytes:
    """Repeat an event: the same bytes, or as another of the brand's services would write it."""
    return _encode(event) if world.random.random() < 0.7 else _encode_sorted(event)  # noqa: PLR2004  # mostly the same bytes


Broken = tuple[bytes, str | None]
Way = Callable[[Event, str, SampleType], Broken]


def _broken_json(event: Event, name: str, _: SampleType) -> Broken:
    return _encode(event)[:-1], name


def _broken_utf8(event: Event, name: str, kind: SampleType) -> Broken:
    text = str(event[kind.id_field])
    return _encode(event).replace(text.encode(), text.encode() + b"\xff", 1), name


def _without_type(event: Event, _: str, __: SampleType) -> Broken:
    return _encode(event), None


def _unknown_type(event: Event, name: str, _: SampleType) -> Broken:
    return _encode(event), f"{name}_V9"


def _without_id(event: Event, name: str, kind: SampleType) -> Broken:
    del event[kind.id_field]
    return _encode(event), name


def _wrong_field_type(event: Event, name: str, kind: SampleType) -> Broken:
    return _encode(event | {kind.number_field: "abc"}), name


WAYS: Final[tuple[Way, ...]] = (
    _broken_json,
    _broken_utf8,
    _without_type,
    _unknown_type,
    _without_id,
    _wrong_field_type,
)
"""How real senders break events."""
