"""What every store does, wherever it keeps its marks."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import pytest

from consumer.events.identity import Identity
from consumer.stores.base import Memory
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.stores.base import Store

A, B = "a" * 16, "b" * 16
"""Two fingerprints."""
LONG_S = 600.0
SHORT_S = 1.0


def identity(fingerprint: str = A, window_s: float = LONG_S) -> Identity:
    """Return one that nobody has seen."""
    return Identity(secrets.token_hex(16), fingerprint, window_s)


def other_fields(one: Identity) -> Identity:
    """Return the same key with other deciding fields."""
    return Identity(one.key, B, one.window_s)


class StoreContract:
    """The suite. A subclass says how to make a store; two of one test share their marks."""

    def make(self) -> Store:
        """Return a new, unopened store on the same marks."""
        raise NotImplementedError

    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        """Return an open store."""
        store = self.make()
        await store.open()
        yield store
        await store.close()

    async def test_first_claim_finds_nothing(self, store: Store) -> None:
        """So its event is published."""
        assert await store.exchange([], [identity()]) == [None]

    async def test_second_claim_finds_the_pending_first(self, store: Store) -> None:
        """With its fingerprint and a small age."""
        one = identity()
        await store.exchange([], [one])
        (known,) = await store.exchange([], [one])
        assert known is not None
        assert (known.done, known.fingerprint) == (False, A)
        assert 0 <= known.age_s < 10

    async def test_claim_after_done_finds_done(self, store: Store) -> None:
        """Which is what drops an event; its age says nothing."""
        one = identity()
        await store.exchange([], [one])
        await store.exchange([one], [])
        assert await store.exchange([], [one]) == [Memory(done=True, fingerprint=A)]

    async def test_done_needs_no_claim_before(self, store: Store) -> None:
        """The claim may have been wiped meanwhile."""
        one = identity()
        assert await store.exchange([one], []) == []
        assert await store.exchange([], [one]) == [Memory(done=True, fingerprint=A)]

    async def test_done_counts_before_claims_of_the_same_call(self, store: Store) -> None:
        """The marks of one batch travel with the claims of the next."""
        one, two = identity(), identity()
        known = await store.exchange([one], [one, two])
        assert known == [Memory(done=True, fingerprint=A), None]

    async def test_repeats_change_nothing(self, store: Store) -> None:
        """Every call may be sent again after an error."""
        one, two = identity(), identity()
        first = await store.exchange([one], [one, two])
        assert await store.exchange([one], [one]) == first[:1]
        (known,) = await store.exchange([one], [two])
        assert known is not None
        assert (known.done, known.fingerprint) == (False, A)

    async def test_claim_never_replaces_done(self, store: Store) -> None:
        """Also not with other deciding fields."""
        one = identity()
        await store.exchange([one], [])
        for claim in (one, other_fields(one), one):
            assert await store.exchange([], [claim]) == [Memory(done=True, fingerprint=A)]

    async def test_fingerprint_of_the_first_claim_is_kept(self, store: Store) -> None:
        """So that every later one is held against it."""
        one = identity()
        for claim in (one, other_fields(one), one):
            (known,) = await store.exchange([], [claim])
            assert known is None or known.fingerprint == A

    async def test_done_replaces_whatever_was_there(self, store: Store) -> None:
        """What the sink confirmed is the truth."""
        one = identity()
        await store.exchange([], [one])
        await store.exchange([other_fields(one)], [])
        assert await store.exchange([], [one]) == [Memory(done=True, fingerprint=B)]

    async def test_replies_are_in_the_order_of_the_claims(self, store: Store) -> None:
        """Known and new ones mixed."""
        known, new = [identity() for _ in range(5)], [identity() for _ in range(5)]
        await store.exchange(known, [])
        mixed = [one for pair in zip(known, new, strict=True) for one in pair]
        replies = await store.exchange([], mixed)
        assert [reply is not None for reply in replies] == [True, False] * 5

    async def test_empty_call_is_answered_empty(self, store: Store) -> None:
        """A batch of broken deliveries has nothing to claim."""
        assert await store.exchange([], []) == []

    async def test_thousand_keys_pass_in_one_call(self, store: Store) -> None:
        """A batch may hold as many, with as many marks."""
        first, second = ([identity() for _ in range(1000)] for _ in range(2))
        assert await store.exchange([], first) == [None] * 1000
        assert await store.exchange(first, second) == [None] * 1000
        done = Memory(done=True, fingerprint=A)
        assert await store.exchange([], first) == [done] * 1000

    async def test_each_key_is_new_to_exactly_one_of_two_stores(self, store: Store) -> None:
        """Two processes that claim the same keys at the same time."""
        keys = [[identity() for _ in range(20)] for _ in range(20)]
        second = self.make()
        await second.open()
        async with asyncio.TaskGroup() as group:
            calls = [
                [group.create_task(one.exchange([], claims)) for one in (store, second)]
                for claims in keys
            ]
        for both in calls:
            pairs = zip(*(call.result() for call in both), strict=True)
            assert all(sum(known is None for known in pair) == 1 for pair in pairs)
        await second.close()

    async def test_calls_at_the_same_time_get_their_own_replies(self, store: Store) -> None:
        """Lanes share one store."""
        batches = [[identity(f"{number:016x}")] * 1 for number in range(50)]
        for batch in batches:
            await store.exchange(batch, [])
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(store.exchange([], batch)) for batch in batches]
        for number, call in enumerate(calls):
            assert call.result() == [Memory(done=True, fingerprint=f"{number:016x}")]

    async def test_age_of_a_claim_grows(self, store: Store) -> None:
        """By the store's own clock, which may count whole seconds."""
        one = identity()
        await store.exchange([], [one])

        async def aged() -> bool:
            (known,) = await store.exchange([], [one])
            return known is not None and known.age_s >= 1

        await eventually(aged, within_s=5)

    @pytest.mark.parametrize("done", [True, False], ids=["done", "claimed"])
    async def test_mark_ends_with_its_own_window(self, store: Store, *, done: bool) -> None:
        """Looking at it does not prolong it; one with a longer window, written before, stays."""
        long, short = identity(), identity(window_s=SHORT_S)
        both = [long, short]
        await store.exchange(both if done else [], [] if done else both)

        async def forgotten() -> bool:
            kept, gone = await store.exchange([], both)
            assert kept is not None
            return gone is None

        await eventually(forgotten, within_s=5)

    async def test_done_lives_for_the_window_it_was_marked_with(self, store: Store) -> None:
        """Whatever the claim had: an operator may have changed it between the two."""
        one = identity(window_s=LONG_S)
        short = Identity(one.key, A, SHORT_S)
        await store.exchange([], [one])
        await store.exchange([short], [])

        async def forgotten() -> bool:
            return await store.exchange([], [short]) == [None]

        await eventually(forgotten, within_s=5)

    async def test_recall_tells_what_is_remembered(self, store: Store) -> None:
        """In the order of the keys; how long it was, and how long it will be."""
        done, claimed, new = identity(), identity(B), identity()
        await store.exchange([done], [claimed])
        first, second, third = await store.recall([done.key, claimed.key, new.key])
        assert third is None
        for mark, expected in ((first, (True, A)), (second, (False, B))):
            assert mark is not None
            assert (mark.done, mark.fingerprint) == expected
            assert 0 <= mark.age_s < 10
            assert LONG_S - 10 < mark.remaining_s <= LONG_S

    async def test_recall_of_nothing_is_empty(self, store: Store) -> None:
        """No key, no mark."""
        assert await store.recall([]) == []

    async def test_recall_changes_nothing(self, store: Store) -> None:
        """Neither for a key that is new, nor for one that is done."""
        done, new = identity(), identity()
        await store.exchange([done], [])
        for _ in range(2):
            await store.recall([done.key, new.key])
        assert await store.exchange([], [done, new]) == [Memory(done=True, fingerprint=A), None]

    async def test_recalled_age_of_a_claim_grows(self, store: Store) -> None:
        """And what remains becomes less."""
        one = identity()
        await store.exchange([], [one])

        async def aged() -> bool:
            (mark,) = await store.recall([one.key])
            return mark is not None and mark.age_s >= 1 and mark.remaining_s <= LONG_S - 0.5

        await eventually(aged, within_s=5)

    async def test_what_remains_of_a_done_mark_tells_its_age(self, store: Store) -> None:
        """A later claim of the same identity, as by a resend, does not prolong it."""
        one = identity()
        await store.exchange([one], [])

        async def aged() -> bool:
            await store.exchange([], [one])
            (mark,) = await store.recall([one.key])
            return mark is not None and mark.remaining_s <= LONG_S - 1

        await eventually(aged, within_s=5)

    @pytest.mark.parametrize("done", [True, False], ids=["done", "claimed"])
    async def test_recall_forgets_with_the_window(self, store: Store, *, done: bool) -> None:
        """Looking at it does not prolong it."""
        one = identity(window_s=SHORT_S)
        await store.exchange([one] if done else [], [] if done else [one])

        async def forgotten() -> bool:
            return await store.recall([one.key]) == [None]

        await eventually(forgotten, within_s=5)

    async def test_check_passes_while_it_answers(self, store: Store) -> None:
        """As often as asked."""
        await store.check()
        await store.check()

    async def test_close_may_be_called_twice(self, store: Store) -> None:
        """And before anything was opened."""
        await store.close()
        await store.close()
        unopened = self.make()
        await unopened.close()
