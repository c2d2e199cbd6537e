"""Deliveries for three brokers at once, and what must become of them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec

from tests.support.corpus import BROKEN
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import Iterator

BROKEN_SMALL = [case for case in BROKEN.values() if len(case[1]) < 10_000]


class Sent(msgspec.Struct, frozen=True):
    """One delivery to send."""

    message_type: str | None
    body: bytes


class Mix:
    """A seeded mix: distinct events, copies of earlier ones, broken ones.

    Args:
        count: deliveries in all.
        seed: the same seed, the same mix.
        name: begins every id, so that runs never meet.

    Attributes:
        ids: every distinct good id.
        broken: every distinct broken body.
        copies: how many deliveries repeat an earlier good one.
    """

    def __init__(
        self, count: int, seed: int, name: str, *, copies: float = 0.1, broken: float = 0.01
    ) -> None:
        self._random = random.Random(seed)
        self._name = name
        self.ids: list[str] = []
        self.broken: set[bytes] = set()
        self.copies = 0
        self.deliveries = list(self._make(count, copies, broken))

    def _make(self, count: int, copies: float, broken: float) -> Iterator[Sent]:
        for _ in range(count):
            draw = self._random.random()
            if draw < broken:
                yield self._broken()
            elif draw < broken + copies and self.ids:
                self.copies += 1
                recent = self.ids[-2000:]
                yield Sent("CASINO", casino(activity_id=self._random.choice(recent)))
            else:
                self.ids.append(f"{self._name}-{len(self.ids):06d}")
                yield Sent("CASINO", casino(activity_id=self.ids[-1]))

    def _broken(self) -> Sent:
        # A number behind the JSON keeps it broken, and makes each letter one of its own.
        message_type, body, _ = self._random.choice(BROKEN_SMALL)
        body += b" #%d" % len(self.broken)
        self.broken.add(body)
        return Sent(message_type, body)

    def third(self, index: int) -> list[Sent]:
        """Return every third delivery, so that copies cross the brokers."""
        return self.deliveries[index::3]
