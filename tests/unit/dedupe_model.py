"""The dedupe rule as an explicit-state model: every interleaving of two workers and faults.

One event with two copies at its source, a store, a sink with message ids, and publishes that may
be on their way for any time. What `consumer/pipeline/dedupe.py` does is the order `PENDING`:

    claim P ─► publish with the message id, unless D was seen ─► mark D ─► acknowledge

Time passes only as a fault: when the sink's window lapses, nothing alive is between claim and
confirmation (a publish has its deadline, far inside the window) and no publish is on its way.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Order(Enum):
    """Which rule the workers follow."""

    PENDING = "claim P, publish, mark D, acknowledge"
    SETNX = "mark, publish, acknowledge"


class Step(Enum):
    """What a worker does next."""

    IDLE = "take a copy"
    CLAIM = "ask the store"
    PUBLISH = "publish"
    AWAIT = "wait for the PubAck"
    MARK = "mark D"
    SETTLE = "acknowledge"


class Mark(Enum):
    """What the store knows."""

    NOTHING = 0
    PENDING = 1
    DONE = 2


@dataclass(frozen=True)
class Faults:
    """How often each may still happen.

    Attributes:
        kills: a worker dies; its copy goes back to the source, its publish may travel on.
        lost_pubacks: a worker's deadline ends before its PubAck comes; it publishes again.
        lapses: the sink forgets its message ids.
        wipes: the store forgets its marks.
    """

    kills: int = 0
    lost_pubacks: int = 0
    lapses: int = 0
    wipes: int = 0


@dataclass(frozen=True)
class State:
    """Everything at one moment.

    Attributes:
        ready: copies at the source that nobody works on.
        workers: what each does next; whoever is not idle holds one copy.
        travelling: publishes on their way, each by its worker's number; -1: nobody waits for it.
        mark: in the store.
        id_known: the sink would recognise the message id.
        stored: messages in the sink.
        faults: still to come.
    """

    ready: int
    faults: Faults
    workers: tuple[Step, ...] = (Step.IDLE, Step.IDLE)
    travelling: tuple[int, ...] = ()
    mark: Mark = Mark.NOTHING
    id_known: bool = False
    stored: int = 0

    def with_worker(self, number: int, step: Step) -> State:
        """Return the state in which one worker has gone on."""
        workers = tuple(step if i == number else old for i, old in enumerate(self.workers))
        return replace(self, workers=workers)

    def orphaned(self, number: int) -> State:
        """Return the state in which nobody waits for this worker's publish any more."""
        return replace(self, travelling=_sorted(-1 if t == number else t for t in self.travelling))


def _sorted(numbers: Iterator[int]) -> tuple[int, ...]:
    return tuple(sorted(numbers))


@dataclass(frozen=True)
class Findings:
    """What exploring every state has shown.

    Attributes:
        states: how many there are.
        loses: the source has no copy left, nobody works on one, and the sink has none.
        duplicates: the sink has two.
        stuck: nothing can happen although the source has copies left.
    """

    states: int
    loses: bool
    duplicates: bool
    stuck: bool


def explore(faults: Faults, order: Order = Order.PENDING, copies: int = 2) -> Findings:
    """Visit every state that can be reached."""
    first = State(ready=copies, faults=faults)
    seen = {first}
    to_visit = deque([first])
    loses = duplicates = stuck = False
    while to_visit:
        state = to_visit.popleft()
        settled = not state.ready and all(step is Step.IDLE for step in state.workers)
        loses |= settled and not state.travelling and not state.stored
        duplicates |= state.stored > 1
        following = set(_successors(state, order))
        stuck |= not following and not settled
        fresh = {one for one in following if one.stored <= 2} - seen
        seen |= fresh
        to_visit.extend(fresh)
    return Findings(len(seen), loses, duplicates, stuck)


def _successors(state: State, order: Order) -> Iterator[State]:
    for number, step in enumerate(state.workers):
        yield from _work(state, number, step, order)
        if step is not Step.IDLE:
            yield from _kill(state, number)
    yield from _arrive(state)
    yield from _forget(state)


def _work(state: State, number: int, step: Step, order: Order) -> Iterator[State]:
    if step is Step.IDLE and state.ready:
        yield replace(state, ready=state.ready - 1).with_worker(number, Step.CLAIM)
    elif step is Step.CLAIM:
        yield _claim(state, number, order)
    elif step is Step.PUBLISH:
        sent = replace(state, travelling=_sorted(iter((*state.travelling, number))))
        yield sent.with_worker(number, Step.AWAIT)
    elif step is Step.AWAIT and state.faults.lost_pubacks:
        faults = replace(state.faults, lost_pubacks=state.faults.lost_pubacks - 1)
        yield replace(state, faults=faults).orphaned(number).with_worker(number, Step.PUBLISH)
    elif step is Step.MARK:
        yield replace(state, mark=Mark.DONE).with_worker(number, Step.SETTLE)
    elif step is Step.SETTLE:
        yield state.with_worker(number, Step.IDLE)


def _claim(state: State, number: int, order: Order) -> State:
    seen = state.mark is Mark.DONE
    if order is Order.SETNX:
        seen = state.mark is not Mark.NOTHING
    if seen:
        return state.with_worker(number, Step.SETTLE)
    return replace(state, mark=Mark.PENDING).with_worker(number, Step.PUBLISH)


def _kill(state: State, number: int) -> Iterator[State]:
    if not state.faults.kills:
        return
    faults = replace(state.faults, kills=state.faults.kills - 1)
    dead = replace(state, ready=state.ready + 1, faults=faults).with_worker(number, Step.IDLE)
    yield dead.orphaned(number)  # its publish is on its way, and comes late
    yield replace(dead, travelling=_sorted(t for t in state.travelling if t != number))


def _arrive(state: State) -> Iterator[State]:
    for index, number in enumerate(state.travelling):
        travelling = state.travelling[:index] + state.travelling[index + 1 :]
        stored = state.stored + (not state.id_known)
        arrived = replace(state, travelling=travelling, stored=stored, id_known=True)
        yield arrived.with_worker(number, Step.MARK) if number >= 0 else arrived


def _forget(state: State) -> Iterator[State]:
    publishing = any(step in (Step.PUBLISH, Step.AWAIT) for step in state.workers)
    if state.faults.lapses and not publishing and not state.travelling:
        faults = replace(state.faults, lapses=state.faults.lapses - 1)
        yield replace(state, id_known=False, faults=faults)
    if state.faults.wipes:
        faults = replace(state.faults, wipes=state.faults.wipes - 1)
        yield replace(state, mark=Mark.NOTHING, faults=faults)
