"""Takes the oldest items that were received, up to a number of them and a number of bytes.

Responsible for where a batch ends. Every listener that holds what arrived until it is asked for
takes with it, so all of them end a batch at the same place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections import deque


class HasBody(Protocol):
    """A delivery, or what one is made of."""

    @property
    def body(self) -> bytes:
        """The bytes that count towards the size of a batch."""


ItemT = TypeVar("ItemT", bound=HasBody)


def take(held: deque[ItemT], max_count: int, max_bytes: int) -> list[ItemT]:
    """Remove the oldest items and return them, the oldest first.

    Args:
        held: The items that wait, the oldest first.
        max_count: The largest number of items to take.
        max_bytes: The largest number of bytes that their bodies may have together. The first
            item is taken whatever its size; else a larger one would block those behind it.
    """
    taken: list[ItemT] = []
    taken_bytes = 0
    while held and len(taken) < max_count:
        taken_bytes += len(held[0].body)
        if taken and taken_bytes > max_bytes:
            break
        taken.append(held.popleft())
    return taken
