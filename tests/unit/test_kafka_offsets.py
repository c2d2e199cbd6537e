"""What may be committed, for any order of settling and any gaps between offsets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from consumer.listeners.kafka.offsets import PartitionBook

if TYPE_CHECKING:
    from random import Random

OFFSETS = st.lists(st.integers(0, 10_000), min_size=1, max_size=50, unique=True).map(sorted)


def handed_out(offsets: list[int]) -> PartitionBook:
    """Return a book that knows these."""
    book = PartitionBook()
    for offset in offsets:
        book.hand_out(offset)
    return book


@given(OFFSETS, st.randoms(use_true_random=False), st.integers(0, 50))
def test_position_is_the_prefix_of_what_is_settled(
    offsets: list[int], random: Random, settled_count: int
) -> None:
    """Nothing unsettled is ever below it, and nothing settled is held up without reason."""
    book = handed_out(offsets)
    settled = random.sample(offsets, min(settled_count, len(offsets)))
    for offset in settled:
        book.settle(offset)
    prefix = []
    for offset in offsets:
        if offset not in settled:
            break
        prefix.append(offset)
    assert book.committable_offset == (prefix[-1] + 1 if prefix else None)
    assert book.in_hand_count == len(offsets) - len(settled)


@given(OFFSETS, st.randoms(use_true_random=False))
def test_position_never_goes_back(offsets: list[int], random: Random) -> None:
    """Whatever the order, and it ends behind the last."""
    book = handed_out(offsets)
    before = -1
    for offset in random.sample(offsets, len(offsets)):
        book.settle(offset)
        now = -1 if book.committable_offset is None else book.committable_offset
        assert now >= before
        before = now
    assert book.committable_offset == offsets[-1] + 1
    assert book.in_hand_count == 0


def test_taking_more_goes_on_behind_what_is_settled() -> None:
    """A book lives as long as its partition is ours."""
    book = handed_out([5])
    book.settle(5)
    book.hand_out(9)
    assert book.committable_offset == 6
    book.settle(9)
    assert book.committable_offset == 10


def test_one_move_is_committed_once() -> None:
    """So that one commit is sent for one move."""
    book = handed_out([0])
    moved = [book.moved]
    book.settle(0)
    moved.append(book.moved)
    book.committed_offset = book.committable_offset
    assert [*moved, book.moved] == [False, True, False]
