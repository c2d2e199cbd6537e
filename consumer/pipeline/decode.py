"""First step: turns bytes and a type into an event, or into the reason why that is impossible.

Nothing that a sender can write makes this step raise. An error that is not the sender's is a bug of
ours. Such a bug makes one dead letter, and the lane goes on.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from consumer.errors import Reason, Rejected
from consumer.events.normalise import Normaliser, with_oddities, with_sequence
from consumer.events.refuse import SHOWN_CHARACTERS
from consumer.events.registry import find, nearest
from consumer.events.steps import Oddity
from consumer.pipeline.batch import Batch
from consumer.pipeline.budget import (
    VALUES_FREE_BYTES,
    max_body_bytes,
    refuse_long,
    refuse_many_values,
)
from consumer.pipeline.plain_body import Unwrapper, plain_body
from consumer.stores.base import DedupeSettings
from consumer.turn import Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Sender
    from consumer.events.base import EventType
    from consumer.pipeline.batch import Work
    from consumer.pipeline.owned import OwnedByWallet

SPELLINGS_MAX_COUNT: Final = 1000
"""The largest number of spellings of message types that are remembered for each sender."""
SUGGESTED_MAX_COUNT: Final = 20
"""The largest number of wrong names of types for which a listener suggests the right name."""
HELD_BYTES: Final = 8 * 1024 * 1024
"""A batch is closed when its events together exceed this many bytes."""
LARGE_BYTES: Final = 32 * 1024
"""A larger body is decoded in a thread, so that other tasks run meanwhile. A smaller body takes
less time than `turn.HELD_S`, whatever is in it (`python -m bench.bombs`)."""
_LARGE_BODIES: Final = ThreadPoolExecutor(1, thread_name_prefix="large bodies")
"""The thread of all lanes. A second thread would hardly be faster, because only one thread computes
at a time, and each thread keeps memory of its own that it has used once."""
NO_ODDITIES: Final[list[Oddity]] = []

log = structlog.get_logger()

OccurrenceOf = Callable[["Delivery"], str]
"""Returns a text that no other message of the source has: see `Listener.occurrence`."""


def unknown(_: Delivery) -> str:
    """Return an empty text, because the source cannot tell its messages apart."""
    return ""


class Decoder:
    """Decodes what one listener takes in.

    Args:
        dedupe: The settings that say how long the identities of each type are remembered. None
            means the defaults.
        strict: If true, what the vendor's own schema refuses is refused.
        limit_bytes: Returns the largest size of a body after its content encoding is undone, in
            bytes.
        unwrap: The field of a body that holds the event. None means that the body is the event.
        types: The names of the message types that are taken. None means every type.
        owned: Knows what only the wallet may send. None means that there is nothing like this.
    """

    def __init__(
        self,
        dedupe: DedupeSettings | None = None,
        *,
        strict: bool = False,
        limit_bytes: Callable[[], int] = max_body_bytes,
        unwrap: str | None = None,
        types: tuple[str, ...] | None = None,
        owned: OwnedByWallet | None = None,
    ) -> None:
        self._dedupe = dedupe or DedupeSettings()
        self._strict = strict
        self._limit_bytes = limit_bytes
        self._unwrap = Unwrapper(unwrap).take_out if unwrap is not None else None
        self._types = None if types is None else frozenset(map(find, types))
        self._owned = owned
        self._suggested: dict[str, str] = {}
        # The normalisers of each sender, by the name of the type as it was written. So the usual
        # spelling costs one look-up.
        self._by_sender: dict[Sender, dict[str, Normaliser]] = {}
        # The sender of the last delivery, and its normalisers. The next delivery usually has the
        # same sender object. They are one value, because a thread may replace them.
        self._last: tuple[Sender | None, dict[str, Normaliser]] = (None, {})

    def decode(self, batch: Batch, occurrence: OccurrenceOf = unknown) -> None:
        """Give every work of the batch its event, or end it as a dead letter.

        Args:
            batch: The batch, which is not decoded yet.
            occurrence: See `Listener.occurrence`.
        """
        limit_bytes = self._limit_bytes()
        for work in batch.works:
            self._decode(work, batch.arrived_s, occurrence, limit_bytes)

    async def batches(
        self,
        works: list[Work],
        arrived_s: float,
        since_s: float,
        occurrence: OccurrenceOf = unknown,
    ) -> AsyncIterator[Batch]:
        """Decode the works that were taken in together, in order, and make batches of them.

        Usually they make one batch. Compressed bodies can make more events than may be held in
        memory at once, and broken bodies can take long to refuse. Then there are several batches,
        and the next batch is decoded only when it is asked for.

        Args:
            works: The works, which are not decoded yet.
            arrived_s: The time at which all of them were taken in, in seconds since 1970.
            since_s: The same moment on the monotonic clock, in seconds.
            occurrence: See `Listener.occurrence`.

        Cancelling: a large body may still be decoded in its thread for a moment.
        """
        limit_bytes = self._limit_bytes()
        decoded: list[Work] = []
        held_bytes, turn = 0, Turn()
        for work in works:
            if not self._decode(work, arrived_s, occurrence, limit_bytes, only_small=True):
                decode = partial(self._decode, work, arrived_s, occurrence, limit_bytes)
                await asyncio.get_running_loop().run_in_executor(_LARGE_BODIES, decode)
                turn = Turn()
            decoded.append(work)
            held_bytes += len(work.event.body) if work.event is not None else 0
            if turn.is_over() or held_bytes > HELD_BYTES:
                yield Batch(decoded, arrived_s, since_s)
                # Other tasks had their turns before the next batch was asked for.
                decoded, held_bytes, turn = [], 0, Turn()
        if decoded:
            yield Batch(decoded, arrived_s, since_s)

    def _decode(
        self,
        work: Work,
        arrived_s: float,
        occurrence: OccurrenceOf,
        limit_bytes: int,
        *,
        only_small: bool = False,
    ) -> bool:
        """Give a work its event, or end it as a dead letter.

        Args:
            work: The work, which is not decoded yet.
            arrived_s: The time at which it was taken in, in seconds since 1970.
            occurrence: See `Listener.occurrence`.
            limit_bytes: The largest size of a body.
            only_small: If true, a body of more than `LARGE_BYTES` is left for a thread.

        Returns:
            False if the body was left for a thread.
        """
        most_bytes = min(limit_bytes, LARGE_BYTES) if only_small else limit_bytes
        try:
            delivery = work.delivery
            normaliser = self._normaliser(delivery)
            body, oddities = self._json(delivery, most_bytes)
            if len(body) > VALUES_FREE_BYTES:
                refuse_many_values(body, limit_bytes)
            if delivery.message_type and delivery.message_type[0] == '"':
                oddities = [*quoted_type(delivery.message_type), *oddities]
            message = _message(delivery, occurrence) if normaliser.needs_occurrence else ""
            event = normaliser.normalise(body, arrived_s, message)
            if self._owned is not None:
                self._owned.check(delivery.sender.brand, event)
            if delivery.sequence:
                event = with_sequence(event, delivery.sequence)
            work.event = with_oddities(event, oddities) if oddities else event
        except Rejected as rejected:
            if only_small and rejected.reason is Reason.TOO_LARGE and most_bytes < limit_bytes:
                return False
            work.die(rejected)
        except Exception as error:  # a bug of ours must not end the lane
            # The text of the error may hold what a sender wrote, so it is left out.
            name = type(error).__name__
            without_text = (Exception, Exception(name), error.__traceback__)
            log.exception("decoding failed", error=name, exc_info=without_text)
            work.die(Rejected(Reason.INTERNAL, f"{name} in the decoder"))
        return True

    def _json(self, delivery: Delivery, limit_bytes: int) -> tuple[bytes, list[Oddity]]:
        """Return the event in a body, as JSON, and what is odd about the body."""
        body, oddities = delivery.body, NO_ODDITIES
        refuse_long(body, limit_bytes)
        if delivery.content_encoding or not body.startswith(b"{") or body.endswith(b"\0"):
            # The delivery keeps the original, for a dead letter.
            body, oddities = plain_body(
                body, delivery.content_encoding, limit_bytes, strict=self._strict
            )
        return (body if self._unwrap is None else self._unwrap(body)), oddities

    def _normaliser(self, delivery: Delivery) -> Normaliser:
        sender, normalisers = self._last
        if delivery.sender is not sender:
            normalisers = self._by_sender.setdefault(delivery.sender, {})
            self._last = (delivery.sender, normalisers)
        name = delivery.message_type
        known = normalisers.get(name) if name else None
        if known is not None:
            return known
        if delivery.unread is not None:
            raise delivery.unread
        return self._prepare(delivery.sender, normalisers, name)

    def _prepare(
        self, sender: Sender, normalisers: dict[str, Normaliser], name: str | None
    ) -> Normaliser:
        event_type = known_type(name, strict=self._strict, meant=self._meant)
        if self._types is not None and event_type not in self._types:
            raise forbidden(event_type)
        usual = normalisers.get(event_type.name)
        if usual is None:
            window_s = self._dedupe.window_of_s(*event_type.names)
            usual = Normaliser(
                event_type,
                sender.brand,
                namespace=sender.namespace,
                strict=self._strict,
                window_s=window_s,
            )
            normalisers[event_type.name] = usual
        # Usually only a few spellings occur. A sender that varies the case at random must not
        # make this grow for ever.
        if name and len(normalisers) < SPELLINGS_MAX_COUNT:
            normalisers[name] = usual
        return usual

    def _meant(self, name: str) -> str:
        """Suggest a type, for the first wrong names only: to find one takes time."""
        if name not in self._suggested and len(self._suggested) < SUGGESTED_MAX_COUNT:
            self._suggested[name] = suggestion(name)
        return self._suggested.get(name, "")


def known_type(name: str | None, *, strict: bool, meant: Callable[[str], str]) -> EventType:
    """Return the message type that a message names.

    Args:
        name: The name as the sender wrote it.
        strict: If true, a name in quotes is refused.
        meant: Gets the wrong name, cut to `SHOWN_CHARACTERS`. Returns the end of the error.

    Raises:
        Rejected: `missing_type` or `unknown_type`.
    """
    if not name:
        raise Rejected(Reason.MISSING_TYPE, "type: required, but the message carries none")
    event_type = find(name) or (None if strict else find(_unquoted(name)))
    if event_type is None:
        text = f"type: no message type is called {_shown(name)}{meant(_cut(name))}"
        raise Rejected(Reason.UNKNOWN_TYPE, text)
    return event_type


def forbidden(event_type: EventType) -> Rejected:
    """Return the error of a message of a type that the listener does not take."""
    return Rejected(Reason.FORBIDDEN_TYPE, f"type: this listener does not take {event_type.name}")


def suggestion(name: str) -> str:
    """Write which type a wrong name probably means; empty if no type is near."""
    near = nearest(name)
    return f", did you mean {near}?" if near else ""


def quoted_type(name: str) -> list[Oddity]:
    """Return what is odd about the name of a known type: that it is in quotes."""
    return [Oddity("quoted_type", "type", _cut(name))] if name.startswith('"') else NO_ODDITIES


def _message(delivery: Delivery, occurrence: OccurrenceOf) -> str:
    """Name the message of a delivery. If the source cannot, each delivery gets its own name."""
    return occurrence(delivery) or secrets.token_hex(16)


def _unquoted(name: str) -> str:
    """Remove one pair of quotes, because Spring's header mapper writes text as JSON.

    https://docs.spring.io/spring-kafka/reference/kafka/headers.html
    """
    return name[1:-1] if name.startswith('"') and name.endswith('"') else name


def _cut(text: str) -> str:
    return text[:SHOWN_CHARACTERS]


def _shown(text: str) -> str:
    return ascii(_cut(text))
