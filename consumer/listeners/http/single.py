"""Takes one event for each request, on the vendor's paths. The path names the message type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.deliveries.delivery import Delivery
from consumer.listeners.http.answers import of_event
from consumer.listeners.http.ingest import undone
from consumer.listeners.http.question import Posted

if TYPE_CHECKING:
    from consumer.access.key import Key
    from consumer.http.answer import Answer
    from consumer.http.request import Request
    from consumer.listeners.http.ingest import Ingest
    from consumer.listeners.http.question import Question


class OneEvent:
    """Answers the requests on one path.

    Args:
        ingest: The way into the lanes.
        message_type: The name of the message type.
    """

    def __init__(self, ingest: Ingest, message_type: str) -> None:
        self._ingest = ingest
        self._message_type = message_type

    async def __call__(self, request: Request) -> Answer:
        """Post one event."""
        ingest = self._ingest
        key = ingest.key_of(request)
        limits = ingest.limits
        body = await request.read_body(min(limits.max_event_bytes, limits.max_body_bytes))
        encoding = request.headers.get("content-encoding", "")
        if encoding:
            body, encoding = undone(body, encoding, limits.max_event_bytes)

        def make(question: Question) -> list[Delivery]:
            return [self._delivery(question, key, body, encoding)]

        (delivery,) = await ingest.ask(request, key, make)
        return of_event(
            delivery,
            limits.rejected_status,
            lambda rejected: ingest.errors_of(self._message_type, body, rejected),
        )

    def _delivery(self, question: Question, key: Key, body: bytes, encoding: str) -> Delivery:
        return Delivery(body, self._message_type, Posted(question, 0), key.sender, encoding)
