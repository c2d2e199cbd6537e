"""Second step, the rules: which of these events has been seen before.

The store remembers a mark for each identity: `P`, pending, or `D`, done. The rules, with the
numbers of docs/guarantees.md:

1. A single store call claims a whole batch. What the sink has confirmed of earlier batches travels
   in the same call.
2. Only an observed `D` drops an event. A `D` or a `P` with another fingerprint is a conflict.
3. Where the store knows nothing, or knows a `P` from any process, the event is published.
6. Once the sink has confirmed an event, its mark becomes `D`, whatever stood there.

A `P` that is older than the sink's own memory of message ids is counted, because from then on the
sink may store a second copy. (Rule 4, looking into the sink first, is not built yet.)
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consumer.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.events.identity import Identity
    from consumer.events.normalise import Event
    from consumer.parts.patience import Patience
    from consumer.pipeline.batch import Batch, Work
    from consumer.pipeline.mode import Mode
    from consumer.stores.base import Memory, Store


@dataclass(eq=False, slots=True)
class _StoreCall:
    done: Sequence[Identity]
    claims: Sequence[Identity]
    reply: list[Memory | None] | None = None


class Ledger:
    """One lane's way to the store: never two calls at once, and all that waits in the next call.

    While a call is under way, the next claim and the marks of the batch before it gather. The first
    of them to get its turn then carries all of them. So a busy lane needs a single round trip for
    each batch, and an idle lane does not wait for company.

    Args:
        store: The store, shared by all lanes.
        patience: How to wait while the store is away.
    """

    def __init__(self, store: Store, patience: Patience) -> None:
        self._store = store
        self._patience = patience
        self._turn = asyncio.Lock()
        self._waiting: list[_StoreCall] = []

    async def claim(self, claims: Sequence[Identity]) -> list[Memory | None]:
        """Claim identities, each at most once, and return what was known of each before.

        Waits for the store as long as it takes. Cancelling: some may have been claimed.
        """
        return await self._carry(_StoreCall((), claims))

    async def mark_done(self, done: Sequence[Identity]) -> None:
        """Mark identities done: the sink has confirmed them.

        Waits for the store as long as it takes. Cancelling: some may have been marked.
        """
        if done:
            await self._carry(_StoreCall(done, ()))

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
                await self._patience.wait("claim", str(error))
            else:
                self._patience.relieved("claim")
                return known


def group(batch: Batch) -> list[list[tuple[Work, Identity]]]:
    """Return the events of a batch, those with the same key together, in the batch's order.

    Only the first event of each key is claimed: a claim for the second would find the `P` of the
    first, and that tells nothing.
    """
    groups: dict[str, list[tuple[Work, Identity]]] = {}
    for work in batch.works:
        if work.event is not None:
            identity = work.event.identity
            groups.setdefault(identity.key, []).append((work, identity))
    return list(groups.values())


def judge(same_key: list[tuple[Work, Identity]], known: Memory | None, mode: Mode) -> bool:
    """Apply rules 2 and 3 to all works of a batch that have one key.

    What the store knows decides. Only where it knows nothing, the first work decides: a
    contradicting delivery in front must not make a contradiction of an honest resend behind it.

    Args:
        same_key: The works in the batch's order; the first was claimed.
        known: What the store knew of the key before.
        mode: Decides what becomes of repetitions and contradictions.

    Returns:
        Whether one of the works is left to be published as the first of its identity.
    """
    fingerprint = known.fingerprint if known else same_key[0][1].fingerprint
    first: Work | None = None
    for work, identity in same_key:
        if identity.fingerprint != fingerprint:
            mode.contradicted(work, _standing(same_key, fingerprint))
        elif known is not None and known.done:
            mode.repeated(work)
        elif first is None:
            first = work
        else:
            mode.copied(work, first)
    return first is not None


def _standing(same_key: list[tuple[Work, Identity]], fingerprint: str) -> Event | None:
    """Return the event of the batch that stands under a key; None: only the store knows it."""
    events = (work.event for work, identity in same_key if identity.fingerprint == fingerprint)
    return next(events, None)
