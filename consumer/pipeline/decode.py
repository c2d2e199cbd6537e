"""First step: turns bytes and a type into an event, or into the reason why that is impossible.

Nothing that a sender can write makes this step raise. An error that is not the sender's is a bug of
ours. Such a bug makes one dead letter, and the lane goes on.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import structlog

from consumer.errors import Reason, Rejected
from consumer.events.normalise import Normaliser, with_oddities
from consumer.events.refuse import SHOWN_CHARACTERS
from consumer.events.registry import find, nearest
from consumer.events.steps import Oddity
from consumer.pipeline.batch import Batch
from consumer.pipeline.decompress import DEFAULT_LIMIT_BYTES
from consumer.pipeline.plain_body import Unwrapper, plain_body
from consumer.stores.base import DedupeSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.deliveries.delivery import Delivery
    from consumer.deliveries.origin import Sender
    from consumer.pipeline.batch import Work

SPELLINGS_MAX_COUNT: Final = 1000
"""The number of spellings of message types that are remembered for each sender."""
SUGGESTED_MAX_COUNT: Final = 20
"""The number of wrong names of types for which a listener suggests the right name."""
HELD_BYTES: Final = 8 * 1024 * 1024
"""The bytes that the events of a batch have together before the batch is closed. The event that
exceeds this number is the last event of its batch."""
HELD_S: Final = 0.05
"""The time for which the event loop may be held before a batch is closed, in seconds. The delivery
that exceeds it is the last delivery of its batch. Other tasks then run before the next batch."""
LARGE_BYTES: Final = 64 * 1024
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
        max_decoded_bytes: The largest size of a body after its content encoding is undone, in
            bytes.
        unwrap: The field of a body that holds the event. None means that the body is the event.
        types: The names of the message types that are taken. None means every type.
    """

    def __init__(
        self,
        dedupe: DedupeSettings | None = None,
        *,
        strict: bool = False,
        max_decoded_bytes: int = DEFAULT_LIMIT_BYTES,
        unwrap: str | None = None,
        types: tuple[str, ...] | None = None,
    ) -> None:
        self._dedupe = dedupe or DedupeSettings()
        self._strict = strict
        self._max_decoded_bytes = max_decoded_bytes
        self._unwrap = Unwrapper(unwrap).take_out if unwrap is not None else None
        self._types = None if types is None else frozenset(map(find, types))
        self._suggested: dict[str, str] = {}
        self._by_sender: dict[Sender, dict[str, Normaliser]] = {}
        # The sender of the last delivery. The next delivery usually has the same sender object.
        self._sender: Sender | None = None
        # The normalisers of that sender, by the name of the type as it was written. So the usual
        # spelling costs one look-up.
        self._normalisers: dict[str, Normaliser] = {}

    def decode(self, batch: Batch, occurrence: OccurrenceOf = unknown) -> None:
        """Give every work of the batch its event, or end it as a dead letter.

        Args:
            batch: The batch, which is not decoded yet.
            occurrence: See `Listener.occurrence`.
        """
        for work in batch.works:
            self._decode(work, batch.arrived_s, occurrence)

    def batches(
        self,
        works: list[Work],
        arrived_s: float,
        since_s: float,
        occurrence: OccurrenceOf = unknown,
    ) -> Iterator[Batch]:
        """Decode the works that were taken in together, in order, and make batches of them.

        Usually they make one batch. Compressed bodies can make more events than may be held in
        memory at once, and broken bodies can take long to refuse. Then there are several batches,
        and the next batch is decoded only when it is asked for.

        Args:
            works: The works, which are not decoded yet.
            arrived_s: The time at which all of them were taken in, in seconds since 1970.
            since_s: The same moment on the monotonic clock, in seconds.
            occurrence: See `Listener.occurrence`.
        """
        decoded: list[Work] = []
        held_bytes, began_s = 0, time.perf_counter()
        for work in works:
            self._decode(work, arrived_s, occurrence)
            decoded.append(work)
            size_bytes = len(work.event.body) if work.event is not None else 0
            held_bytes += size_bytes
            # Only what was refused, or is large, may have taken long. The clock is not read for
            # the others.
            is_slow = not size_bytes or size_bytes > LARGE_BYTES
            if held_bytes > HELD_BYTES or (is_slow and time.perf_counter() - began_s > HELD_S):
                yield Batch(decoded, arrived_s, since_s)
                decoded, held_bytes, began_s = [], 0, time.perf_counter()
        if decoded:
            yield Batch(decoded, arrived_s, since_s)

    def _decode(self, work: Work, arrived_s: float, occurrence: OccurrenceOf) -> None:
        try:
            delivery = work.delivery
            normaliser = self._normaliser(delivery)
            body, oddities = delivery.body, NO_ODDITIES
            if delivery.content_encoding or not body.startswith(b"{"):
                # The delivery keeps the original, for a dead letter.
                body, oddities = plain_body(
                    body,
                    delivery.content_encoding,
                    self._max_decoded_bytes,
                    strict=self._strict,
                )
            if self._unwrap is not None:
                body = self._unwrap(body)
            if delivery.message_type and delivery.message_type[0] == '"':
                oddities = [Oddity("quoted_type", "type", _cut(delivery.message_type)), *oddities]
            message = _message(delivery, occurrence) if normaliser.needs_occurrence else ""
            event = normaliser.normalise(body, arrived_s, message)
            work.event = with_oddities(event, oddities) if oddities else event
        except Rejected as rejected:
            work.die(rejected)
        except Exception as error:  # a bug of ours must not end the lane
            # The text of the error may hold what a sender wrote, so it is left out.
            name = type(error).__name__
            without_text = (Exception, Exception(name), error.__traceback__)
            log.exception("decoding failed", error=name, exc_info=without_text)
            work.die(Rejected(Reason.INTERNAL, f"{name} in the decoder"))

    def _normaliser(self, delivery: Delivery) -> Normaliser:
        if delivery.sender is not self._sender:
            self._sender = delivery.sender
            self._normalisers = self._by_sender.setdefault(delivery.sender, {})
        name = delivery.message_type
        known = self._normalisers.get(name) if name else None
        return known if known is not None else self._prepare(delivery.sender, name)

    def _prepare(self, sender: Sender, name: str | None) -> Normaliser:
        if not name:
            raise Rejected(Reason.MISSING_TYPE, "type: required, but the message carries none")
        event_type = find(name) or (None if self._strict else find(_unquoted(name)))
        if event_type is None:
            raise Rejected(
                Reason.UNKNOWN_TYPE,
                f"type: no message type is called {_shown(name)}{self._meant(name)}",
            )
        if self._types is not None and event_type not in self._types:
            raise Rejected(
                Reason.FORBIDDEN_TYPE, f"type: this listener does not take {event_type.name}"
            )
        usual = self._normalisers.get(event_type.name)
        if usual is None:
            window_s = self._dedupe.window_of_s(*event_type.names)
            usual = Normaliser(
                event_type,
                sender.brand,
                namespace=sender.namespace,
                strict=self._strict,
                window_s=window_s,
            )
            self._normalisers[event_type.name] = usual
        # Usually only a few spellings occur. A sender that varies the case at random must not
        # make this grow for ever.
        if len(self._normalisers) < SPELLINGS_MAX_COUNT:
            self._normalisers[name] = usual
        return usual

    def _meant(self, name: str) -> str:
        """Suggest a type, for the first wrong names only: to find one takes time."""
        name = _cut(name)
        if name not in self._suggested and len(self._suggested) < SUGGESTED_MAX_COUNT:
            near = nearest(name)
            self._suggested[name] = f", did you mean {near}?" if near else ""
        return self._suggested.get(name, "")


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
