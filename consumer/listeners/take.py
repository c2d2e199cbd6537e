"""Takes the oldest deliveries out of a buffer, up to a number of deliveries and of bytes.

Responsible for where a batch ends. Every listener with a buffer uses this function, so all of them
end a batch by the same rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable


class HasBody(Protocol):
    """An item that has a body, such as a delivery."""

    @property
    def body(self) -> bytes:
        """The bytes that count towards the size of a batch."""


ItemT = TypeVar("ItemT", bound=HasBody)


def take(
    held: deque[ItemT],
    max_count: int,
    max_bytes: int,
    size_of: Callable[[ItemT], int] | None = None,
) -> list[ItemT]:
    """Remove the oldest items and return them, the oldest first.

    Args:
        held: The items that wait, the oldest first.
        max_count: The largest number of items to take.
        max_bytes: The largest size of all of them together, in bytes. The first item is taken
            whatever its size; otherwise a large item would block the items behind it for ever.
        size_of: Returns the size of an item, in bytes. None means that only its body counts.
    """
    taken: list[ItemT] = []
    taken_bytes = 0
    while held and len(taken) < max_count:
        taken_bytes += len(held[0].body) if size_of is None else size_of(held[0])
        if taken and taken_bytes > max_bytes:
            break
        taken.append(held.popleft())
    return taken
