"""The sample brand: reproducible, honest about what it sends, and broken in every way it says."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import click
import pytest

from consumer.cli.send.mix import possible_mix
from consumer.clock import SYSTEM_CLOCK
from consumer.errors import Reason
from consumer.events import timestamp
from consumer.events.normalise import Event, Normaliser
from consumer.events.registry import CATALOGUE, find
from consumer.listeners.nats.listener import NatsListenerSettings
from consumer.pipeline.batch import Batch, Work
from consumer.pipeline.decode import Decoder
from consumer.tools.sample.broken import USUAL, WAYS
from consumer.tools.sample.generate import Intent, Sample, SentCounts, TrafficMix, generate
from consumer.tools.sample.pace import take_batch
from consumer.tools.sample.registry import RECIPES
from consumer.tools.sample.send_nats import NatsSender, subject_for
from consumer.tools.sample.world import UNFINISHED_MAX_COUNT, World
from tests.support.fates import reason, sent

if TYPE_CHECKING:
    from consumer.events.identity import Identity

ALL = tuple(RECIPES)
MIX = TrafficMix(
    types=ALL, weighted=True, count=2000, duplicates_ratio=0.1, broken_ratio=0.05, seed=5
)
LARGE_BYTES = 5000


def only(name: str, count: int = 300) -> TrafficMix:
    """Return events of one type."""
    return TrafficMix(types=[name], count=count, seed=3)


@cache
def normaliser(name: str | None, *, strict: bool = False) -> Normaliser:
    """Return what reads a type."""
    event_type = find(name or "")
    assert event_type is not None
    return Normaliser(event_type, "b", strict=strict)


def normalise(sample: Sample) -> Event:
    """Return the event that a sample becomes."""
    return normaliser(sample.message_type).normalise(sample.body, 0)


def reasons(samples: list[Sample]) -> list[Reason | None]:
    """Return what the decoder makes of some samples, as reasons; None: an event."""
    works = [
        Work(sent(one.body, one.message_type, content_encoding=one.content_encoding))
        for one in samples
    ]
    Decoder().decode(Batch(works, 0.0, 0.0))
    return [reason(work) for work in works]


def broken(mix: TrafficMix) -> list[Sample]:
    """Return the broken ones of a mix."""
    return [sample for sample in generate(mix) if sample.intent is Intent.BROKEN]


def test_every_type_has_a_sample() -> None:
    """So that `send all` is the whole catalogue."""
    assert RECIPES.keys() == {one.name for one in CATALOGUE}


def test_same_seed_same_bytes() -> None:
    """A seed names a whole traffic; another seed another one."""
    assert list(generate(MIX)) == list(generate(MIX))
    other = TrafficMix(types=MIX.types, count=1000, seed=6)
    assert next(generate(MIX)).body != next(generate(other)).body


def test_shares_are_exact() -> None:
    """Not about ten per cent: ten."""
    sent = SentCounts()
    sent.add(list(generate(MIX)))
    assert sent.by_intent == {Intent.EVENT: 1700, Intent.DUPLICATE: 200, Intent.BROKEN: 100}
    assert sent.by_reason.total() == 100


@pytest.mark.parametrize("duplicates_ratio", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("broken_ratio", [0.0, 0.01])
def test_shares_are_exact_whatever_is_drawn_first(
    duplicates_ratio: float, broken_ratio: float
) -> None:
    """The first sample cannot be a duplicate, and must not become something else."""
    for seed in range(100):
        mix = TrafficMix(
            types=["CASINO"],
            count=100,
            duplicates_ratio=duplicates_ratio,
            broken_ratio=broken_ratio,
            seed=seed,
        )
        found = Counter(sample.intent for sample in generate(mix))
        assert found[Intent.DUPLICATE] == round(100 * duplicates_ratio)
        assert found[Intent.BROKEN] == round(100 * broken_ratio)


def test_weighted_types_come_as_in_a_casino() -> None:
    """Bets most, then logins; but each type does come."""
    found = Counter(one.message_type for one in generate(MIX) if one.intent is Intent.EVENT)
    assert [name for name, _ in found.most_common(2)] == ["CASINO", "LOGIN_V2"]
    assert found.keys() == set(ALL)


def test_given_types_come_in_equal_shares() -> None:
    """A login as often as a bet, where both are asked for."""
    mix = TrafficMix(types=["CASINO", "LOGIN_V2"], count=1000, seed=3)
    found = Counter(one.message_type for one in generate(mix))
    assert 450 < found["CASINO"] < 550


def test_events_are_distinct_and_duplicates_are_not() -> None:
    """What calls itself an event has an identity of its own; a duplicate has an earlier one."""
    seen: dict[tuple[str, str], Identity] = {}
    for sample in generate(MIX):
        if sample.intent is not Intent.BROKEN:
            found = normalise(sample).identity
            assert (sample.identity in seen) is (sample.intent is Intent.DUPLICATE)
            assert seen.setdefault(sample.identity, found) == found
    assert len({one.key for one in seen.values()}) == len(seen)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_events_fit_the_catalogue(name: str) -> None:
    """Every sample is an event without an oddity, under the identity that was foretold."""
    recipe = RECIPES[name]
    for sample in generate(only(name)):
        event = normalise(sample)
        assert not event.oddities
        envelope = json.loads(event.body)
        found = envelope["id"] if recipe.identity_is_id else recipe.identity(envelope["data"])
        assert found == sample.identity[1]


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_events_pass_strict_validation(name: str) -> None:
    """What the sample brand sends is what the vendor's schema asks for."""
    for sample in generate(only(name)):
        normaliser(name, strict=True).normalise(sample.body, 0)


@pytest.mark.parametrize(
    ("name", "subjects"),
    [
        ("CASINO", {"game.bet", "game.win", "game.loss", "game.rollback"}),
        ("SPORTSBOOK", {"sports.bet", "sports.settlement", "sports.rollback"}),
        ("LOTTERY_V2", {"lottery.bet", "lottery.settlement"}),
        ("PAYMENT", {"wallet.deposit_approved", "withdrawal.requested", "withdrawal.rejected"}),
        ("BONUS", {"bonus.created", "bonus.ongoing", "bonus.forfeited", "bonus.auto_completed"}),
    ],
)
def test_things_begin_and_end(name: str, subjects: set[str]) -> None:
    """Bets are settled, bonuses expire, withdrawals are refused."""
    assert subjects <= {normalise(one).subject for one in generate(only(name, 1000))}


def test_a_bonus_begins_before_it_goes_on() -> None:
    """And never goes on after its end."""
    steps: dict[str, list[str]] = {}
    for sample in generate(only("BONUS", 1000)):
        bonus = json.loads(sample.body)
        steps.setdefault(bonus["user_bonus_id"], []).append(bonus["status"])
    given = [one for one in steps.values() if one != ["Completed"]]
    assert all(one[0] == "Created" for one in given)
    assert all(set(one[1:-1]) <= {"Ongoing"} for one in given)
    assert max(map(len, given)) > 3


def test_without_a_start_events_have_the_real_time() -> None:
    """However many are made; a seeded traffic has a clock of its own."""
    now_s = SYSTEM_CLOCK.now_s()
    mix = TrafficMix(types=["LOGIN_V2"], count=500, seed=3, start_s=None)
    times_s = [
        timestamp.parse(json.loads(sample.body)["timestamp"]).epoch_s for sample in generate(mix)
    ]
    assert times_s[0] == pytest.approx(now_s, abs=5)
    assert times_s[-1] == pytest.approx(now_s, abs=5)
    assert len(set(times_s)) > 1


def test_memory_does_not_grow_with_the_count() -> None:
    """Migrations that nobody approves are forgotten."""
    world = World(seed=1, start_s=0.0)
    for _ in range(1000):
        RECIPES["USER_MIGRATION"].make(world)
    assert len(world.unfinished["USER_MIGRATION"]) == UNFINISHED_MAX_COUNT


@pytest.mark.parametrize("reason", [one for one in WAYS if one is not Reason.CONFLICT])
def test_broken_ones_are_refused_for_the_reason_they_claim(reason: Reason) -> None:
    """By the decoder alone; whether an event is too large shows at the sink."""
    mix = TrafficMix(
        types=ALL, count=400, broken_ratio=0.9, reasons=[reason], seed=3, large_bytes=LARGE_BYTES
    )
    samples = broken(mix)
    assert {sample.reason for sample in samples} == {reason}
    if reason is Reason.TOO_LARGE:
        assert {len(sample.body) for sample in samples} == {LARGE_BYTES}
    else:
        assert set(reasons(samples)) == {reason}


def test_conflicts_contradict_an_earlier_event() -> None:
    """Same key, other fingerprint, and the event comes first."""
    mix = TrafficMix(types=ALL, count=400, broken_ratio=0.5, reasons=[Reason.CONFLICT], seed=3)
    seen: dict[str, str] = {}
    for sample in generate(mix):
        identity = normalise(sample).identity
        if sample.intent is Intent.BROKEN:
            assert seen[identity.key] != identity.fingerprint
        else:
            seen[identity.key] = identity.fingerprint
    assert len(broken(mix)) == 200


def test_usual_reasons_come_in_turn() -> None:
    """Six are enough to see each; too large ones only come when they are asked for."""
    samples = broken(TrafficMix(types=ALL, count=200, broken_ratio=0.5, seed=3))
    assert Counter(one.reason for one in samples).keys() == set(USUAL)
    assert Reason.TOO_LARGE not in USUAL
    assert set(WAYS) == set(Reason) - {
        Reason.INTERNAL,
        Reason.FORBIDDEN_TYPE,
        Reason.OWNED_BY_WALLET,
    }


def test_source_whose_subject_is_the_type_has_no_missing_one() -> None:
    """Left out in silence, or refused where it was asked for by name."""
    mix = TrafficMix(types=ALL, count=9, broken_ratio=0.5)
    sender = NatsSender(NatsListenerSettings(subject="inbound.*", type_from="subject"))
    assert set(possible_mix(mix, sender, picked=False).reasons) == set(USUAL) - {
        Reason.MISSING_TYPE
    }
    with pytest.raises(click.UsageError, match="the subject of a message is its type"):
        possible_mix(mix, sender, picked=True)


def test_types_that_cannot_conflict_are_broken_otherwise() -> None:
    """A login has no deciding field."""
    samples = broken(TrafficMix(types=["LOGIN_V2"], count=100, broken_ratio=0.5, seed=3))
    assert len(samples) == 50
    assert Reason.CONFLICT not in {one.reason for one in samples}


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_broken_bodies_are_distinct(name: str) -> None:
    """No two are one dead letter, so that they can be counted."""
    mix = TrafficMix(types=[name], count=1000, broken_ratio=0.9, seed=5)
    samples = broken(mix)
    assert len({(one.body, one.message_type, one.reason) for one in samples}) == len(samples)


def test_large_ones_travel_in_small_batches() -> None:
    """Five hundred of eight megabytes would not fit anywhere."""
    samples = [Sample(bytes(3 << 20), "CASINO", Intent.BROKEN)] * 5
    source = iter(samples)
    assert [len(one) for one in islice(iter(lambda: take_batch(source, 500), []), 9)] == [2, 2, 1]


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
