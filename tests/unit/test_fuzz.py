"""Whatever a sender writes ends as one event or one rejection, and never as a bug of ours.

A hundred thousand, and how long they take: `python -m bench.fuzz`; as many of Hypothesis' choice:
`pytest tests/unit/test_fuzz.py -k cut_and_spliced --hypothesis-profile=huge`.
"""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, strategies as st

from consumer.errors import Reason
from consumer.pipeline.batch import Work
from consumer.pipeline.decode import Decoder
from tests.support.fates import reason, sent
from tests.support.mutate import batch, mutated_works
from tests.support.vendor import EXAMPLES

DECODERS = [Decoder(), Decoder(strict=True)]
PLACES = st.integers(0, 3000)
ENCODINGS = st.sampled_from([None, None, None, "gzip", "deflate", "zstd", "br"])


@st.composite
def cut_and_spliced(draw: st.DrawFn) -> Work:
    """Make a delivery of a vendor example that was changed in one to four places."""
    example = draw(st.sampled_from(EXAMPLES))
    body = bytearray(json.dumps(example.body).encode())
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(PLACES) % (len(body) + 1), draw(st.integers(0, 40))
        spliced = draw(st.binary(max_size=6)) or bytes(body[at : at + length])
        nested = b"[" * draw(st.sampled_from([0, 0, 0, 2000]))
        body[at : at + draw(st.sampled_from([0, length, 5000]))] = spliced + nested
    return Work(sent(bytes(body), example.message_type, content_encoding=draw(ENCODINGS)))


@given(cut_and_spliced(), st.sampled_from(DECODERS))
def test_cut_and_spliced_event_ends_as_one_of_two(work: Work, decoder: Decoder) -> None:
    """Of any type, strict or not, whatever its content encoding claims to be."""
    decoder.decode(batch([work]))
    assert (work.event is None) != (reason(work) is None)
    assert reason(work) is not Reason.INTERNAL


@pytest.mark.parametrize("strict", [False, True])
def test_mutated_events_end_as_one_of_two(*, strict: bool) -> None:
    """Flipped, cut, spliced; wrong types, huge numbers and deep nesting at any depth."""
    works = list(mutated_works(random.Random(7), 3000))
    Decoder(strict=strict).decode(batch(works))
    assert all((work.event is None) != (reason(work) is None) for work in works)
    internal = [
        (work.delivery.message_type, work.delivery.body[:2000])
        for work in works
        if reason(work) is Reason.INTERNAL
    ]
    assert not internal
    for work in works:
        # No parser of numbers holds what only passes, such as 5000 digits.
        body = work.event.body if work.event else b'{"specversion": "1.0"}'
        assert json.loads(body, parse_int=str, parse_float=str)["specversion"] == "1.0"
