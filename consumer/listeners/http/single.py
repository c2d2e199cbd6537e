"""Takes one event for each request, on the vendor's paths. The path names the message type."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from consumer.deliveries.delivery import Delivery
from consumer.http.body import BodyTooLarge
from consumer.http.endpoint import Reply  # noqa: TC001  # msgspec reads annotations
from consumer.listeners.http.answers import of_event
from consumer.listeners.http.ingest import Ingest, is_senders_fault, undone
from consumer.listeners.http.question import Posted, Question
from consumer.listeners.http.shed import NotTaken, Shed

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.access.key import Key
    from consumer.http.answer import Answer
    from consumer.http.request import Request


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
        """Post the event of a request whose body comes in parts: see `Endpoint.handle`."""
        key = self._ingest.key_of(request)
        body = await request.read_body(self._ingest.limits.max_single_bytes)
        self._ingest.admit_again(key, request.address)
        answered: asyncio.Future[Callable[[], Answer]] = asyncio.get_running_loop().create_future()

        def reply(make: Callable[[], Answer]) -> None:
            if not answered.done():  # otherwise the request was cancelled
                answered.set_result(make)

        self._post(request, key, body, reply)
        make = await answered
        return make()

    def take(self, request: Request, body: bytes, reply: Reply) -> None:
        """Post the event of a request that arrived in one piece: see `Endpoint.take`."""
        key = self._ingest.posting_key(request)
        if len(body) > self._ingest.limits.max_single_bytes:
            raise BodyTooLarge(self._ingest.limits.max_single_bytes)
        self._post(request, key, body, reply)

    def _post(self, request: Request, key: Key, body: bytes, reply: Reply) -> None:
        encoding = request.headers.get("content-encoding", "")
        if encoding:
            body, encoding = undone(body, encoding, self._ingest.limits.max_event_bytes)
        question = _Post(request, key.id, ingest=self._ingest, reply=reply)
        token = Posted(question, 0)
        delivery = Delivery(body, self._message_type, token, key.sender, encoding)
        self._ingest.put(key, question, delivery)


class _Post(Question, eq=False, kw_only=True):
    """A single event, whose sender is answered at once when the event ends.

    Attributes:
        ingest: The way into the lanes.
        reply: Answers the sender.
    """

    ingest: Ingest
    reply: Reply

    def ended(self, delivery: Delivery, /) -> None:
        """See `Question.ended`."""
        ingest = self.ingest
        ingest.note_ended(self.key_id, 1, is_senders_fault(delivery))
        self._take_reply()(
            lambda: of_event(
                delivery,
                ingest.limits.rejected_status,
                lambda rejected: ingest.errors_of(
                    delivery.message_type or "", delivery.body, rejected
                ),
            )
        )

    def let_go(self, why: Shed, /) -> None:
        """See `Question.let_go`."""

        def refused() -> Answer:
            raise self.ingest.shed(NotTaken(why))

        self._take_reply()(refused)

    def _take_reply(self) -> Reply:
        """Return what answers the sender, and forget it.

        The answer of a task holds the delivery. The delivery holds this question, and the garbage
        collector does not look into deliveries. So such a circle would stay in memory for ever.
        """
        reply, self.reply = self.reply, _answered_before
        return reply


def _answered_before(_: Callable[[], Answer]) -> None:
    raise TypeError("the intake answers a question once")  # a bug of ours
