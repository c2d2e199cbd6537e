"""The dedupe rule over every interleaving: what it promises, and the hole it still has."""

from __future__ import annotations

import itertools

import pytest

from tests.unit.dedupe_model import Faults, Order, explore

EVERY_BUDGET = [Faults(*counts) for counts in itertools.product((0, 2), (0, 1), (0, 1), (0, 1))]
"""Kills, lost PubAcks, lapses of the sink's window, wipes of the store, in all combinations."""
WITHOUT_LAPSE = [faults for faults in EVERY_BUDGET if not faults.lapses]


@pytest.mark.parametrize("copies", [1, 2, 3])
@pytest.mark.parametrize("faults", EVERY_BUDGET, ids=str)
def test_nothing_is_ever_lost(faults: Faults, copies: int) -> None:
    """Whatever fails, and nobody waits for ever."""
    found = explore(faults, copies=copies)
    assert not found.loses
    assert not found.stuck


@pytest.mark.parametrize("faults", WITHOUT_LAPSE, ids=str)
def test_nothing_is_doubled_while_the_sink_remembers(faults: Faults) -> None:
    """Kills, lost PubAcks, late publishes and a wiped store are all caught by the message id."""
    assert not explore(faults).duplicates


def test_every_state_is_visited() -> None:
    """So many that no scenario was silently empty."""
    assert explore(Faults(kills=2, lost_pubacks=1, lapses=1, wipes=1)).states > 9_000


@pytest.mark.parametrize(
    "faults",
    [Faults(kills=1, lapses=1), Faults(lapses=1), Faults(wipes=1, lapses=1)],
    ids=["P older than the window", "slow mark", "store wiped"],
)
def test_lapsed_window_still_doubles(faults: Faults) -> None:
    """The known hole. Looking into the sink first (rule 4) closes it and has to change this."""
    assert explore(faults).duplicates


@pytest.mark.parametrize("copies", [1, 2])
def test_mark_before_publish_loses(copies: int) -> None:
    """The classic order: after a kill the mark says "done" of what was never sent."""
    assert explore(Faults(kills=1), Order.SETNX, copies).loses


def test_model_knows_the_faultless_way() -> None:
    """Without faults even the classic order is right, so the model blames the faults."""
    found = explore(Faults(), Order.SETNX)
    assert not found.loses
    assert not found.duplicates
    assert not found.stuck
