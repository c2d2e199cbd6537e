"""Takes a posted request into the lane of its key's environment, and answers it.

Responsible for what a single event and a batch have in common: the checks before the body is read,
the share of rejected events of each key, and the counters.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from consumer.clock import SYSTEM_CLOCK
from consumer.deliveries.decompress import decompress
from consumer.deliveries.delivery import Dead, Delivery
from consumer.errors import Reason, Rejected
from consumer.http.answer import Problem
from consumer.http.request import key_of
from consumer.listeners.http.answers import of_refusal
from consumer.listeners.http.rejections import Rejections
from consumer.listeners.http.shed import NotTaken, Shed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from consumer.access.key import Key
    from consumer.deliveries.origin import Environment
    from consumer.errors import Misfit
    from consumer.http.request import Request
    from consumer.listeners.http.intake import Intake
    from consumer.listeners.http.question import Question
    from consumer.operations.metrics import Metrics

TOO_MANY_REJECTED: Final = "too_many_rejected"
COMPRESSED: Final = frozenset(("gzip", "deflate", "zstd"))
"""The content encodings that are undone here, to measure the size of the decompressed body."""


class IngestLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one request, and the status for rejected events.

    Attributes:
        max_body_bytes: The largest size of a body, before and after decompression, in bytes.
        max_event_bytes: The largest size of one event, or of one line of a batch, in bytes.
        rejected_status: The status of the answer to a rejected event: 400 or 200.
    """

    max_body_bytes: int
    max_event_bytes: int
    rejected_status: int

    @property
    def max_single_bytes(self) -> int:
        """The largest size of a body that is a single event, in bytes."""
        return min(self.max_event_bytes, self.max_body_bytes)


class Ingest:
    """The way of posted events into the lanes.

    Args:
        intakes: The intake of each environment that is served.
        limits: The limits of one request.
        metrics: Counts the requests that are refused.
        admit_again: Checks a key again after the body was read. It gets the key and the address of
            the client, and raises `KeyRefused`.
        spend: Counts events against the rate of a key.
        errors_of: Finds all mistakes in an event. It gets the message type, the body, and the
            reason of the dead letter.
    """

    def __init__(
        self,
        intakes: Mapping[Environment, Intake],
        limits: IngestLimits,
        metrics: Metrics,
        admit_again: Callable[[Key, str], None],
        spend: Callable[[Key, int], None],
        errors_of: Callable[[str, bytes, Rejected], Sequence[Misfit]],
    ) -> None:
        self.limits = limits
        self._intakes = intakes
        reasons = (*(each.value for each in Shed), TOO_MANY_REJECTED)
        self._shed = {reason: metrics.http_shed.labels(reason) for reason in reasons}
        self.errors_of = errors_of
        self.admit_again = admit_again
        self._spend = spend
        self._rejections = Rejections()

    def key_of(self, request: Request) -> Key:
        """Return the key of a request, or refuse the request if the key may not post now.

        Raises:
            Problem: 429 if too many events of the key were rejected; 503 if the intake has no room
                for its events.
        """
        key = self.posting_key(request)
        try:
            self._intakes[key.environment].refuse_if_full(key.id)
        except NotTaken as refused:
            raise self.shed(refused) from refused
        return key

    def posting_key(self, request: Request) -> Key:
        """Return the key of a request whose body is here, so that `put` looks for room.

        Raises:
            Problem: 429 if too many events of the key were rejected.
        """
        key = key_of(request)
        now_s = SYSTEM_CLOCK.monotonic_s()
        wait_s = self._rejections.wait_s(key.id, now_s)
        if wait_s is not None:
            self._shed[TOO_MANY_REJECTED].inc()
            raise Problem(
                429,
                "too_many_rejected",
                "more than half of the events of this key were rejected within 60 s; "
                "mend the sender, then send again",
                headers={"retry-after": str(wait_s)},
            )
        return key

    async def ask(
        self, request: Request, key: Key, make: Callable[[Question], list[Delivery]]
    ) -> list[Delivery]:
        """Hand deliveries to the lane, and return them with their ends.

        Raises:
            KeyRefused: The key was revoked or changed, or has expired, since the request began.
            Problem: 503: the intake has no room, or there was no answer in time.
        """
        self.admit_again(key, request.address)
        counted = partial(self._spend, key)
        try:
            deliveries = await self._intakes[key.environment].ask(request, key.id, make, counted)
        except NotTaken as refused:
            raise self.shed(refused) from refused
        self.note_ended(key.id, len(deliveries), sum(map(is_senders_fault, deliveries)))
        return deliveries

    def put(self, key: Key, question: Question, delivery: Delivery) -> None:
        """Hand a delivery to the lane. The question is told later how the delivery ended.

        Raises:
            Problem: 503: the intake has no room.
        """
        try:
            self._intakes[key.environment].put(question, (delivery,))
        except NotTaken as refused:
            raise self.shed(refused) from refused
        self._spend(key, 1)

    def note_ended(self, key_id: str, count: int, rejected_count: int) -> None:
        """Count how the events of a key have ended, for its share of rejected events.

        Args:
            key_id: The key's id.
            count: The number of all events.
            rejected_count: The number of those that `is_senders_fault` is true for.
        """
        self._rejections.count(key_id, SYSTEM_CLOCK.monotonic_s(), count, rejected_count)

    def shed(self, refused: NotTaken) -> Problem:
        """Count a request whose events were not taken, and return the answer 503."""
        self._shed[refused.why.value].inc()
        return of_refusal(refused)


def is_senders_fault(delivery: Delivery) -> bool:
    """Tell whether a delivery became a dead letter because of what it holds."""
    end = delivery.end
    return isinstance(end, Dead) and end.rejected.reason is not Reason.INTERNAL


def undone(body: bytes, encoding: str, limit_bytes: int) -> tuple[bytes, str]:
    """Undo the content encoding of a body, to measure the size of the decompressed body.

    Returns:
        The body, and the content encoding that the pipeline still has to undo. The encoding is
        empty if it was undone here. A body that is not in its stated encoding is returned as it is,
        with this encoding.

    Raises:
        Problem: 413: the decompressed body is larger than the limit.
    """
    if encoding.strip().lower() not in COMPRESSED:
        return body, encoding
    try:
        return decompress(body, encoding, limit_bytes), ""
    except Rejected as rejected:
        if rejected.reason is Reason.TOO_LARGE:
            raise Problem(413, "too_large", rejected.detail) from rejected
        return body, encoding
