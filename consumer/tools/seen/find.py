"""Finds an event by its id: asks the store, then searches the sink around the store's time."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.clock import SYSTEM_CLOCK
from consumer.errors import StoreUnavailable, Unavailable
from consumer.events import identity
from consumer.events.subjects import targets_of
from consumer.lanes.outside import make_store
from consumer.nats.connection import connected
from consumer.nats.follow import StreamStart, following
from consumer.sinks.message_id import unmarked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.config.load import Config
    from consumer.events.base import EventType
    from consumer.events.subjects import Routes
    from consumer.stores.base import Mark

BEFORE_PENDING_S: Final = 60.0
"""The sink is searched this far back from a pending mark, in seconds, because clocks differ."""
BEFORE_DONE_S: Final = 900.0
"""The sink is searched this far back from a done mark, in seconds. The sink stores an event before
the store marks it, and in between the batch waits if the store is away."""
AFTER_S: Final = 60.0
"""The sink is searched this far beyond a done mark, in seconds, because clocks differ."""
UNKNOWN_S: Final = 3600.0
"""The sink is searched this far back from now, in seconds, if the store tells no time."""


class CandidateIdentity(msgspec.Struct, frozen=True):
    """An identity that the id may stand for.

    An id is the parts of an identity with colons between them. A part may hold colons too, so
    several identities can have the same id.

    Attributes:
        brand: The brand of the event.
        parts: The parts of the identity.
        key: The key under which the store remembers the identity. It is also the message id of the
            event in the sink.
    """

    brand: str
    parts: tuple[str, ...]
    key: str


class RememberedIdentity(msgspec.Struct, frozen=True):
    """What the store remembers of a candidate.

    Attributes:
        candidate: The candidate.
        done: If true, the sink has confirmed the event. If false, the event may have been
            published or not.
        since_s: When the mark was made, in seconds since 1970, as far as that can be known.
        remaining_s: The seconds until the store forgets the identity.
    """

    candidate: CandidateIdentity
    done: bool
    since_s: float
    remaining_s: float


class StoredEvent(msgspec.Struct, frozen=True):
    """A message in the sink that holds the event.

    Attributes:
        candidate: The candidate whose message id the message has.
        subject: The subject of the message.
        sequence: The number of the message in the stream.
        stored_s: When the message was stored, in seconds since 1970.
    """

    candidate: CandidateIdentity
    subject: str
    sequence: int
    stored_s: float


class SeenAnswer(msgspec.Struct, kw_only=True):
    """What was found.

    Attributes:
        brands: The brands that were asked for.
        remembered: What the store remembers.
        store_why: Why the store could not be asked. Empty means that the store has answered.
        stored: What the sink holds.
        sink_why: Why the sink could not be searched to its end. Empty means that it was searched.
        from_s: The beginning of the time that was searched in the sink, in seconds since 1970.
        to_s: The end of this time, in seconds since 1970.
        reached_s: When the last message was stored that was looked at, in seconds since 1970.
        scanned_count: The number of messages that were looked at.
    """

    brands: list[str]
    remembered: list[RememberedIdentity] = []
    store_why: str = ""
    stored: list[StoredEvent] = []
    sink_why: str = ""
    from_s: float = 0.0
    to_s: float = 0.0
    reached_s: float = 0.0
    scanned_count: int = 0


async def find_event(
    config: Config,
    event_type: EventType,
    event_id: str,
    *,
    brand: str | None = None,
    since_s: float | None = None,
    within_s: float = math.inf,
) -> SeenAnswer:
    """Ask store and sink. If one of them is away, the answer says so and holds the other's part.

    Args:
        config: The configuration.
        event_type: The message type of the event.
        event_id: The CloudEvents id of the event.
        brand: The brand of the event. None means every brand of the configuration.
        since_s: The time from which on the sink is searched, in seconds since 1970. None means
            around the time that the store tells, or the last hour if the store tells none.
        within_s: The longest time for the search in the sink, in seconds.
    """
    brands = [brand] if brand else _brands(config)
    wanted = candidates(brands, event_type, event_id)
    answer = SeenAnswer(brands=brands)
    now_s = SYSTEM_CLOCK.now_s()
    try:
        window_s = config.dedupe.window_of_s(*event_type.names)
        answer.remembered = await _ask_store(config, wanted, window_s, now_s)
    except StoreUnavailable as error:
        answer.store_why = f"store: {error}"
    answer.from_s, answer.to_s = searched_time(answer.remembered, since_s, now_s)
    if config.sink.kind == "core":
        answer.sink_why = 'sink: it is kind = "core", which keeps nothing'
        return answer
    try:
        async with asyncio.timeout(None if within_s == math.inf else within_s):
            await _search_sink(config, message_ids(wanted, event_type, config.routes), answer)
    except Unavailable as error:
        answer.sink_why = f"sink: {error}"
    except TimeoutError:
        answer.sink_why = f"sink: not searched to the end within {within_s:g} s"
    return answer


def _brands(config: Config) -> list[str]:
    of_listeners = (listener.brand or config.brand for listener in config.listeners.values())
    return sorted({brand for brand in (*of_listeners, config.brand) if brand})


def candidates(
    brands: Sequence[str], event_type: EventType, event_id: str
) -> list[CandidateIdentity]:
    """Return every identity that the id may stand for."""
    return [
        CandidateIdentity(brand, parts, identity.key(brand, event_type.name, parts))
        for brand in brands
        for parts in identity.read_id(event_id, event_type.id_suffixes)
    ]


def searched_time(
    remembered: Sequence[RememberedIdentity], since_s: float | None, now_s: float
) -> tuple[float, float]:
    """Return the begin and the end of the search in the sink, in seconds since 1970.

    Args:
        remembered: What the store remembers.
        since_s: The beginning that the user has given. None means that the user has given none.
        now_s: The present.
    """
    if since_s is not None or not remembered:
        return (now_s - UNKNOWN_S if since_s is None else since_s), now_s
    starts = [
        mark.since_s - (BEFORE_DONE_S if mark.done else BEFORE_PENDING_S) for mark in remembered
    ]
    # An event that is pending may be published again at any time.
    ends = [mark.since_s + AFTER_S if mark.done else now_s for mark in remembered]
    return min(starts), min(now_s, max(ends))


async def _ask_store(
    config: Config, wanted: Sequence[CandidateIdentity], window_s: float, now_s: float
) -> list[RememberedIdentity]:
    if config.dedupe.store == "memory":
        raise StoreUnavailable('it is kind "memory", which only the daemon itself can see')
    store = make_store(config)
    try:
        marks = await store.recall([candidate.key for candidate in wanted])
    finally:
        await store.close()
    pairs = zip(wanted, marks, strict=True)
    return [_remembered(candidate, mark, window_s, now_s) for candidate, mark in pairs if mark]


def _remembered(
    candidate: CandidateIdentity, mark: Mark, window_s: float, now_s: float
) -> RememberedIdentity:
    # The store does not know when a done mark was made. But it was made for a whole window, so what
    # is left of the window tells its age.
    age_s = max(0.0, window_s - mark.remaining_s) if mark.done else mark.age_s
    return RememberedIdentity(candidate, mark.done, now_s - age_s, mark.remaining_s)


def message_ids(
    wanted: Sequence[CandidateIdentity], event_type: EventType, routes: Routes
) -> dict[str, CandidateIdentity]:
    """Return every message id that the event may have in the sink, with its candidate.

    An event that a route sends to several subjects has an id for each of them.
    """
    subjects = event_type.subjects.values()
    targets = {target for subject in subjects for target in targets_of(subject, routes)}
    ids = {candidate.key: candidate for candidate in wanted}
    return ids | {
        identity.output_id(candidate.key, target): candidate
        for candidate in wanted
        for target in targets
    }


async def _search_sink(
    config: Config, ids: dict[str, CandidateIdentity], answer: SeenAnswer
) -> None:
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
            answer.reached_s = stored_s
            message_id = unmarked((msg.headers or {}).get("Nats-Msg-Id", ""))
            candidate = ids.get(message_id)
            if candidate is not None:
                event = StoredEvent(candidate, msg.subject, place.sequence.stream, stored_s)
                answer.stored.append(event)
