"""Finds an event by its id: asks the store, then looks into the sink around the time it tells."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import msgspec
from rich.console import Console

from consumer.clock import SYSTEM_CLOCK
from consumer.errors import StoreUnavailable, Unavailable
from consumer.events import identity
from consumer.events.registry import find
from consumer.events.subjects import targets_of
from consumer.lanes.outside import make_store
from consumer.nats.connection import connected
from consumer.nats.follow import StreamStart, following

if TYPE_CHECKING:
    from consumer.config.load import Config
    from consumer.events.subjects import Routes
    from consumer.stores.base import Mark

BEFORE_PENDING_S: Final = 60.0
"""The clocks of store and sink may differ so much."""
BEFORE_DONE_S: Final = 900.0
"""A batch may wait so long between its storing and its mark, when the store is away."""
AFTER_S: Final = 60.0
UNKNOWN_S: Final = 3600.0
"""So far back, where the store knows nothing and the user says nothing."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Which event is meant.

    Attributes:
        message_type: its name in the catalogue.
        id: the CloudEvents id.
        brand: whose; None: any of the configuration's.
        since_s: where to begin in the sink, in seconds since 1970; None: as the store tells.
    """

    message_type: str
    id: str
    brand: str | None = None
    since_s: float | None = None


class Candidate(msgspec.Struct, frozen=True):
    """An identity that the id may stand for."""

    brand: str
    parts: tuple[str, ...]
    key: str


class Known(msgspec.Struct, frozen=True):
    """What the store remembers of a candidate.

    Attributes:
        since_s: when it was marked, in seconds since 1970, as far as that can be known.
    """

    candidate: Candidate
    done: bool
    since_s: float
    remaining_s: float


class Stored(msgspec.Struct, frozen=True):
    """A message of the sink."""

    candidate: Candidate
    subject: str
    sequence: int
    stored_s: float


class Answer(msgspec.Struct, kw_only=True):
    """What was found.

    Attributes:
        brands: that were asked for.
        store_why, sink_why: why one of them was not asked; empty: it was.
        from_s, to_s: the range of the sink that was looked at, in seconds since 1970.
        scanned_count: messages in it.
    """

    brands: list[str]
    known: list[Known] = []
    store_why: str = ""
    stored: list[Stored] = []
    sink_why: str = ""
    from_s: float = 0.0
    to_s: float = 0.0
    scanned_count: int = 0


async def find_out(config: Config, question: Question) -> Answer:
    """Ask store and sink; one that is away is told, and the other asked all the same."""
    brands = [question.brand] if question.brand else _brands(config)
    wanted = candidates(brands, question)
    answer = Answer(brands=brands)
    now_s = SYSTEM_CLOCK.now_s()
    try:
        window_s = config.dedupe.window_of_s(question.message_type)
        answer.known = await _ask_store(config, wanted, window_s, now_s)
    except StoreUnavailable as error:
        answer.store_why = f"store: {error}"
    answer.from_s, answer.to_s = span(answer.known, question.since_s, now_s)
    if config.sink.kind == "core":
        answer.sink_why = 'sink: it is kind = "core", which keeps nothing'
        return answer
    console = Console(stderr=True)
    busy = console.status("looking into the sink") if console.is_terminal else None
    try:
        with busy or contextlib.nullcontext():
            ids = message_ids(wanted, question.message_type, config.routes)
            await _look_into_sink(config, ids, answer)
    except Unavailable as error:
        answer.sink_why = f"sink: {error}"
    return answer


def _brands(config: Config) -> list[str]:
    named = (one.brand or config.brand for one in config.listeners.values())
    return sorted({brand for brand in (*named, config.brand) if brand})


def candidates(brands: list[str], question: Question) -> list[Candidate]:
    """Return every identity that is meant by the id."""
    return [
        Candidate(brand, parts, identity.key(brand, question.message_type, parts))
        for brand in brands
        for parts in identity.parts_of(question.id)
    ]


def span(known: list[Known], since_s: float | None, now_s: float) -> tuple[float, float]:
    """Return from when to when the event may have been stored, in seconds since 1970."""
    if since_s is not None or not known:
        return (now_s - UNKNOWN_S if since_s is None else since_s), now_s
    starts = [one.since_s - (BEFORE_DONE_S if one.done else BEFORE_PENDING_S) for one in known]
    # What is pending may be published again at any time.
    ends = [one.since_s + AFTER_S if one.done else now_s for one in known]
    return min(starts), min(now_s, max(ends))


async def _ask_store(
    config: Config, wanted: list[Candidate], window_s: float, now_s: float
) -> list[Known]:
    if config.dedupe.store == "memory":
        raise StoreUnavailable('it is kind "memory", which only the daemon itself can see')
    store = make_store(config)
    try:
        marks = await store.recall([one.key for one in wanted])
    finally:
        await store.close()
    pairs = zip(wanted, marks, strict=True)
    return [_known(candidate, mark, window_s, now_s) for candidate, mark in pairs if mark]


def _known(candidate: Candidate, mark: Mark, window_s: float, now_s: float) -> Known:
    # A done mark has no time of its own, but it was made for a whole window.
    age_s = max(0.0, window_s - mark.remaining_s) if mark.done else mark.age_s
    return Known(candidate, mark.done, now_s - age_s, mark.remaining_s)


def message_ids(wanted: list[Candidate], message_type: str, routes: Routes) -> dict[str, Candidate]:
    """Return every id that a message of these candidates may have in the sink."""
    kind = find(message_type)
    subjects = kind.subjects.values() if kind else ()
    targets = {target for subject in subjects for target in targets_of(subject, routes)}
    ids = {one.key: one for one in wanted}
    return ids | {identity.output_id(one.key, target): one for one in wanted for target in targets}


async def _look_into_sink(config: Config, ids: dict[str, Candidate], answer: Answer) -> None:
    start, stream = StreamStart(time_s=answer.from_s), config.sink.stream
    async with (
        connected(config.sink, name="consumer seen") as client,
        following(client, start, stream=stream, headers_only=True) as reader,
        contextlib.aclosing(reader.stored()) as messages,
    ):
        async for msg in messages:
            place = msg.metadata
            stored_s = place.timestamp.timestamp()
            if stored_s > answer.to_s:
                return
            answer.scanned_count += 1
            # Behind a point, shadow mode tells copies apart.
            message_id, _, _ = (msg.headers or {}).get("Nats-Msg-Id", "").partition(".")
            candidate = ids.get(message_id)
            if candidate is not None:
                found = Stored(candidate, msg.subject, place.sequence.stream, stored_s)
                answer.stored.append(found)
