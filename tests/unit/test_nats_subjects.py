"""Subjects with wildcards, compared."""

from __future__ import annotations

import pytest

from consumer.nats.subjects import covers, overlap


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.*", "a.b", True),
        ("a.*", "*.b", True),
        ("a.*", "a.b.c", False),
        ("a.>", "a", False),
        ("a.>", "a.b.c", True),
        ("a.>", "*.b", True),
        ("a.>", "b.>", False),
        ("a.b.c", ">", True),
    ],
)
def test_subjects_meet_if_one_message_fits_both(one: str, other: str, *, meet: bool) -> None:
    """In whichever order they are asked about."""
    assert overlap(one, other) is overlap(other, one) is meet


def test_to_meet_is_less_than_to_cover() -> None:
    """`a.*` and `*.b` share `a.b`, and neither has all of the other."""
    assert overlap("a.*", "*.b")
    assert not covers("a.*", "*.b")
    assert not covers("*.b", "a.*")
