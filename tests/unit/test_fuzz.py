"""Whatever a sender writes ends as one event or one rejection, and never as a bug of ours.

A hundred thousand, and how long they take: `python -m bench.fuzz`.
"""

from __future__ import annotations

import json
import random

import pytest

from consumer.errors import Reason
from consumer.pipeline.decode import Decoder
from tests.support.mutate import batch, mutated_works


@pytest.mark.parametrize("strict", [False, True])
def test_mutated_events_end_as_one_of_two(*, strict: bool) -> None:
    """Flipped, cut, spliced; wrong types, huge numbers and deep nesting at any depth."""
    works = list(mutated_works(random.Random(7), 3000))
    Decoder("brand-a", strict=strict).decode(batch(works))
    assert all((work.event is None) != (work.rejected is None) for work in works)
    internal = [
        (work.delivery.message_type, work.delivery.body[:2000])
        for work in works
        if work.rejected and work.rejected.reason is Reason.INTERNAL
    ]
    assert not internal
    for work in works:
        # No parser of numbers holds what only passes, such as 5000 digits.
        body = work.event.body if work.event else b'{"specversion": "1.0"}'
        assert json.loads(body, parse_int=str, parse_float=str)["specversion"] == "1.0"
