"""A brand's traffic: distinct events, honest resends of some, and broken ones.

The shares are exact, not drawn, so that the books can be checked to the last event.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from enum import Enum
from itertools import cycle
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.errors import Reason
from consumer.tools.sample.broken import USUAL, WAYS, Damage, encode
from consumer.tools.sample.registry import SAMPLES
from consumer.tools.sample.world import Event, World

if TYPE_CHECKING:
    from collections.abc import Iterator

RESEND_WITHIN_COUNT: Final = 200
"""A duplicate, or a conflict, repeats one of so many events before it."""

SEEDED_START_S: Final = 1_767_225_600.0
"""2026-01-01: fixed, because a time of day would make other bytes each time."""

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
        identity: message type, and what tells the event from others (`SampleType.identity`);
            empty for a broken one.
        reason: of its dead letter, for a broken one.
        content_encoding: None: the message says nothing of one.
        key: the player; Kafka keeps what has the same key in order.
    """

    body: bytes
    message_type: str | None
    role: Role
    identity: tuple[str, str] = ("", "")
    reason: Reason | None = None
    content_encoding: str | None = None
    key: str | None = None


class Tally:
    """How many of each were sent."""

    def __init__(self) -> None:
        self.roles: Counter[Role] = Counter()
        self.reasons: Counter[Reason] = Counter()

    def add(self, samples: Sequence[Sample]) -> None:
        """Book some messages."""
        self.roles.update(sample.role for sample in samples)
        self.reasons.update(sample.reason for sample in samples if sample.reason is not None)


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """What to make.

    Attributes:
        types: message types.
        weighted: each comes as often as in a casino; otherwise all in equal shares.
        count: of all messages together.
        duplicates_ratio, broken_ratio: shares of `count`; together less than 1.
        reasons: of the broken ones, in turn; `conflict` only where a type can (`can_conflict`).
        seed: the same seed makes the same messages.
        start_s: time of the first event, in seconds since 1970.
        large_bytes: the size of a body that is too large, where that is among the reasons.
    """

    types: Sequence[str]
    weighted: bool = False
    count: int
    duplicates_ratio: float = 0.0
    broken_ratio: float = 0.0
    reasons: Sequence[Reason] = USUAL
    seed: int = 0
    start_s: float = SEEDED_START_S
    large_bytes: int = 0


def can_conflict(types: Sequence[str]) -> bool:
    """Tell whether an event of one of the types can have another with the same identity."""
    return any(SAMPLES[name].conflict_field for name in types)


def generate(mix: Mix) -> Iterator[Sample]:
    """Make the messages one by one; memory does not grow with their number."""
    return _Brand(mix).samples()


class _Brand:
    """The state of one run."""

    def __init__(self, mix: Mix) -> None:
        self._mix = mix
        self._world = World(mix.seed, mix.start_s)
        self._weights = [SAMPLES[name].weight if mix.weighted else 1 for name in mix.types]
        self._recent: deque[tuple[Event, str]] = deque(maxlen=RESEND_WITHIN_COUNT)
        reasons = [
            reason
            for reason in mix.reasons
            if reason is not Reason.CONFLICT or can_conflict(mix.types)
        ]
        # All ways in turn, so that a few broken events already show most of them.
        self._ways = cycle([(reason, way) for reason in reasons for way in WAYS[reason]])
        self._only_conflicts = set(reasons) == {Reason.CONFLICT}
        self._broken_count = 0

    def samples(self) -> Iterator[Sample]:
        """Make all of them."""
        count = self._mix.count
        remaining = {
            Role.DUPLICATE: round(count * self._mix.duplicates_ratio),
            Role.BROKEN: round(count * self._mix.broken_ratio),
        }
        for index in range(count):
            role = self._draw(remaining, count - index)
            if role is Role.DUPLICATE:
                yield self._duplicate()
            elif role is Role.BROKEN:
                yield self._broken()
            else:
                yield self._event()

    def _draw(self, remaining: dict[Role, int], left: int) -> Role:
        """Draw without putting back: in the end exactly as many of each as were asked for."""
        possible = {
            Role.DUPLICATE: bool(self._recent),
            Role.BROKEN: not self._only_conflicts or bool(self._can_be_contradicted()),
        }
        drawn = self._world.random.random() * left
        for role, count in remaining.items():
            if drawn < count and possible[role]:
                remaining[role] -= 1
                return role
            drawn -= count
        return Role.EVENT

    def _make(self) -> tuple[Event, str]:
        (name,) = self._world.random.choices(self._mix.types, self._weights)
        return SAMPLES[name].make(self._world), name

    def _event(self) -> Sample:
        event, name = self._make()
        self._recent.append((event, name))
        return Sample(encode(event), name, Role.EVENT, _identity(event, name), key=_key(event))

    def _duplicate(self) -> Sample:
        """Repeat an event: the same bytes, or as another of the brand's services writes them."""
        event, name = self._world.random.choice(self._recent)
        body = encode(event) if self._world.chance(0.7) else _encode_sorted(event)
        return Sample(body, name, Role.DUPLICATE, _identity(event, name), key=_key(event))

    def _broken(self) -> Sample:
        self._broken_count += 1
        reason, way = next(self._ways)
        contradicted = self._can_be_contradicted() if reason is Reason.CONFLICT else []
        while reason is Reason.CONFLICT and not contradicted:
            reason, way = next(self._ways)
        event, name = self._world.random.choice(contradicted) if contradicted else self._make()
        broken = way(event, SAMPLES[name], Damage(self._broken_count, self._mix.large_bytes))
        return Sample(
            broken.body,
            broken.message_type,
            Role.BROKEN,
            reason=reason,
            content_encoding=broken.content_encoding,
            key=_key(event),
        )

    def _can_be_contradicted(self) -> list[tuple[Event, str]]:
        return [(event, name) for event, name in self._recent if SAMPLES[name].conflict_field]


def _identity(event: Event, name: str) -> tuple[str, str]:
    return name, SAMPLES[name].identity(event)


def _key(event: Event) -> str | None:
    user_id = event.get("user_id")
    return None if user_id is None else str(user_id)
