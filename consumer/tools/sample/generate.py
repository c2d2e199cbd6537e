"""Makes the traffic of a brand: distinct events, duplicates of some of them, and broken events.

The shares are exact and not left to chance, so that the daemon's counters can be compared with them
to the last event.
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
from consumer.tools.sample.registry import RECIPES
from consumer.tools.sample.world import BrandEvent, World

if TYPE_CHECKING:
    from collections.abc import Iterator

RESEND_WITHIN_COUNT: Final = 200
"""The number of the last events among which a duplicate or a conflict finds the event that it
repeats."""

SEEDED_START_S: Final = 1_767_225_600.0
"""The beginning of 2026-01-01 in UTC. The time is fixed, so that the same seed makes the same bytes
on every day."""

_encode_sorted: Final = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


class Intent(Enum):
    """What the daemon is meant to make of a sample."""

    EVENT = "event"
    """An event."""
    DUPLICATE = "duplicate"
    """A duplicate of an event that was sent before."""
    BROKEN = "broken"
    """A dead letter."""


class Sample(msgspec.Struct, frozen=True):
    """A message of the sample brand.

    Attributes:
        body: The bytes of the message.
        message_type: The message type that the message names. None means that the sender forgot it.
        intent: What the daemon is meant to make of it.
        identity: The message type, and what tells the event from all others of its type
            (`Recipe.identity`). Both are empty for a broken event.
        reason: The reason of the dead letter that a broken event becomes.
        content_encoding: The content encoding that the message names. None means that it names
            none.
        ordering_key: The id of the player. None means that the event has no player. Kafka keeps the
            order of messages that have the same key.
    """

    body: bytes
    message_type: str | None
    intent: Intent
    identity: tuple[str, str] = ("", "")
    reason: Reason | None = None
    content_encoding: str | None = None
    ordering_key: str | None = None


class SentCounts:
    """How many samples were sent.

    Attributes:
        by_intent: The number of samples of each intent.
        by_reason: The number of broken events for each reason.
    """

    def __init__(self) -> None:
        self.by_intent: Counter[Intent] = Counter()
        self.by_reason: Counter[Reason] = Counter()

    def add(self, samples: Sequence[Sample]) -> None:
        """Count some samples."""
        self.by_intent.update(sample.intent for sample in samples)
        self.by_reason.update(sample.reason for sample in samples if sample.reason is not None)


class TrafficMix(msgspec.Struct, frozen=True, kw_only=True):
    """Describes the traffic that is made.

    Attributes:
        types: The message types of the events.
        weighted: If true, each type occurs as often as in a casino. If false, all types occur
            equally often.
        count: The number of messages, duplicates and broken events included.
        duplicates_ratio: The share of duplicates among the messages.
        broken_ratio: The share of broken events among the messages. Both shares together are less
            than 1.
        reasons: The reasons that the broken events cause. The ways to break an event (`WAYS`) take
            turns, so a reason with two ways comes twice as often. `conflict` occurs only if one of
            the types can conflict (`can_conflict`).
        seed: The seed of all random choices. The same seed makes the same messages, if they have
            the same `start_s`.
        start_s: The time of the first event, in seconds since 1970. None means that each event has
            the time at which it is made.
        large_bytes: The size of a body that is too large, in bytes. It is used only if `too_large`
            is among the reasons.
    """

    types: Sequence[str]
    weighted: bool = False
    count: int
    duplicates_ratio: float = 0.0
    broken_ratio: float = 0.0
    reasons: Sequence[Reason] = USUAL
    seed: int = 0
    start_s: float | None = SEEDED_START_S
    large_bytes: int = 0


def can_conflict(types: Sequence[str]) -> bool:
    """Tell whether one of the types has a deciding field, so that an event can be contradicted."""
    return any(RECIPES[name].conflict_field for name in types)


def generate(mix: TrafficMix) -> Iterator[Sample]:
    """Make the samples one by one. Memory does not grow with their number."""
    return _Traffic(mix).samples()


class _Traffic:
    """The state of one run of `generate`."""

    def __init__(self, mix: TrafficMix) -> None:
        self._mix = mix
        self._world = World(mix.seed, mix.start_s)
        self._weights = [RECIPES[name].weight if mix.weighted else 1 for name in mix.types]
        self._recent: deque[tuple[BrandEvent, str]] = deque(maxlen=RESEND_WITHIN_COUNT)
        reasons = [
            reason
            for reason in mix.reasons
            if reason is not Reason.CONFLICT or can_conflict(mix.types)
        ]
        # All ways take turns, so that a few broken events already show most of them.
        self._ways = cycle([(reason, way) for reason in reasons for way in WAYS[reason]])
        self._only_conflicts = set(reasons) == {Reason.CONFLICT}
        self._broken_count = 0

    def samples(self) -> Iterator[Sample]:
        """Make all samples."""
        count = self._mix.count
        remaining = {
            Intent.DUPLICATE: round(count * self._mix.duplicates_ratio),
            Intent.BROKEN: round(count * self._mix.broken_ratio),
        }
        for index in range(count):
            intent = self._draw(remaining, count - index)
            if intent is Intent.DUPLICATE:
                yield self._duplicate()
            elif intent is Intent.BROKEN:
                yield self._broken()
            else:
                yield self._event()

    def _draw(self, remaining: dict[Intent, int], left_count: int) -> Intent:
        """Draw the intent of the next sample, and subtract it from what remains.

        What was drawn may not be possible yet. Then an event is made, and the drawn intent stays
        among what remains. So in the end there are exactly as many duplicates and broken events as
        were asked for. There are fewer only if almost all samples shall be duplicates or conflicts:
        these have to wait for an event that they can repeat.

        Args:
            remaining: The number of duplicates, and of broken events, that are still to be made.
                This method changes it.
            left_count: The number of samples that are still to be made.
        """
        possible = {
            Intent.DUPLICATE: bool(self._recent),
            Intent.BROKEN: not self._only_conflicts or bool(self._can_be_contradicted()),
        }
        drawn = self._world.random.random() * left_count
        for intent, count in remaining.items():
            if drawn < count:
                if not possible[intent]:
                    break
                remaining[intent] -= 1
                return intent
            drawn -= count
        return Intent.EVENT

    def _make(self) -> tuple[BrandEvent, str]:
        (name,) = self._world.random.choices(self._mix.types, self._weights)
        return RECIPES[name].make(self._world), name

    def _event(self) -> Sample:
        event, name = self._make()
        self._recent.append((event, name))
        return _sample(event, name, Intent.EVENT, encode(event))

    def _duplicate(self) -> Sample:
        """Repeat an event, with the same bytes or as another service of the brand writes it."""
        event, name = self._world.random.choice(self._recent)
        body = encode(event) if self._world.chance(0.7) else _encode_sorted(event)
        return _sample(event, name, Intent.DUPLICATE, body)

    def _broken(self) -> Sample:
        self._broken_count += 1
        reason, way = next(self._ways)
        contradicted = self._can_be_contradicted() if reason is Reason.CONFLICT else []
        while reason is Reason.CONFLICT and not contradicted:
            reason, way = next(self._ways)
        event, name = self._world.random.choice(contradicted) if contradicted else self._make()
        broken = way(event, RECIPES[name], Damage(self._broken_count, self._mix.large_bytes))
        return Sample(
            broken.body,
            broken.message_type,
            Intent.BROKEN,
            reason=reason,
            content_encoding=broken.content_encoding,
            ordering_key=_player_of(event),
        )

    def _can_be_contradicted(self) -> list[tuple[BrandEvent, str]]:
        return [(event, name) for event, name in self._recent if RECIPES[name].conflict_field]


def _sample(event: BrandEvent, name: str, intent: Intent, body: bytes) -> Sample:
    identity = name, RECIPES[name].identity(event)
    return Sample(body, name, intent, identity, ordering_key=_player_of(event))


def _player_of(event: BrandEvent) -> str | None:
    user_id = event.get("user_id")
    return None if user_id is None else str(user_id)
