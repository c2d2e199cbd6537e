"""Second step: which of these has been seen before.

The rules, with the numbers of docs/guarantees.md:

1. one store call claims a whole batch; what is confirmed of earlier batches travels with it;
2. only an observed D drops an event; a D or a P with another fingerprint is a conflict;
3. nothing, or a P, whoever's it is: publish;
6. once the sink has confirmed, D, unconditionally.

A P that is older than the sink's own memory of message ids is counted: from then on the sink may
store a second copy. (Rule 4, looking into the sink first, is not built yet.)
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consumer.errors import Reason, Rejected, StoreUnavailable
from consumer.pipeline.batch import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.pipeline.batch import Batch, Work
    from consumer.pipeline.patience import Patience
    from consumer.stores.base import Identity, Memory, Store


@dataclass(eq=False, slots=True)
class _Request:
    done: Sequence[Identity]
    claims: Sequence[Identity]
    reply: list[Memory | None] | None = None


class Ledger:
    """One lane's way to the store: never two calls at once, and everything waiting in one call.

    While a call is under way, the next claim and the marks of the batch before it gather; whoever
    comes first then carries them all. So a busy lane needs one round trip a batch, and an idle
    one does not wait for company.

    Args:
        store: shared by all lanes.
        patience: how to wait when it is away.
    """

    def __init__(self, store: Store, patience: Patience) -> None:
        self._store = store
        self._patience = patience
        self._turn = asyncio.Lock()
        self._waiting: list[_Request] = []

    async def claim(self, claims: Sequence[Identity]) -> list[Memory | None]:
        """Claim identities, each at most once; returns what was known of each before.

        Waits for the store as long as it takes. Cancelling: some may have been claimed.
        """
        return await self._carry(_Request((), claims))

    async def mark_done(self, done: Sequence[Identity]) -> None:
        """Mark identities done: the sink has confirmed them.

        Waits for the store as long as it takes. Cancelling: some may have been marked.
        """
        if done:
            await self._carry(_Request(done, ()))

    async def _carry(self, request: _Request) -> list[Memory | None]:
        self._waiting.append(request)
        async with self._turn:
            if request.reply is None:  # nobody has carried it while we waited for our turn
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

    async def _exchange(self, carried: list[_Request]) -> list[Memory | None]:
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


def by_identity(batch: Batch) -> list[list[Work]]:
    """Return the events of a batch, those of one identity together, in order.

    One claim is made for all of them: a claim for the second would find the first one's P and
    tell nothing.
    """
    found: dict[str, list[Work]] = {}
    for work in batch.works:
        if work.event is not None:
            found.setdefault(work.event.identity.key, []).append(work)
    return list(found.values())


def judge(works: list[Work], known: Memory | None, old_after_s: float) -> bool:
    """Apply rules 2 and 3 to the works of one identity.

    What is known decides which of them conflict, and the first one only where nothing is: it may
    itself be the odd one out.

    Args:
        works: those of a batch, in order.
        known: what the store knew before it was claimed for them.
        old_after_s: a P older than this is outside the sink's own memory, in seconds.

    Returns:
        Whether one is published although its P is old.
    """
    right = known.fingerprint if known is not None else _fingerprint(works[0])
    leader: Work | None = None
    for work in works:
        if _fingerprint(work) != right:
            work.reject(conflict())
        elif leader is None:
            leader = work
        else:
            work.copy_of = leader
    if leader is None or known is None:
        return False
    if known.done:
        leader.verdict = Verdict.DUPLICATE
        return False
    return known.age_s > old_after_s


def _fingerprint(work: Work) -> str:
    return work.event.identity.fingerprint if work.event is not None else ""


def conclude_copies(batch: Batch) -> None:
    """Give each joined copy its verdict, once the first one has its own."""
    for work in batch.works:
        first = work.copy_of
        if first is None:
            continue
        if first.rejected is not None:
            work.reject(first.rejected)
        else:
            work.verdict = Verdict.DUPLICATE


def conflict() -> Rejected:
    """Return the rejection of a second delivery whose deciding fields differ."""
    return Rejected(
        Reason.CONFLICT, "this identity was sent before with other values in its deciding fields"
    )
