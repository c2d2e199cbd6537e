"""Second step, the rules: decides which events have been seen before.

The store remembers a mark for each identity: `P`, pending, or `D`, done. The rules, with the
numbers of docs/guarantees.md:

1. A single store call claims a whole batch. What the sink has confirmed of earlier batches travels
   in the same call.
2. Only a `D` that the store returned drops an event. A `D` or a `P` with another fingerprint is a
   conflict.
3. If the store knows nothing, or knows a `P` from any process, the event is published.
6. Once the sink has confirmed an event, its mark becomes `D`, whatever it was before.

An event whose `P` is older than the sink's own memory of message ids is published and counted,
because the sink may store a second copy. (Rule 4, looking into the sink first, is not built yet.)
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from consumer.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.events.identity import Identity
    from consumer.events.normalise import Event
    from consumer.parts.patience import Patience
    from consumer.pipeline.batch import Batch, Work
    from consumer.pipeline.mode import Mode
    from consumer.stores.base import Mark, Memory, Store

SameKey = list[tuple["Work", "Identity"]]
"""The works of a batch that have one key, in the batch's order, each with its identity."""
MARK_ROUNDED_S: Final = 1.0
"""A store may round a window by less than this, in seconds."""

COMPARED_MAX_COUNT: Final = 100
"""The number of contradictions of one identity in a batch whose errors have the values. To compare
two events takes time."""


@dataclass(eq=False, slots=True)
class _StoreCall:
    done: Sequence[Identity]
    claims: Sequence[Identity]
    reply: list[Memory | None] | None = None


class StoreQueue:
    """One lane's calls to the store: one call at a time, which carries everything that waits.

    While a call is under way, the claims of the next batch and the marks of an earlier batch wait.
    The task that gets its turn first sends both in one call. So a busy lane needs one round trip
    for each batch, and an idle lane sends at once.

    Args:
        store: The store, shared by all lanes.
        patience: Waits while the store is away.
    """

    def __init__(self, store: Store, patience: Patience) -> None:
        self._store = store
        self._patience = patience
        self._turn = asyncio.Lock()
        self._waiting: list[_StoreCall] = []

    async def claim(self, claims: Sequence[Identity]) -> list[Memory | None]:
        """Claim identities, and return what was known of each of them before.

        No key may stand in `claims` twice.

        Waits for the store as long as it takes. Cancelling: some identities may have been claimed.
        """
        return await self._carry(_StoreCall((), claims))

    async def mark_done(self, done: Sequence[Identity]) -> None:
        """Mark identities done: the sink has confirmed them.

        Waits for the store as long as it takes. Cancelling: some identities may have been marked.
        """
        if done:
            await self._carry(_StoreCall(done, ()))

    async def ages_s(self, identities: Sequence[Identity]) -> list[float | None]:
        """Return how long ago each identity was marked done, in seconds.

        This follows from the time for which the mark will still be there. None means that it is not
        known: the mark has ended, or was written with a longer window, or the store does not
        answer. Nothing depends on it but words, so nobody waits for a store that is away.
        """
        try:
            marks = await self._store.recall([identity.key for identity in identities])
        except StoreUnavailable:
            return [None] * len(identities)
        return [_age_s(each, mark) for each, mark in zip(identities, marks, strict=True)]

    async def _carry(self, request: _StoreCall) -> list[Memory | None]:
        self._waiting.append(request)
        async with self._turn:
            if request.reply is None:  # no other task has carried it while we waited
                await self._carry_all()
        return request.reply or []

    async def _carry_all(self) -> None:
        carried, self._waiting = self._waiting, []
        try:
            known = await self._exchange(carried)
        except BaseException:
            self._waiting = carried + self._waiting
            raise
        for request in carried:
            count = len(request.claims)
            request.reply, known = known[:count], known[count:]

    async def _exchange(self, carried: list[_StoreCall]) -> list[Memory | None]:
        done = [identity for request in carried for identity in request.done]
        claims = [identity for request in carried for identity in request.claims]
        while True:
            try:
                known = await self._store.exchange(done, claims)
            except StoreUnavailable as error:
                await self._patience.wait("claim", str(error), refused=error.refused)
            else:
                self._patience.relieved("claim")
                return known


def group(batch: Batch) -> list[SameKey]:
    """Group the events of a batch by their keys. Groups and events keep the batch's order.

    Only the first event of each group is claimed. A claim for the second event would only find the
    `P` of the first event.
    """
    groups: dict[str, SameKey] = {}
    for work in batch.works:
        event = work.undecided_event
        if event is not None:
            identity = event.identity
            groups.setdefault(identity.key, []).append((work, identity))
    return list(groups.values())


def _age_s(identity: Identity, mark: Mark | None) -> float | None:
    if mark is None or not mark.done or mark.remaining_s > identity.window_s + MARK_ROUNDED_S:
        return None
    return max(0.0, identity.window_s - mark.remaining_s)


def contradicts(same_key: SameKey, known: Memory) -> bool:
    """Tell whether one of the works has another fingerprint than the store knows."""
    return {identity.fingerprint for _, identity in same_key} != {known.fingerprint}


def judge(
    same_key: SameKey,
    known: Memory | None,
    mode: Mode,
    age_s: float | None,
) -> bool:
    """Apply rules 2 and 3 to all works of a batch that have one key.

    The works are compared with the fingerprint that the store knows. If the store knows nothing,
    they are compared with the first work. So a contradicting delivery does not turn an honest
    resend behind it into a contradiction.

    Args:
        same_key: The works in the batch's order. The first work was claimed.
        known: What the store knew of the key before.
        mode: Decides what becomes of repetitions and contradictions.
        age_s: How long ago the store took the key in, in seconds. None if that is not known.

    Returns:
        True if one of the works is to be published as the first event of its identity.
    """
    fingerprint = known.fingerprint if known else same_key[0][1].fingerprint
    first: Work | None = None
    standing: Event | None = None
    contradicted_count = 0
    for work, identity in same_key:
        if identity.fingerprint != fingerprint:
            contradicted_count += 1
            if contradicted_count == 1:
                standing = _standing(same_key, fingerprint)
            elif contradicted_count > COMPARED_MAX_COUNT:
                standing = None
            mode.contradicted(work, standing, age_s)
        elif known is not None and known.done:
            mode.repeated(work)
        elif first is None:
            first = work
        else:
            mode.copied(work, first)
    return first is not None


def _standing(same_key: SameKey, fingerprint: str) -> Event | None:
    """Return the batch's event with this fingerprint. None means that only the store knows it."""
    events = (work.event for work, identity in same_key if identity.fingerprint == fingerprint)
    return next(events, None)
