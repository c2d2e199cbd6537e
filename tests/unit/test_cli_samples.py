"""The sample brand: reproducible, honest about what it sends, and broken in every way it says."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from consumer.errors import Reason, Rejected
from consumer.events.normalise import Normaliser
from consumer.events.registry import find
from consumer.listeners.base import Delivery
from consumer.listeners.nats import NatsListenerSettings
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from consumer.sample.events import SAMPLES
from consumer.sample.generate import Mix, Role, Sample, generate
from consumer.sample.send_nats import subject_for

MIX = Mix(types=sorted(SAMPLES), count=1000, duplicates_ratio=0.1, broken_ratio=0.05, seed=5)


def normalised_id(sample: Sample) -> str:
    """Return the CloudEvents id that the pipeline gives a sample."""
    event_type = find(sample.message_type or "")
    assert event_type is not None
    event = Normaliser(event_type, "b").normalise(sample.body, 0)
    assert not event.oddities
    return str(json.loads(event.body)["id"])


def test_same_seed_same_bytes() -> None:
    """A seed names a whole traffic; another seed another one."""
    assert list(generate(MIX)) == list(generate(MIX))
    other = Mix(types=MIX.types, count=1000, seed=6)
    assert next(generate(MIX)).body != next(generate(other)).body


def test_shares_are_exact() -> None:
    """Not about ten per cent: ten."""
    roles = Counter(sample.role for sample in generate(MIX))
    assert roles == {Role.EVENT: 850, Role.DUPLICATE: 100, Role.BROKEN: 50}


def test_events_are_distinct_and_duplicates_are_not() -> None:
    """What calls itself an event has an identity of its own; a duplicate has an earlier one."""
    seen: set[tuple[str, str]] = set()
    for sample in generate(MIX):
        if sample.role is not Role.BROKEN:
            assert (sample.identity in seen) is (sample.role is Role.DUPLICATE)
            seen.add(sample.identity)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_events_fit_the_catalogue(name: str) -> None:
    """Every sample decodes without an oddity, under the id that was foretold."""
    for sample in generate(Mix(types=[name], count=300, seed=3)):
        assert normalised_id(sample) == sample.identity[1]


def test_broken_ones_become_dead_letters_of_every_kind() -> None:
    """Each is rejected, and together they cover the reasons that a sender can cause."""
    mix = Mix(types=sorted(SAMPLES), count=100, broken_ratio=0.5, seed=3)
    works = [
        Work(Delivery(sample.body, sample.message_type, None))
        for sample in generate(mix)
        if sample.role is Role.BROKEN
    ]
    Decoder("b").decode(Batch(works, 0.0, 0.0))
    rejected = [work.rejected for work in works]
    assert all(isinstance(one, Rejected) for one in rejected)
    assert {one.reason for one in rejected if one} == {
        Reason.MALFORMED,
        Reason.INVALID,
        Reason.MISSING_TYPE,
        Reason.UNKNOWN_TYPE,
    }


def test_broken_bodies_are_distinct() -> None:
    """No two are one dead letter, so that they can be counted."""
    broken = [sample for sample in generate(MIX) if sample.role is Role.BROKEN]
    assert len({(sample.body, sample.message_type) for sample in broken}) == len(broken)


@pytest.mark.parametrize(
    ("pattern", "type_from", "subject"),
    [
        ("inbound.>", "header", "inbound.casino"),
        ("inbound.*.in", "header", "inbound.sample.in"),
        ("inbound", "header", "inbound"),
        ("inbound.*", "subject", "inbound.CASINO"),
    ],
)
def test_subject_is_one_that_the_listener_hears(pattern: str, type_from: str, subject: str) -> None:
    """Wildcards are filled in."""
    settings = NatsListenerSettings(subject=pattern, type_from=type_from)  # type: ignore[arg-type]  # a parameter has no literal type
    assert subject_for(settings, "CASINO") == subject
