"""Where a batch ends, whatever the listener."""

from __future__ import annotations

from collections import deque

import pytest

from consumer.deliveries.delivery import Delivery
from consumer.deliveries.origin import Sender
from consumer.listeners.take import take


def held(*sizes: int) -> deque[Delivery]:
    """Return deliveries with bodies of these sizes, in bytes."""
    return deque(Delivery(b"x" * size, "CASINO", None, Sender("brand")) for size in sizes)


@pytest.mark.parametrize(
    ("max_count", "max_bytes", "expected"),
    [
        (9, 99, [10, 10, 10]),
        (2, 99, [10, 10]),
        (9, 29, [10, 10]),
        (9, 30, [10, 10, 10]),
        (0, 99, []),
    ],
)
def test_batch_ends_at_the_count_or_at_the_bytes(
    max_count: int, max_bytes: int, expected: list[int]
) -> None:
    """Whichever comes first; a batch may be exactly as large as the limit."""
    taken = take(held(10, 10, 10), max_count, max_bytes)
    assert [len(delivery.body) for delivery in taken] == expected


def test_first_delivery_passes_whatever_its_size() -> None:
    """Or it would stand in the way of all that came after it, for ever."""
    waiting = held(1000, 1)
    assert [len(delivery.body) for delivery in take(waiting, 9, 10)] == [1000]
    assert [len(delivery.body) for delivery in waiting] == [1]


def test_what_is_not_taken_waits_in_its_order() -> None:
    """A delivery that does not fit any more begins the next batch."""
    waiting = held(10, 20, 5)
    assert [len(delivery.body) for delivery in take(waiting, 9, 15)] == [10]
    assert [len(delivery.body) for delivery in take(waiting, 9, 25)] == [20, 5]


def test_nothing_held_gives_nothing() -> None:
    """No delivery is no error."""
    assert take(held(), 9, 99) == []
