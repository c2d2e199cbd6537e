"""The error of a conflict says when the earlier event came, as far as the store can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.errors import StoreUnavailable
from consumer.events.conflict import conflict_text
from consumer.events.identity import WINDOW_S, Identity
from consumer.events.normalise import Normaliser
from consumer.events.registry import CATALOGUE
from consumer.pipeline.batch import Batch, Work
from consumer.stores.memory import MemoryStore
from tests.support.fates import rejected, sent
from tests.support.memory_sink import HandClock, MemoryPipeline
from tests.support.samples import casino

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.stores.base import Mark

HOUR_S = 3600.0
EVENT = Normaliser(CATALOGUE[0], "brand").normalise(casino(), 0.0)


class MuteStore(MemoryStore):
    """Answers claims, and no questions, as a server without the permission for `PTTL`."""

    async def recall(self, keys: Sequence[str]) -> list[Mark | None]:
        """See `Store.recall`."""
        raise StoreUnavailable(f"memory: no answer about {len(keys)} keys")


class OtherWindowStore(MemoryStore):
    """Remembers every identity for a window that is longer than the configuration says now."""

    async def recall(self, keys: Sequence[str]) -> list[Mark | None]:
        """See `Store.recall`."""
        longer = [Identity(key, "", 2 * WINDOW_S) for key in keys]
        await super().exchange(longer, [])
        return await super().recall(keys)


async def error_of_a_conflict(pipeline: MemoryPipeline, clock: HandClock, age_s: float) -> str:
    """Send an event, let time pass, send a contradiction, and return the error of its letter."""
    pipeline.max_share = 1.0
    await pipeline.open()
    await pipeline.source.send(casino())
    await pipeline.drain()
    clock.advance(age_s)
    await pipeline.source.send(casino(amount=7))
    await pipeline.drain()
    (letter,) = pipeline.letters.stored
    return letter.headers["Dead-Error"]


async def test_error_tells_how_long_ago_the_first_came() -> None:
    """From the time for which the store will still remember it."""
    clock = HandClock()
    error = await error_of_a_conflict(MemoryPipeline(clock=clock), clock, 3 * HOUR_S)
    assert error.startswith('id "6f9619ff-8b86" was sent before, about 3 h ago, with another value')


async def test_resends_in_between_do_not_change_it() -> None:
    """They do not prolong the mark."""
    clock = HandClock()
    pipeline = MemoryPipeline(clock=clock)
    await pipeline.open()
    await pipeline.source.send(casino())
    await pipeline.drain()
    clock.advance(5 * HOUR_S)
    assert "about 8 h ago" in await error_of_a_conflict(pipeline, clock, 3 * HOUR_S)


async def test_claim_that_was_never_finished_has_its_own_age() -> None:
    """A process died after it. Such a mark holds the time itself."""
    clock = HandClock()
    pipeline = MemoryPipeline(clock=clock, store=MuteStore(clock))
    await pipeline.open()
    steps = pipeline.steps()
    works = [Work(sent(body, "CASINO")) for body in (casino(), casino(amount=7))]
    for work in works:
        batch = Batch([work], 0.0, 0.0)
        steps.decoder.decode(batch)
        await steps.claimer.claim(batch)
        clock.advance(2 * HOUR_S)
    died = rejected(works[1])
    assert died is not None
    assert "was sent before, about 2 h ago, with" in died.detail


@pytest.mark.parametrize("store", [MuteStore, OtherWindowStore])
async def test_error_tells_no_time_that_may_be_wrong(store: type[MemoryStore]) -> None:
    """The conflict becomes a letter all the same."""
    clock = HandClock()
    pipeline = MemoryPipeline(clock=clock, store=store(clock))
    error = await error_of_a_conflict(pipeline, clock, 3 * HOUR_S)
    assert error.startswith('id "6f9619ff-8b86" was sent before with another value')


async def test_shadow_mode_asks_for_no_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes no letter that could tell it."""
    pipeline = MemoryPipeline()
    pipeline.shadow = True
    asked: list[Sequence[str]] = []

    async def recall(keys: Sequence[str]) -> list[Mark | None]:
        asked.append(keys)
        return [None] * len(keys)

    monkeypatch.setattr(pipeline.store, "recall", recall)
    await pipeline.open()
    for amount in (1, 7):
        await pipeline.source.send(casino(amount=amount))
        await pipeline.drain()
    assert len(pipeline.sink.stored) == 2
    assert asked == []


@pytest.mark.parametrize(
    ("age_s", "words"),
    [
        (0.0, "less than 2 min ago"),
        (119.0, "less than 2 min ago"),
        (120.0, "about 2 min ago"),
        (7199.0, "about 119 min ago"),
        (7200.0, "about 2 h ago"),
        (86_400.0, "about 24 h ago"),
        (14 * 86_400.0, "about 14 days ago"),
    ],
)
def test_age_is_told_in_words(age_s: float, words: str) -> None:
    """In the largest unit of which there are at least two."""
    before = f'id "6f9619ff-8b86" was sent before, {words}, with another value in at least one of '
    assert conflict_text(EVENT, None, age_s).startswith(before)
